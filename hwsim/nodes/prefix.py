"""A rack's name: it carries the pid and start time of its process, so that nobody cleans a live one."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

RACKS = Path("/dev/shm/asha-rack")  # a tmpfs on every Linux: the nodes' disks live and die in memory

_PATTERN = re.compile(r"asha-(?P<pid>\d+)-(?P<start>\d+)-\d+")
_serial = itertools.count(1)


def new_prefix() -> str:
    """A prefix no other rack has: `asha-PID-STARTTIME-N`, N counting this process's racks."""
    return f"asha-{os.getpid()}-{_start_time(os.getpid())}-{next(_serial)}"


def rack_dir(prefix: str) -> Path:
    """Where the rack keeps its nodes' disks and logs. Not created here."""
    return RACKS / prefix


def prefix_of(name: str) -> str | None:
    """The prefix a namespace, cgroup or directory name begins with, or None when it is not a rack's."""
    match = _PATTERN.match(name)
    return match.group() if match else None


def is_live(prefix: str) -> bool:
    """True while the process that made `prefix` runs (the same one, not a later one with its pid)."""
    match = _PATTERN.fullmatch(prefix)
    return match is not None and _start_time(int(match["pid"])) == int(match["start"])


def is_own(prefix: str) -> bool:
    """True when this very process made `prefix`."""
    return prefix.startswith(f"asha-{os.getpid()}-{_start_time(os.getpid())}-")


def _start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of `pid` (proc(5), stat field 22); None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
