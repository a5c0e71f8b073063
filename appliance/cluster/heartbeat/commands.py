"""The commands to Heartbeat: start, stop, restart, standby, takeover.

All of them block, so the agent runs them in a thread.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from appliance.cluster.daemons import (
    SETTLE,
    START_DEADLINE,
    STOP_DEADLINE,
    STOP_HEEDED,
    SWITCH_DEADLINE,
    await_stop,
    send,
    settles,
    start_command,
    until,
)
from appliance.cluster.heartbeat.api import is_listened_on
from appliance.cluster.heartbeat.installation import LOG_FILE, HeartbeatPaths, in_session, orphans
from appliance.cluster.heartbeat.status import Heartbeat
from appliance.core.errors import ClusterError, HostError, RequestDropped
from appliance.host.clock import Clock, SystemClock
from appliance.host.process import Finished, run

_POLL = 0.1
_TICK = 1.0  # Heartbeat acts on a request within half a second. Source: docs/facts/heartbeat.md
_LOG_READ = 1 << 16
_DROPPED = re.compile(r"new request from \S+ ignored \[(\d+) seconds left\]")
_CONFIGURATION_ERROR = 6
_RUN_DIRECTORIES = ("heartbeat", "heartbeat/ccm", "heartbeat/crm", "heartbeat/dopd", "crm")


def version(paths: HeartbeatPaths) -> str:
    """Return the version that Heartbeat tells. Raises ClusterError, HostError."""
    said = run([paths.daemon, "-V"], deadline=SWITCH_DEADLINE)
    if not said.ok:
        raise ClusterError(f"Heartbeat does not tell its version: {said.explain()}.")
    return said.output.strip()


def start_engine(
    paths: HeartbeatPaths,
    *,
    clock: Clock | None = None,
    deadline: float = START_DEADLINE,
    root: Path = Path("/"),
) -> None:
    """Start Heartbeat and check that it lives; do nothing when it lives already.

    The exit status of Heartbeat proves nothing. `cl_status hbstatus` does, but says stopped until the other
    node is heard or initdead is over, so a master that lives for two seconds counts too.

    Release everything before: a start does not repair what a killed Heartbeat left behind. Under systemd the
    unit is started, so that Heartbeat does not end with the process that started it. Raises ClusterError.
    """
    clock = clock or SystemClock()
    heartbeat = Heartbeat(paths)
    if heartbeat.master_pid() is not None:
        return
    kill_leftovers(heartbeat, clock=clock)
    _remove_stale_pid_files(heartbeat)
    _make_run_directories(paths)
    _explain_start(run(start_command("heartbeat", [paths.daemon], root), deadline=deadline))
    if not settles(lambda: heartbeat.master_pid() is not None, heartbeat.answers, clock):
        raise ClusterError("Heartbeat started and died at once.", todo=_where_to_look())


def stop_engine(
    paths: HeartbeatPaths,
    releasing: Callable[[], bool] = lambda: False,
    *,
    clock: Clock | None = None,
    heeded: float = STOP_HEEDED,
    deadline: float = STOP_DEADLINE,
) -> bool:
    """Stop Heartbeat; it releases its resources, and the other node takes them. Return whether it has heeded that.

    A Heartbeat that waits for something does not: not before initdead is over while it waits for the other node
    (measured: 30 s of 30; it holds nothing, and is killed at once), and not for an hour while it waits for the end of a
    move (docs/facts/heartbeat.md). So one that is still there after a while, and releases nothing, is killed. What it
    held is let go of by the caller. Raises ClusterError.

    Args:
        paths: Where Heartbeat is.
        releasing: Tells whether the resources are being released right now.
        clock: A source of time.
        heeded: Seconds within which Heartbeat has ended, or begun to release.
        deadline: Seconds for the whole stop.
    """
    clock = clock or SystemClock()
    heartbeat = Heartbeat(paths)
    if heartbeat.master_pid() is None:
        kill_leftovers(heartbeat, clock=clock)
        return True
    waits_for_peer = not is_listened_on(paths.api_sockets)
    if not waits_for_peer:
        began = clock.now()
        run([paths.daemon, "-k"], deadline=heeded)
        await_stop(
            lambda: heartbeat.master_pid() is None,
            releasing,
            clock,
            began,
            heeded=heeded,
            deadline=deadline,
        )
    killed = _end_by_force(heartbeat, clock)
    return waits_for_peer or not killed


def _end_by_force(heartbeat: Heartbeat, clock: Clock) -> bool:
    """Kill the master, its children and the resource scripts that it runs; return whether there was one."""
    if (master := heartbeat.master_pid()) is None:
        return False
    scripts = in_session(master)
    _kill_master(heartbeat, master, clock)
    send((*scripts, *in_session(master)))
    return True


def restart_engine(
    paths: HeartbeatPaths, meanwhile: Callable[[], None] = lambda: None, *, clock: Clock | None = None
) -> None:
    """End Heartbeat by force and start it again when `meanwhile` has returned.

    It forgets every order, such as a standby of one hour. It is not asked to stop: while an order stands it does not
    obey for an hour, and otherwise it takes 3 to 12 s (measured: docs/facts/heartbeat.md). Its resource scripts end
    with it, so that none of them starts anything later. The caller has let go of the resources before. Raises
    ClusterError.
    """
    clock = clock or SystemClock()
    _end_by_force(Heartbeat(paths), clock)
    meanwhile()
    start_engine(paths, clock=clock)


def standby(paths: HeartbeatPaths, *, deadline: float = SWITCH_DEADLINE) -> None:
    """Ask Heartbeat to hand everything to the other node (`hb_standby all`).

    The call returns when Heartbeat was asked, not when service has moved: the resource script's `stop`
    follows. Heartbeat drops the request after 10 s when the other node is dead, and ignores it for about a
    second early in a joint start.
    """
    _switch(paths, paths.hb_standby, deadline)


def takeover(paths: HeartbeatPaths, *, deadline: float = SWITCH_DEADLINE) -> None:
    """Ask Heartbeat to take everything to this node (`hb_takeover all`).

    The call returns when Heartbeat was asked, not when service has moved.
    """
    _switch(paths, paths.hb_takeover, deadline)


def kill_leftovers(
    heartbeat: Heartbeat, *, clock: Clock | None = None, deadline: float = 2.0
) -> tuple[int, ...]:
    """Kill the children that a killed master left behind, and return their pids.

    Each process is checked to be Heartbeat's and to have no living master. Raises ClusterError when one of
    them stays.
    """
    if heartbeat.master_pid() is not None:
        return ()
    clock = clock or SystemClock()
    found = orphans()
    send(found)
    if not until(lambda: not set(found) & set(orphans()), clock, deadline):
        left = sorted(set(found) & set(orphans()))
        raise ClusterError(f"Heartbeat's leftover processes {left} could not be ended.")
    return found


def _switch(paths: HeartbeatPaths, script: Path, deadline: float) -> None:
    if Heartbeat(paths).master_pid() is None:  # the script would wait on the FIFO for ever
        raise ClusterError(
            f"{script.name} was not run: Heartbeat is not running.", todo="'asha ha start' starts it."
        )
    logged = _log_size()
    finished = run([script, "all"], deadline=deadline)
    if not finished.ok:
        raise ClusterError(f"Heartbeat was not reached: {finished.explain()}.")
    _check_taken(logged, SystemClock())


def _check_taken(logged: int, clock: Clock) -> None:
    """Raise ClusterError when Heartbeat logs, behind the first `logged` bytes, that it drops the request.

    It does so for up to an hour after a request whose end it has missed, and tells nobody.
    """
    end = clock.now() + _TICK
    while clock.now() < end:
        clock.sleep(_POLL)
        if dropped := _DROPPED.search(_logged_since(logged)):
            raise RequestDropped(
                f"Heartbeat drops the request: an earlier one stands for another {dropped[1]} s.",
                todo="The standby ends that within HADEADTIME and some seconds: try again when 'asha "
                "status' says no more of it. --force does not wait.",
                seconds_left=float(dropped[1]),
            )


def _log_size() -> int:
    try:
        return LOG_FILE.stat().st_size
    except OSError:
        return 0


def _logged_since(size: int) -> str:
    try:
        with LOG_FILE.open("rb") as log:
            log.seek(size)
            return log.read(_LOG_READ).decode(errors="replace")
    except OSError:
        return ""


def _kill_master(heartbeat: Heartbeat, master: int, clock: Clock) -> None:
    send((master,))
    if not until(lambda: heartbeat.master_pid() is None, clock, SETTLE, poll=_POLL / 10):
        raise ClusterError(f"Heartbeat's master process {master} could not be ended.")
    kill_leftovers(heartbeat, clock=clock)
    _remove_stale_pid_files(heartbeat)


def _explain_start(finished: Finished) -> None:
    if finished.ok:
        return
    if finished.code == _CONFIGURATION_ERROR:
        raise ClusterError(
            f"Heartbeat refuses its configuration (status 6): {_last_complaint(finished).rstrip('.')}.",
            todo="Check that the conf file's node names are what 'uname -n' says on each node, "
            "that initdead >= deadtime > keepalive, and that authkeys has mode 0600.",
        )
    raise ClusterError(f"Heartbeat could not be started: {finished.explain()}.")


def _last_complaint(finished: Finished) -> str:
    lines = (finished.error + finished.kept).splitlines()
    said = [line.split("ERROR:")[-1].strip() for line in lines if "ERROR" in line]
    first_cause = [
        line for line in said if "Configuration error" not in line and "heartbeat not started" not in line
    ]
    return (first_cause or said or ["no reason given"])[0]


def _where_to_look() -> str:
    return f"See the last lines of {LOG_FILE}: often a network interface of HAMEDIA that does not exist or is down."


def _remove_stale_pid_files(heartbeat: Heartbeat) -> None:
    """Remove stale pid files, unless Heartbeat runs.

    A stale pid file makes Heartbeat say 'already running' and end with status 0. Source: lab.
    """
    if heartbeat.master_pid() is not None:
        return
    for pid_file in heartbeat.paths.pid_files:
        pid_file.unlink(missing_ok=True)


def _make_run_directories(paths: HeartbeatPaths) -> None:
    """Create Heartbeat's directories in /run.

    /run is empty after a boot, and without these directories Heartbeat starts and dies. Packages leave the
    directories to tmpfiles.
    """
    run_dir = next((directory for directory in paths.run_dirs if directory.is_dir()), None)
    if run_dir is None:
        raise HostError("There is neither /run nor /var/run on this system.")
    for name in _RUN_DIRECTORIES:
        directory = run_dir / name
        if directory.is_dir():
            continue
        directory.mkdir(mode=0o750)
        try:
            shutil.chown(directory, "hacluster", "haclient")
        except LookupError:
            raise HostError(
                "The user hacluster or the group haclient does not exist.",
                todo="Install the heartbeat package.",
            ) from None
