"""Heartbeat seen from outside, without its API socket.

The sources are the pid file, /proc and the program cl_status.
"""

from __future__ import annotations

from pathlib import Path

from appliance.cluster.heartbeat.installation import HeartbeatPaths, find_heartbeat, is_master
from appliance.cluster.heartbeat.view import Held, NodeStatus
from appliance.core.errors import AshaError
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.bounded import PID_LIMIT, TooMuch, pid_in, read_file
from appliance.host.process import run

_ANSWER_LIMIT = 2.0
_STARTTIME_FIELD = 19  # of /proc/PID/stat, counted behind the closing bracket of the command


class Heartbeat:
    """Heartbeat on this node."""

    def __init__(self, paths: HeartbeatPaths, proc: Path = Path("/proc")) -> None:
        self.paths = paths
        self._proc = proc

    def master_pid(self) -> int | None:
        """Return the pid of the living master, or None.

        A stale pid file, or one whose pid now belongs to another program, gives None. The pid does not last:
        Heartbeat replaces itself under a new pid when a split cluster heals.
        """
        for pid_file in self.paths.pid_files:
            pid = _read_pid(pid_file)
            if pid is not None and is_master(pid, self._proc):
                return pid
        return None

    def answers(self, deadline: float = _ANSWER_LIMIT) -> bool:
        """Tell whether `cl_status hbstatus` says that Heartbeat runs.

        Then the master is there and past its wait for the other node. Blocks up to `deadline` seconds.
        """
        return run([self.paths.cl_status, "hbstatus"], deadline=deadline).code == 0

    def peer_status(self, peer: str, now: float, deadline: float = _ANSWER_LIMIT) -> Reading[NodeStatus]:
        """Return what cl_status says of `peer`.

        Blocks up to `deadline` seconds; ClusterView tells the same without blocking.
        """
        word = self._ask(("nodestatus", peer), now, deadline)
        if isinstance(word, Unknown):
            return word
        if word.value in {status.value for status in NodeStatus}:
            return Known(NodeStatus(word.value), now)
        return Unknown(f"cl_status says '{word.value}' of {peer}", now)

    def held(self, now: float, deadline: float = _ANSWER_LIMIT) -> Reading[Held]:
        """Return what Heartbeat believes this node holds (`rscstatus`).

        Blocks up to `deadline` seconds.
        """
        word = self._ask(("rscstatus",), now, deadline)
        if isinstance(word, Unknown):
            return word
        if word.value in {held.value for held in Held}:
            return Known(Held(word.value), now)
        return Unknown(f"cl_status says '{word.value}' of what this node holds", now)

    def _ask(self, words: tuple[str, ...], now: float, deadline: float) -> Reading[str]:
        try:
            finished = run([self.paths.cl_status, *words], deadline=deadline)
            word = finished.output.strip()
        except AshaError as problem:
            return Unknown(str(problem), now)
        return Known(word, now) if word and finished.code is not None else Unknown(finished.explain(), now)


def running_master(proc: Path = Path("/proc")) -> str:
    """Return the identity of the master that runs now; "" when none does, or Heartbeat is not installed."""
    try:
        pid = Heartbeat(find_heartbeat(), proc).master_pid()
    except AshaError:
        return ""
    return identity_of(pid, proc) if pid is not None else ""


def identity_of(pid: int, proc: Path = Path("/proc")) -> str:
    """Return `pid:starttime`; "" when the process is gone.

    The start time distinguishes a later process that has the same pid.
    """
    try:
        stat = (proc / str(pid) / "stat").read_text()
    except OSError:
        return ""
    return f"{pid}:{stat.rpartition(')')[2].split()[_STARTTIME_FIELD]}"


def times_run(pid: int, proc: Path = Path("/proc")) -> int | None:
    """Return how often the process has waited for something and was then given the processor; None when it is gone."""
    try:
        said = (proc / str(pid) / "status").read_bytes()
    except OSError:
        return None
    count = said.rpartition(b"\nvoluntary_ctxt_switches:")[2].split()
    return int(count[0]) if count and count[0].isdigit() else None


def _read_pid(pid_file: Path) -> int | None:
    try:
        return pid_in(read_file(pid_file, PID_LIMIT))
    except (FileNotFoundError, TooMuch):
        return None
