"""The commands to Corosync and Pacemaker: start, stop, restart, and the wishes that move service.

All of them block, so the agent runs them in a thread.
"""

from __future__ import annotations

import contextlib
import re
import signal
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
from appliance.cluster.pacemaker import corosync, view
from appliance.cluster.pacemaker.cib import GROUP, WISH, WISHED
from appliance.cluster.pacemaker.installation import LOG_FILE, PacemakerPaths, Processes, is_ours
from appliance.core.errors import ClusterError, HostError
from appliance.core.reading import Known
from appliance.host.bounded import TooMuch, read_file
from appliance.host.clock import Clock, SystemClock
from appliance.host.process import find_program, run

_COROSYNC_ENDS = 5.0
_POLL = 0.1
_JOINS = 10.0  # a node that starts has joined within 3 to 7 s. Source: docs/facts/pacemaker.md
_CONF_LIMIT = 1 << 18
_NODE = re.compile(r"name:\s*(\S+)\s*\n\s*nodeid:\s*\d")


def version(paths: PacemakerPaths) -> str:
    """Return the versions of Pacemaker and Corosync. Raises ClusterError, HostError."""
    said = run([paths.pacemakerd, "--version"], deadline=SWITCH_DEADLINE)
    rings = run([paths.corosync, "-v"], deadline=SWITCH_DEADLINE)
    if not (said.ok and rings.ok):
        raise ClusterError(f"Pacemaker does not tell its version: {(rings if said.ok else said).explain()}.")
    return ", ".join(text.output.strip().splitlines()[0] for text in (said, rings))


def start_engine(paths: PacemakerPaths, *, clock: Clock | None = None, root: Path = Path("/")) -> None:
    """Start Corosync, then Pacemaker, and check that they live; do nothing when they do.

    Daemons of a Pacemaker whose Corosync is gone are ended first: they would go on with what they believed. Under
    systemd the units are started, so that they do not end with the process that started them. A Corosync that was
    started here does not stay when Pacemaker does not start: alone it looks like an engine that runs. Raises
    ClusterError.
    """
    clock, processes = clock or SystemClock(), Processes()
    if processes.corosync() is not None and processes.master() is not None:
        return
    if processes.corosync() is None:
        _kill_pacemaker(processes, clock)
    if processes.corosync() is not None:
        _start_pacemaker(paths, processes, clock, root)
        return
    try:
        _start("corosync", [paths.corosync], root)
        _await_corosync(paths, clock)
        _start_pacemaker(paths, processes, clock, root)
    except (ClusterError, HostError):
        _kill_pacemaker(processes, clock)
        _end_corosync(processes, clock)
        raise


def _start_pacemaker(paths: PacemakerPaths, processes: Processes, clock: Clock, root: Path) -> None:
    _make_run_directory()
    _start("pacemaker", _in_background(paths.pacemakerd), root)
    # The controller is started last of Pacemaker's daemons.
    if not settles(lambda: processes.master() is not None, processes.has_controller, clock):
        raise ClusterError("Pacemaker started and died at once.", todo=f"See the last lines of {LOG_FILE}.")


def stop_engine(
    paths: PacemakerPaths,
    releasing: Callable[[], bool] = lambda: False,
    *,
    clock: Clock | None = None,
    heeded: float = STOP_HEEDED,
    deadline: float = STOP_DEADLINE,
) -> bool:
    """Stop both; Pacemaker releases its resources first, and the other node takes them. Return whether it heeded that.

    Daemons of another cluster are left alone. One that is still there after a while, and releases nothing, is killed,
    such as one whose resource is blocked by a stop that has failed. What it held is let go of by the caller. Raises
    ClusterError.

    Args:
        paths: Where they are.
        releasing: Tells whether the resources are being released right now.
        clock: A source of time.
        heeded: Seconds within which Pacemaker has ended, or begun to release.
        deadline: Seconds for the whole stop.
    """
    if not is_ours(paths.conf_dir):
        return True
    clock, processes = clock or SystemClock(), Processes()
    began, heard = clock.now(), processes.corosync() is not None
    if (master := processes.master()) is not None and heard:
        send((master,), signal.SIGTERM)
        await_stop(
            lambda: processes.master() is None, releasing, clock, began, heeded=heeded, deadline=deadline
        )
    killed = _kill_pacemaker(processes, clock)
    _end_corosync(processes, clock)
    return not killed


def restart_engine(
    paths: PacemakerPaths, meanwhile: Callable[[], None] = lambda: None, *, clock: Clock | None = None
) -> None:
    """End both by force and start them again when `meanwhile` has returned.

    The resource agents that are under way end with them, so that none of them starts anything later. The caller has let
    go of the resources before. Raises ClusterError.
    """
    clock, processes = clock or SystemClock(), Processes()
    if is_ours(paths.conf_dir):
        _kill_corosync(processes, clock)
        _kill_pacemaker(processes, clock)
    meanwhile()
    start_engine(paths, clock=clock)


