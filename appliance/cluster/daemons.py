"""How an engine's daemons are started, stopped and waited for: the same for every engine, each within a bound.

What the daemons are, and how they are told, each engine's `commands` know.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

from appliance.host.clock import Clock
from appliance.host.process import find_program

START_DEADLINE = 20.0
STOP_DEADLINE = 90.0  # a release takes the PBX's stop, and a failing stop script is tried 11 times in 11 s
STOP_HEEDED = 20.0  # a stop takes 3 to 12 s. Source: docs/facts/heartbeat.md
SWITCH_DEADLINE = 5.0
SETTLE = 2.0  # a start that must fail (a bad interface, no /run directory) has failed by then. Source: lab
_ENDS = 5.0  # from the release of the last resource until the daemon has ended: ticks, and its children
_POLL = 0.1
_UNITS = ("lib/systemd/system", "usr/lib/systemd/system", "etc/systemd/system")


def start_command(unit: str, command: list[str | Path], root: Path = Path("/")) -> list[str | Path]:
    """Return what starts a daemon: its systemd unit, where both are there, else `command`.

    A daemon of a unit does not end with the process that started it.
    """
    with_systemd = (root / "run/systemd/system").is_dir()
    if with_systemd and any((root / place / f"{unit}.service").exists() for place in _UNITS):
        return [find_program("systemctl"), "start", f"{unit}.service"]
    return command


def settles(lives: Callable[[], bool], answers: Callable[[], bool], clock: Clock) -> bool:
    """Wait until a daemon that was just started answers, or has lived for a while; return whether it lives."""
    end = clock.now() + SETTLE
    seen = False
    while clock.now() < end:
        alive = lives()
        if alive and answers():
            return True
        if seen and not alive:
            return False
        seen = seen or alive
        clock.sleep(_POLL)
    return lives()


def until(condition: Callable[[], bool], clock: Clock, seconds: float, poll: float = _POLL) -> bool:
    """Wait until `condition`, for so many seconds at most; return whether it came true."""
    end = clock.now() + seconds
    while not condition():
        if clock.now() >= end:
            return False
        clock.sleep(poll)
    return True


def await_stop(
    ended: Callable[[], bool],
    releasing: Callable[[], bool],
    clock: Clock,
    began: float,
    *,
    heeded: float = STOP_HEEDED,
    deadline: float = STOP_DEADLINE,
) -> None:
    """Wait until a daemon that was told to stop has `ended`, but not for ever.

    It has `heeded` seconds to end or to begin to release what it holds. While it is `releasing` it is left to it until
    the `deadline`, and has a moment after that to end. All of them count from `began`.
    """
    until(ended, clock, began + heeded - clock.now())
    until(lambda: ended() or not releasing(), clock, began + deadline - clock.now())
    until(ended, clock, _ENDS)


def send(pids: Iterable[int], number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to each process of `pids` that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
