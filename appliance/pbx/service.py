"""Start and stop of Asterisk; every function blocks, is bounded and idempotent, and touches only Asterisk."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from appliance.config import Conf
from appliance.core.errors import AshaError, HostError
from appliance.core.pbx_start import StartWay
from appliance.core.reading import Known, Unknown
from appliance.core.timing import KILL_PATIENCE
from appliance.host.bounded import TooMuch, read_file
from appliance.host.clock import Clock
from appliance.host.pidwatch import PidWatch
from appliance.host.process import find_program, run
from appliance.pbx.calls import hang_up, read_channels
from appliance.pbx.process import find_pid
from appliance.pbx.start_way import make_writable, read_start_way

_POLL = 0.02
# asha's own rank for the kernel's memory killer, and its limits, are not Asterisk's. What cannot be set stays as it is.
_START = (
    'echo "$1" 2>/dev/null >/proc/self/oom_score_adj; '
    'if [ -n "$2" ]; then ulimit -n "$2" 2>/dev/null; fi; shift 2; exec "$@"'
)
_CONSOLE = 1.0  # seconds for a console command that should answer at once
_HANGING_UP = 2.0  # seconds for ending the calls that are up, at the most
_HANGING_UP_SHARE = 0.25  # of the deadline, at the most: the stop itself has the rest
_STATUS_LIMIT = 64 * 1024  # bytes of /proc/PID/status
_MASK = re.compile(r"^(SigPnd|ShdPnd|SigBlk):\s*([0-9a-f]+)$", re.MULTILINE)
_SIGTERM_BIT = 1 << (signal.SIGTERM - 1)
_TERM_SHARE = 0.25  # of the deadline: reserved for SIGTERM after the console's turn


def start(conf: Conf, clock: Clock, told: Callable[[str], None] = lambda says: None) -> int:
    """Start Asterisk as a daemon and return its pid; if it runs already, only return its pid.

    `told` is called with what had to be mended before, or could not be. Raises HostError with Asterisk's own words when
    it does not come up within PBXSTARTDEADLINE.
    """
    running = running_pid(conf, clock)
    if running is not None:
        return running
    began = clock.now()
    way = _way(conf, told)
    for said in make_writable(conf, way):
        told(said)
    command = [str(find_program(conf.pbx_program)), *way.words]
    finished = run([*_as_its_own(way), *command], deadline=conf.pbx_start_deadline)
    if not finished.ok:
        running = running_pid(conf, clock)
        if running is not None:
            return running  # somebody else was quicker: it is what was refused a second one
        why = replace(finished, argv=tuple(command)).explain()  # people know it by its own words
        raise HostError(f"Asterisk did not start: {why}.", todo="Try it by hand: asterisk -cvvv.")
    while clock.now() - began < conf.pbx_start_deadline:
        pid = running_pid(conf, clock)
        if pid is not None:
            return pid
        clock.sleep(_POLL)
    raise HostError(
        f"Asterisk was started and does not run after {conf.pbx_start_deadline:g} s: {conf.pbx_pidfile}, its control "
        "socket and the processes do not show it.",
        todo="Check PBXPIDFILE, and Asterisk's own log.",
    )


def _way(conf: Conf, told: Callable[[str], None]) -> StartWay:
    """Return how Asterisk is started; what cannot be read is told, and keeps nobody from starting it."""
    try:
        return read_start_way(conf)
    except HostError as problem:
        told(f"{problem} It is started as asterisk.conf says, else as root.")
        return StartWay()


def _as_its_own(way: StartWay) -> list[str]:
    """Return the words before Asterisk's own: a shell sets what a program takes over from who starts it.

    None are needed where nothing is to be set.
    """
    if not way.files and _own_oom() == way.oom:
        return []
    return ["/bin/sh", "-c", _START, "asha", str(way.oom), str(way.files) if way.files else ""]


def _own_oom() -> int:
    """Return this process's rank for the kernel's memory killer; 0 where the kernel has none, as that of EL5."""
    try:
        return int(Path("/proc/self/oom_score_adj").read_text())
    except (OSError, ValueError):
        return 0


def wait_booted(conf: Conf, clock: Clock, deadline: float) -> bool:
    """Wait until Asterisk reports that it is fully booted; return False after `deadline` seconds without.

    False is also returned when Asterisk dies while booting. `core waitfullybooted` waits inside Asterisk
    itself (since 1.8), so no time is lost between two polls.
    """
    end = clock.now() + deadline
    program = find_program(conf.pbx_program)
    while (left := end - clock.now()) > 0:
        finished = run([program, "-rx", "core waitfullybooted"], deadline=left)
        if finished.ok and "fully booted" in finished.kept:
            return True
        if running_pid(conf, clock) is None:
            return False  # it died while booting
        clock.sleep(_POLL)
    return False


def stop(conf: Conf, clock: Clock, deadline: float, *, hung: bool = False) -> None:
    """Stop Asterisk within `deadline` seconds: by its console, then SIGTERM, then SIGKILL.

    Calls that are up are ended first, so that their telephones are told. Returns when Asterisk is gone. With `hung`,
    SIGKILL is sent at once. Raises HostError only when the kernel does not let the process die.
    """
    pid = running_pid(conf, clock)
    if pid is None:
        return
    try:
        watch = PidWatch(pid)
    except HostError:
        return  # it ended by itself just now
    with watch:
        _end(conf, clock, watch, deadline, hung)


def _end(conf: Conf, clock: Clock, watch: PidWatch, deadline: float, hung: bool) -> None:
    end = clock.now() + deadline
    if not hung:
        if _calls_are_ended(conf, clock, min(_HANGING_UP, deadline * _HANGING_UP_SHARE)):
            _send(watch.pid, signal.SIGTERM)
            asked = True
        else:
            asked = _ask_to_stop(conf, deadline)
        if asked and _gone(watch, clock, end - deadline * _TERM_SHARE):
            return
        _send(watch.pid, signal.SIGTERM)
        if _gone(watch, clock, end, unless=_refuses_to_end):
            return
    _send(watch.pid, signal.SIGKILL)
    if not _gone(watch, clock, clock.now() + KILL_PATIENCE):
        raise HostError(f"Asterisk (pid {watch.pid}) does not die of SIGKILL: the kernel holds it.")


def running_pid(conf: Conf, clock: Clock) -> int | None:
    """Return Asterisk's pid, or None. Raises HostError when it cannot be told whether Asterisk runs."""
    found = find_pid(conf, clock.now())
    if isinstance(found, Unknown):
        raise HostError(f"Whether Asterisk runs cannot be told: {found.reason}.")
    return found.value


