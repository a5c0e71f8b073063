"""Names of temporary files that tell which process made them, so that leftovers can be removed.

A killed process cannot remove its temporary files. A temporary file is named `.NAME.asha-PID-START.RANDOM`:
PID is the process that made it and START the moment at which that process was started (clock ticks since
boot, proc(5), field 22 of stat). As long as that very process lives, the file belongs to it; afterwards no
process can use the file any more, whoever else works in the same directory.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path

_NAME = re.compile(r".+\.asha-([0-9]{1,10})-([0-9]{1,20})\.[0-9a-f]{12}", re.DOTALL)
# What the conf file's editor of an earlier asha left beside it: the pid of its process is in the name.
_OF_THE_CONF = re.compile(r"\.asha\.conf\.([0-9]{1,10})\.new")
_STARTTIME_FIELD = 19  # of /proc/PID/stat, counted behind the command's closing bracket
# No name in a directory is longer, in bytes (limits.h).
_LONGEST_NAME = 255


def temporary_beside(path: Path) -> Path:
    """Return an unused name in the directory of `path`, for a file that is to become `path`."""
    mark = temporary_mark()
    name = os.fsencode(path.name)[: _LONGEST_NAME - len(mark) - 1]
    return path.with_name(f".{os.fsdecode(name)}{mark}")


def temporary_mark() -> str:
    """Return the end of a name by which `remove_leftovers` recognises what belongs to this process."""
    return f".asha-{os.getpid()}-{_started(os.getpid())}.{os.urandom(6).hex()}"


def is_temporary(name: str) -> bool:
    """Tell whether a file called `name` is a temporary one of asha's."""
    return bool(_NAME.fullmatch(name) or _OF_THE_CONF.fullmatch(name))


def remove_leftovers(directory: Path) -> int:
    """Remove what ended processes have left in `directory`; return the number of entries removed.

    Entries of a living process, of another user, or without asha's mark stay. A directory that does not
    exist, or cannot be read or written, is left as it is.
    """
    removed = 0
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if _is_left_over(entry):
                removed += _remove(entry)
    return removed


def _is_left_over(entry: os.DirEntry[str]) -> bool:
    if (editor := _OF_THE_CONF.fullmatch(entry.name)) is not None:
        return not _started(int(editor[1]))
    found = _NAME.fullmatch(entry.name)
    if found is None or entry.stat(follow_symlinks=False).st_uid not in (os.geteuid(), _owner_of(entry.path)):
        return False
    return _started(int(found[1])) != found[2]


def _owner_of(path: str) -> int:
    """Return the owner of the directory of `path`.

    The panel's files are written by root and belong to the panel's user.
    """
    return Path(path).parent.stat().st_uid


def _remove(entry: os.DirEntry[str]) -> bool:
    try:
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
    except OSError:  # another has removed it, or the disk takes nothing
        return False
    return True


def _started(pid: int) -> str:
    """Return when process `pid` was started, in clock ticks since boot; "" when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - a resource script pays for pathlib
            return file.read(4096).rpartition(b")")[2].split()[_STARTTIME_FIELD].decode()
    except (OSError, IndexError):
        return ""
