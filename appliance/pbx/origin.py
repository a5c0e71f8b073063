"""What has started a process: the ancestors that still live, and the unit of systemd that it belongs to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from appliance.core.text import printable
from appliance.host.bounded import TooMuch, read_file

_PROC = Path("/proc")
_LIMIT = 64 * 1024
_SHOWN = 80
_DEPTH = 8
_WATCHER = "safe_asterisk"
# The unit or the session in a control group's path, such as /system.slice/asterisk.service.
_UNIT = re.compile(r"([^/\s]+\.(?:service|scope))\s*$", re.MULTILINE)


def started_by(pid: int, proc: Path = _PROC) -> str:
    """Return what started the process `pid`, in words for people; never raises.

    A daemon is a child of init, whoever started it: then only its unit tells, and where there is none, only that its
    starter has ended.
    """
    ancestors = list(_ancestors(pid, proc))
    unit = _unit(pid, proc)
    for parent, words in ancestors:
        if any(os.path.basename(word) == _WATCHER for word in words):  # noqa: PTH119 - words are no paths as a whole
            return f"started by {_WATCHER}, pid {parent}, which starts it again{_of(unit)}"
    if unit:
        return f"started by the unit {unit}"
    if ancestors:
        parent, words = ancestors[0]
        return f"started by '{printable(' '.join(words))[:_SHOWN]}', pid {parent}"
    return "its starter has ended: an init script, safe_asterisk, or somebody by hand"


def _of(unit: str) -> str:
    return f", of the unit {unit}" if unit else ""


def _ancestors(pid: int, proc: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the ancestors of `pid` below init, the parent first, each with its command line."""
    for _ in range(_DEPTH):
        pid = _parent(pid, proc)
        if pid <= 1:
            return
        words = _read(proc / str(pid) / "cmdline").split("\0")
        yield pid, [word for word in words if word]


def _parent(pid: int, proc: Path) -> int:
    fields = _read(proc / str(pid) / "stat").rpartition(")")[2].split()
    return int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else 0


def _unit(pid: int, proc: Path) -> str:
    found = _UNIT.search(_read(proc / str(pid) / "cgroup"))
    return found[1] if found is not None else ""


def _read(path: Path) -> str:
    try:
        return read_file(path, _LIMIT).decode(errors="replace")
    except (OSError, TooMuch):
        return ""
