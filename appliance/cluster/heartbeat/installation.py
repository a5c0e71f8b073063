"""The places where this system keeps Heartbeat.

Debian, EL5 (lib and lib64), EL6 and source builds differ.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.core.errors import HostError

# Source: the Debian 3.0.6 and EPEL/CentOS 5 2.1 and 3.0 packages, and the defaults of Heartbeat's own
# configure.
_DAEMON_DIRS = (
    "usr/libexec/heartbeat",
    "usr/lib64/heartbeat",
    "usr/lib/heartbeat",
    "usr/local/libexec/heartbeat",
    "usr/local/lib64/heartbeat",
    "usr/local/lib/heartbeat",
)
_SCRIPT_DIRS = (
    "usr/share/heartbeat",
    "usr/lib64/heartbeat",
    "usr/lib/heartbeat",
    "usr/local/share/heartbeat",
    "usr/local/lib/heartbeat",
)
_LIBRARY_DIRS = (
    "usr/lib64/heartbeat",
    "usr/lib/heartbeat",
    "usr/local/lib64/heartbeat",
    "usr/local/lib/heartbeat",
)
_COMMAND_DIRS = ("usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin")
_CONF_DIRS = ("etc/ha.d", "usr/local/etc/ha.d")
_STATE_DIRS = ("var/lib/heartbeat", "usr/local/var/lib/heartbeat")
LOG_FILE = Path("/var/log/ha-log")
_RUN_DIRS = ("run", "var/run", "usr/local/var/run")


@dataclass(frozen=True, slots=True)
class HeartbeatPaths:
    """The programs and directories of Heartbeat on this node.

    The programs, ha.d, resource.d and the state directory exist; run directories, sockets and pid files may
    not.
    """

    daemon: Path
    hb_standby: Path
    hb_takeover: Path
    cl_status: Path
    ha_dir: Path  # ha.cf, haresources, authkeys
    resource_dir: Path
    state_dir: Path
    run_dirs: tuple[Path, ...]

    @property
    def api_sockets(self) -> tuple[Path, ...]:
        """The places where a running Heartbeat may listen for API clients.

        Heartbeat 3.x listens in /run, 2.x also in its state directory.
        """
        in_run = tuple(directory / "heartbeat/register" for directory in self.run_dirs)
        return (*in_run, self.state_dir / "register")

    @property
    def pid_files(self) -> tuple[Path, ...]:
        """The places where a running Heartbeat may have written the pid of its master."""
        return tuple(directory / "heartbeat.pid" for directory in self.run_dirs)

    @property
    def fifo(self) -> Path:
        """The pipe through which hb_standby and hb_takeover speak; it exists once Heartbeat has run."""
        return self.state_dir / "fifo"


def find_heartbeat(root: Path = Path("/")) -> HeartbeatPaths:
    """Return the places of Heartbeat under `root`.

    Raises HostError naming everything that is missing and where it was looked for.
    """
    search = _Search(root)
    paths = HeartbeatPaths(
        daemon=search.program("heartbeat", _DAEMON_DIRS),
        hb_standby=search.program("hb_standby", _SCRIPT_DIRS),
        hb_takeover=search.program("hb_takeover", _SCRIPT_DIRS),
        cl_status=search.program("cl_status", _COMMAND_DIRS),
        ha_dir=search.directory("the configuration directory ha.d", _CONF_DIRS),
        resource_dir=search.directory("resource.d", tuple(f"{conf}/resource.d" for conf in _CONF_DIRS)),
        state_dir=search.directory("the state directory", _STATE_DIRS),
        run_dirs=tuple(root / directory for directory in _RUN_DIRS),
    )
    search.complain()
    return paths


def kept_conf_dirs(root: Path = Path("/")) -> tuple[Path, ...]:
    """Return where its configuration may be, also when its programs are gone."""
    return tuple(root / place for place in _CONF_DIRS)


def knows_medium(kind: str, root: Path = Path("/")) -> bool:
    """Tell whether this Heartbeat has the plugin for a kind of path between the nodes, such as `ucast6`."""
    return any((root / place / f"plugins/HBcomm/{kind}.so").is_file() for place in _LIBRARY_DIRS)


class _Search:
    """A search for places that remembers everything missing, so that all of it is named at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._missing: list[str] = []

    def program(self, name: str, directories: tuple[str, ...]) -> Path:
        places = tuple(f"{directory}/{name}" for directory in directories)
        return self._first(f"the program {name}", places, _is_program)

    def directory(self, what: str, places: tuple[str, ...]) -> Path:
        return self._first(what, places, Path.is_dir)

    def complain(self) -> None:
        if self._missing:
            raise HostError(
                f"Heartbeat is not installed, or not whole: missing {'; '.join(self._missing)}.",
                todo="Install the heartbeat package.",
            )

    def _first(self, what: str, places: tuple[str, ...], fits: Callable[[Path], bool]) -> Path:
        for place in places:
            path = self._root / place
            if fits(path):
                return path
        self._missing.append(f"{what} (looked at {', '.join('/' + place for place in places)})")
        return self._root / places[0]


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


