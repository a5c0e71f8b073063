"""A rack's name, with the pid and start time of its process, so that no live rack is cleaned away."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

RACKS = Path("/dev/shm/asha-rack")  # a tmpfs on every Linux: the nodes' disks live and die in memory

_PATTERN = re.compile(r"asha-(?P<pid>\d+)-(?P<start>\d+)-\d+")
_serial = itertools.count(1)


def new_prefix() -> str:
    """Return an unused prefix: `asha-PID-STARTTIME-N`, N counting this process's racks."""
    return f"asha-{os.getpid()}-{_start_time(os.getpid())}-{next(_serial)}"


def rack_dir(prefix: str) -> Path:
    """Return where the rack keeps its nodes' disks and logs. Not created here."""
    return RACKS / prefix


def prefix_of(name: str) -> str | None:
    """Return the prefix that a namespace, cgroup or directory name begins with; None if it has none."""
    match = _PATTERN.match(name)
    return match.group() if match else None


def is_live(prefix: str) -> bool:
    """Return True while the process that made `prefix` runs (not a later one with the same pid)."""
    match = _PATTERN.fullmatch(prefix)
    return match is not None and _start_time(int(match["pid"])) == int(match["start"])


def is_own(prefix: str) -> bool:
    """Return True when this very process made `prefix`."""
    return prefix.startswith(f"asha-{os.getpid()}-{_start_time(os.getpid())}-")


def _start_time(pid: int) -> int | None:
    """Return the start of `pid` in clock ticks since boot (proc(5), stat field 22); None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