def _calls_are_ended(conf: Conf, clock: Clock, deadline: float) -> bool:
    """End the calls that are up, so that their telephones are told; return whether there were some, and all ended.

    What does not come within `deadline` seconds, or fails, is left to the stop itself.

    A stop that finds calls ends them too, and then waits for a second in which nobody is served, refusing every other
    command (docs/facts/asterisk.md). So the calls are ended first, and a signal follows, which is quicker than another
    start of the console's program. A call that begins in between costs that second.
    """
    end = clock.now() + deadline
    were = read_channels(conf, clock.now, deadline)
    if not isinstance(were, Known) or not were.value or not hang_up(conf, clock.now, end - clock.now()):
        return False
    while (left := end - clock.now()) > 0:
        are = read_channels(conf, clock.now, left)
        if isinstance(are, Known) and not are.value & were.value:
            return True
        clock.sleep(_POLL)
    return False


def _ask_to_stop(conf: Conf, deadline: float) -> bool:
    """Ask by the console; return whether Asterisk may have taken it.

    While it boots there is no console at first, and then one that knows no such command: it says so, and is not waited
    for (docs/facts/asterisk.md).
    """
    try:
        said = run([find_program(conf.pbx_program), "-rx", "core stop now"], deadline=min(_CONSOLE, deadline))
    except AshaError:
        return False
    return said.code is None or (said.ok and "No such command" not in said.kept)


def _gone(
    watch: PidWatch, clock: Clock, until: float, unless: Callable[[int], bool] = lambda pid: False
) -> bool:
    while not watch.drain():
        if clock.now() >= until or unless(watch.pid):
            return False
        clock.sleep(_POLL)
    return True


def _refuses_to_end(pid: int) -> bool:
    """Tell whether a SIGTERM that was sent to the process waits, because the process blocks it.

    Asterisk blocks it from a moment in its boot on, and has lost it when the boot is over (docs/facts/asterisk.md): it
    would run on. Nothing is lost by killing it then, for it has not served anybody yet.
    """
    try:
        status = read_file(Path(f"/proc/{pid}/status"), _STATUS_LIMIT).decode(errors="replace")
    except (OSError, TooMuch):
        return False
    masks = dict(_MASK.findall(status))
    waits = int(masks.get("SigPnd", "0"), 16) | int(masks.get("ShdPnd", "0"), 16)
    return bool(waits & int(masks.get("SigBlk", "0"), 16) & _SIGTERM_BIT)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
        # A stopped process cannot even be asked to end; it takes the signal when it goes on.
        os.kill(pid, signal.SIGCONT)