def wish(paths: PacemakerPaths, own: str, *, here: bool, clock: Clock | None = None) -> None:
    """Have service where it is wished: here, or on the other node.

    A node that is just joining is waited for: what is wished of it before is forgotten when it has joined. The
    attribute of the node that is to give service up falls first: with both low nothing moves, and with both high
    nothing would. Attributes are transient: a node that leaves has none. The call returns when Pacemaker was asked, not
    when service has moved. Raises ClusterError.
    """
    if Processes().corosync() is None:
        raise ClusterError("Pacemaker is not running.", todo="'asha ha start' starts it.")
    peer = next((name for name in node_names(paths) if name.lower() != own.lower()), "")
    if not peer:
        raise ClusterError(f"{paths.conf_dir / 'corosync.conf'} does not name the other node.")
    gives, takes = (peer, own) if here else (own, peer)
    _await_online(paths, takes, clock or SystemClock())
    for node, value in ((gives, 0), (takes, WISHED)):
        said = run([paths.attrd_updater, "-n", WISH, "-N", node, "-U", str(value)], deadline=SWITCH_DEADLINE)
        if not said.ok:
            raise ClusterError(f"Pacemaker was not reached: {said.explain()}.")


def _await_online(paths: PacemakerPaths, node: str, clock: Clock) -> None:
    end = clock.now() + _JOINS
    while True:
        belief = view.ask(str(paths.crm_mon), clock.now())
        if isinstance(belief, Known) and node.lower() in belief.value.online:
            return
        if clock.now() > end:
            raise ClusterError(
                f"Pacemaker on {node} has not joined the cluster.", todo="See 'crm_mon -1' there."
            )
        clock.sleep(_POLL)


def publish(paths: PacemakerPaths, claims: bool) -> bool:
    """Have this node's wish say whether it claims service; return whether Pacemaker was told."""
    value = str(WISHED if claims else 0)
    with contextlib.suppress(HostError):
        return run([paths.attrd_updater, "-n", WISH, "-U", value], deadline=SWITCH_DEADLINE).ok
    return False


def clear_failures(paths: PacemakerPaths) -> None:
    """Have Pacemaker forget what has failed: it looks anew, and tries again.

    That is told of the group, so of the addresses too. A resource whose stop has failed is blocked until then, on a
    pair without fencing for ever.
    """
    with contextlib.suppress(HostError):
        run([paths.crm_resource, "--cleanup", "-r", GROUP], deadline=SWITCH_DEADLINE)


def begin_alone(paths: PacemakerPaths) -> bool:
    """Have Corosync no longer wait for a node that it has never seen (`wait_for_all`); return whether it was told."""
    key = "quorum.cancel_wait_for_all"
    with contextlib.suppress(HostError):
        return run([paths.corosync_cmapctl, "-s", key, "u8", "1"], deadline=SWITCH_DEADLINE).ok
    return False


def node_names(paths: PacemakerPaths) -> list[str]:
    """Return the names of the nodes in corosync.conf as asha writes it, in the order of their ids."""
    try:
        text = read_file(paths.conf_dir / "corosync.conf", _CONF_LIMIT).decode(errors="replace")
    except (OSError, TooMuch):
        return []
    return _NODE.findall(text)


def _start(unit: str, command: list[str | Path], root: Path) -> None:
    started = run(start_command(unit, command, root), deadline=START_DEADLINE)
    if not started.ok:
        raise ClusterError(
            f"{unit.capitalize()} could not be started: {started.explain()}.", todo=f"See {corosync.LOG}."
        )


def _in_background(program: Path) -> list[str | Path]:
    """Return a command that starts `program`, which stays in the foreground, as a daemon."""
    shell = 'exec </dev/null >/dev/null 2>&1; setsid "$0" &'
    return [find_program("sh"), "-c", shell, program]


def _await_corosync(paths: PacemakerPaths, clock: Clock) -> None:
    end = clock.now() + START_DEADLINE
    while not run([paths.corosync_cfgtool, "-s"], deadline=SWITCH_DEADLINE).ok:
        if clock.now() > end or Processes().corosync() is None:
            raise ClusterError(
                "Corosync started and does not answer.", todo=f"See the last lines of {corosync.LOG}."
            )
        clock.sleep(_POLL)


def _make_run_directory() -> None:
    """Create /run/crm, which is empty after a boot; packages leave it to tmpfiles. Raises HostError."""
    import shutil  # noqa: PLC0415 - only at a start

    directory = Path("/run/crm")
    if directory.is_dir():
        return
    directory.mkdir(mode=0o750)
    try:
        shutil.chown(directory, "hacluster", "haclient")
    except LookupError:
        raise HostError(
            "The user hacluster or the group haclient does not exist.", todo="Install the pacemaker package."
        ) from None


def _kill_pacemaker(processes: Processes, clock: Clock) -> bool:
    """Kill Pacemaker's daemons and the resource agents that they run; return whether there were any."""
    daemons = processes.of_pacemaker()
    if not daemons:
        return False
    send((*daemons, *processes.below(daemons)))
    if not until(lambda: not processes.of_pacemaker(), clock, SETTLE):
        left = sorted(processes.of_pacemaker())
        raise ClusterError(f"Pacemaker's processes {left} could not be ended.")
    return True


def _end_corosync(processes: Processes, clock: Clock) -> None:
    """Have Corosync leave its cluster and end; kill it when it does not."""
    if (pid := processes.corosync()) is not None:
        send((pid,), signal.SIGTERM)
        until(lambda: processes.corosync() is None, clock, _COROSYNC_ENDS)
        _kill_corosync(processes, clock)


def _kill_corosync(processes: Processes, clock: Clock) -> None:
    if (pid := processes.corosync()) is None:
        return
    send((pid,))
    if not until(lambda: processes.corosync() is None, clock, SETTLE):
        raise ClusterError(f"Corosync's process {pid} could not be ended.")
