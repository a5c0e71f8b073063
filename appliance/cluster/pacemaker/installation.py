"""The places where this system keeps Corosync and Pacemaker, and their processes as the kernel shows them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.core.errors import HostError
from appliance.host.bounded import TooMuch, read_file

_PROGRAM_DIRS = ("usr/sbin", "usr/bin", "usr/local/sbin", "usr/local/bin")
# The distribution's own Python. Source: EL8 and later have it in /usr/libexec, for their own tools.
_PYTHONS = ("usr/bin/python3", "usr/libexec/platform-python", "usr/local/bin/python3")
LOG_FILE = Path("/var/log/pacemaker/pacemaker.log")
COROSYNC = "corosync"
MASTER = "pacemakerd"
# The kernel keeps 15 characters of a program's name.
_DAEMONS = frozenset(
    name[:15]
    for name in (
        MASTER,
        "pacemaker-based",
        "pacemaker-fenced",
        "pacemaker-execd",
        "pacemaker-attrd",
        "pacemaker-schedulerd",
        "pacemaker-controld",
        *("cib", "stonithd", "lrmd", "attrd", "pengine", "crmd"),  # of Pacemaker 1.1
    )
)
_VERSION_WORDS = frozenset(
    ("-v", "--version")
)  # the first Corosync's, the second Pacemaker's: see commands.version
_CONTROLLERS = frozenset(("pacemaker-contr", "crmd"))
MARK = b"Written by asha"
CONF_DIR = Path("/etc/corosync")
_CONF_LIMIT = 1 << 18
_STAT = 4096  # bytes of /proc/PID/stat, which is one line
_PPID, _STARTTIME = 1, 19  # fields of /proc/PID/stat, counted behind the closing bracket of the command


@dataclass(frozen=True, slots=True)
class PacemakerPaths:
    """The programs and directories of Corosync and Pacemaker on this node."""

    corosync: Path
    corosync_cfgtool: Path
    corosync_cmapctl: Path
    pacemakerd: Path
    crm_mon: Path
    crm_resource: Path
    attrd_updater: Path
    cibadmin: Path
    python: Path  # the host's, which can load the host's libcpg
    conf_dir: Path  # corosync.conf, authkey
    cib_dir: Path  # cib.xml
    ocf_dir: Path  # the directory of the resource agents, one directory a provider
    fence_dir: Path  # the directory of the fence agents


def find_pacemaker(root: Path = Path("/")) -> PacemakerPaths:
    """Return the places of both under `root`.

    Raises HostError naming everything that is missing.
    """
    missing: list[str] = []

    def first(what: str, places: tuple[str, ...]) -> Path:
        for place in places:
            if (root / place).exists():
                return root / place
        missing.append(f"{what} (looked at {', '.join('/' + place for place in places)})")
        return root / places[0]

    def program(name: str) -> Path:
        return first(f"the program {name}", tuple(f"{directory}/{name}" for directory in _PROGRAM_DIRS))

    paths = PacemakerPaths(
        corosync=program("corosync"),
        corosync_cfgtool=program("corosync-cfgtool"),
        corosync_cmapctl=program("corosync-cmapctl"),
        pacemakerd=program("pacemakerd"),
        crm_mon=program("crm_mon"),
        crm_resource=program("crm_resource"),
        attrd_updater=program("attrd_updater"),
        cibadmin=program("cibadmin"),
        python=first("the host's Python 3", _PYTHONS),
        conf_dir=first("the directory /etc/corosync", ("etc/corosync",)),
        cib_dir=first("the directory of the CIB", ("var/lib/pacemaker/cib",)),
        ocf_dir=first("the directory of resource agents", ("usr/lib/ocf/resource.d",)),
        fence_dir=first("the directory of fence agents", ("usr/sbin",)),
    )
    if missing:
        raise HostError(
            f"Pacemaker is not installed, or not whole: missing {'; '.join(missing)}.",
            todo="Install the packages corosync and pacemaker, and the tools of both (on Debian: "
            "pacemaker-cli-utils, libcpg4).",
        )
    return paths


def is_ours(conf_dir: Path) -> bool:
    """Tell whether corosync.conf is of asha's making: a Corosync beside another one serves another cluster."""
    try:
        return MARK in read_file(conf_dir / "corosync.conf", _CONF_LIMIT)
    except (OSError, TooMuch):
        return False


