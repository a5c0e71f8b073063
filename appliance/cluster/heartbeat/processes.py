"""The processes of Heartbeat as the kernel shows them.

They are the master, and the children that a killed master leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_PROGRAM = "heartbeat"
_MASTER_TITLE = b"heartbeat: master control process"
_CHILD_TITLE = b"heartbeat: "  # 'FIFO reader', 'write: ucast eth0', 'read: ...'


def is_master(pid: int, proc: Path = Path("/proc")) -> bool:
    """Tell whether `pid` lives and is Heartbeat's master.

    The master is known by its program name and by the title it gives itself. A master that has only just
    started still shows its command line instead of a title.
    """
    title = _title(pid, proc)
    if title is None or _comm(pid, proc) != _PROGRAM:
        return False
    return title.startswith(_MASTER_TITLE) or not title.startswith(_CHILD_TITLE)


def orphans(proc: Path = Path("/proc")) -> tuple[int, ...]:
    """Return the pids of children whose master is gone.

    Such children still hold the links and the FIFO. Source: lab, kill -9.
    """
    return tuple(pid for pid in _pids(proc) if _is_orphan(pid, proc))


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
    try:
        stat = (proc / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])