# The processes of Heartbeat as the kernel shows them.
#
# They are the master, and the children that a killed master leaves.


_PROGRAM = "heartbeat"
_MASTER_TITLE = b"heartbeat: master control process"
_PPID, _SESSION = 1, 3  # fields of /proc/PID/stat, counted behind the closing bracket of the command
_TELLS_VERSION = b"\0-V"  # the end of the command line of `heartbeat -V`
_CHILD_TITLE = b"heartbeat: "  # 'FIFO reader', 'write: ucast eth0', 'read: ...'


def is_master(pid: int, proc: Path = Path("/proc")) -> bool:
    """Tell whether `pid` lives and is Heartbeat's master.

    The master is known by its program name and by the title it gives itself. A master that has only just
    started still shows its command line instead of a title. One that was only asked for its version is none.
    """
    title = _title(pid, proc)
    if title is None or _comm(pid, proc) != _PROGRAM:
        return False
    if title.rstrip(b"\0").endswith(_TELLS_VERSION):
        return False
    return title.startswith(_MASTER_TITLE) or not title.startswith(_CHILD_TITLE)


def orphans(proc: Path = Path("/proc")) -> tuple[int, ...]:
    """Return the pids of children whose master is gone.

    Such children still hold the links and the FIFO. Source: lab, kill -9.
    """
    return tuple(pid for pid in _pids(proc) if _is_orphan(pid, proc))


def in_session(leader: int, proc: Path = Path("/proc")) -> tuple[int, ...]:
    """Return the pids of the session that `leader` leads, without `leader`.

    The master leads the session of its children and of the resource scripts. Source: lab.
    """
    return tuple(pid for pid in _pids(proc) if pid != leader and _stat_field(pid, proc, _SESSION) == leader)


def _is_orphan(pid: int, proc: Path) -> bool:
    title = _title(pid, proc)
    if title is None or not title.startswith(_CHILD_TITLE) or title.startswith(_MASTER_TITLE):
        return False
    return _comm(pid, proc) == _PROGRAM and _comm(_parent(pid, proc), proc) != _PROGRAM


def _pids(proc: Path) -> Iterator[int]:
    return (int(entry.name) for entry in proc.iterdir() if entry.name.isdigit())


def _title(pid: int, proc: Path) -> bytes | None:
    """Return the command line of a process; None when the process is gone or only a zombie."""
    try:
        return (proc / str(pid) / "cmdline").read_bytes() or None
    except OSError:
        return None


def _comm(pid: int, proc: Path) -> str:
    try:
        return (proc / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:
        return ""


def _parent(pid: int, proc: Path) -> int:
    return _stat_field(pid, proc, _PPID)


def _stat_field(pid: int, proc: Path, number: int) -> int:
    try:
        stat = (proc / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[number])