class Processes:
    """The processes of Corosync and Pacemaker on this machine, those in containers left out."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    def corosync(self) -> int | None:
        """Return the pid of Corosync; None when it does not run."""
        return next(self._named(frozenset((COROSYNC,))), None)

    def master(self) -> int | None:
        """Return the pid of pacemakerd; None when it does not run."""
        return next(self._named(frozenset((MASTER,))), None)

    def controls(self) -> bool:
        """Tell whether something orders the resources here: pacemakerd, or the controller that it left behind."""
        return any(True for _ in self._named(_CONTROLLERS | {MASTER}))

    def has_controller(self) -> bool:
        """Tell whether the controller runs, which pacemakerd starts last."""
        return any(True for _ in self._named(_CONTROLLERS))

    def of_pacemaker(self) -> tuple[int, ...]:
        """Return the pids of all of Pacemaker's daemons, pacemakerd first, so that it starts none of them again."""
        master = self.master()
        others = tuple(pid for pid in self._named(_DAEMONS) if pid != master)
        return others if master is None else (master, *others)

    def below(self, pids: tuple[int, ...]) -> tuple[int, ...]:
        """Return the pids of what `pids` have started and its descendants: resource agents that are under way."""
        parents = {pid: _field(self._stat(pid), _PPID) for pid in self._pids()}
        found: set[int] = set()
        fresh = set(pids)
        while fresh:
            fresh = {pid for pid, parent in parents.items() if parent in fresh and pid not in found}
            found |= fresh
        return tuple(found - set(pids))

    def identity(self, pid: int) -> str:
        """Return `pid:starttime`, which distinguishes a later process with the same pid; "" when it is gone."""
        started = _field(self._stat(pid), _STARTTIME)
        return f"{pid}:{started}" if started else ""

    def _named(self, names: frozenset[str]) -> Iterator[int]:
        own = self._namespace("self")
        for pid in self._pids():
            if self._comm(pid) not in names or self._namespace(str(pid)) != own or self._is_zombie(pid):
                continue
            if not self._tells_version(pid):
                yield pid

    def _pids(self) -> list[int]:
        return [int(entry) for entry in os.listdir(self._proc) if entry.isdigit()]  # noqa: PTH208 - called each second

    def _comm(self, pid: int) -> str:
        return self._read(pid, "comm").strip()

    def _stat(self, pid: int) -> list[str]:
        return self._read(pid, "stat").rpartition(")")[2].split()

    def _is_zombie(self, pid: int) -> bool:
        return self._stat(pid)[:1] in ([], ["Z"], ["X"])

    def _tells_version(self, pid: int) -> bool:
        """Tell whether the process was only asked for its version, which it tells under the daemon's own name."""
        return bool(_VERSION_WORDS.intersection(self._read(pid, "cmdline").split("\0")[1:]))

    def _read(self, pid: int, name: str) -> str:
        try:
            return read_file(self._proc / str(pid) / name, _STAT).decode(errors="replace")
        except (OSError, TooMuch):
            return ""

    def _namespace(self, pid: str) -> str:
        try:
            return str((self._proc / pid / "ns/pid").readlink())
        except OSError:
            return ""


def _field(stat: list[str], number: int) -> int:
    return int(stat[number]) if len(stat) > number and stat[number].isdigit() else 0


def running_identity(proc: Path = Path("/proc"), conf_dir: Path = CONF_DIR) -> str:
    """Return the identity of the Corosync that runs for asha now; "" when none does.

    A grant lives as long as Corosync: Pacemaker's daemons may be replaced, and the new ones adopt what is held.
    """
    processes = Processes(proc)
    pid = processes.corosync() if is_ours(conf_dir) else None
    return processes.identity(pid) if pid is not None else ""
