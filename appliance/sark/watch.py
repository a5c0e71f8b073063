"""Whether SARK's database or the conf file was written: the kernel tells, or a look at both now and then."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import inotify_simple

_flags = inotify_simple.flags
# Not CLOSE_WRITE: SQLite opens for writing what it only reads.
_WANTED = _flags.MODIFY | _flags.MOVED_TO | _flags.CREATE | _flags.DELETE
# SQLite's companions of a database; its shared memory tells nothing.
_COMPANIONS = ("", "-wal", "-journal")


def watched(database: Path, conf: Path) -> tuple[Path, ...]:
    """The files that are written when a setting changes, on either side."""
    return (conf, *(database.with_name(database.name + end) for end in _COMPANIONS))


def mark(files: Iterable[Path]) -> tuple[object, ...]:
    """Different after any of `files` was written, made, replaced or removed."""
    return tuple(_mark(file) for file in files)


class Watch:
    """Hears of writes to `files`. Raises OSError where the kernel has no inotify."""

    def __init__(self, files: Iterable[Path]) -> None:
        # Without a flag: the kernel of EL5 has inotify, but no flags for it.
        self._inotify = inotify_simple.INotify(inheritable=True)
        os.set_inheritable(self._inotify.fileno(), False)
        self._files = tuple(files)
        self.add()

    def fileno(self) -> int:
        """Readable when something was written."""
        return int(self._inotify.fileno())

    def add(self) -> None:
        """Watch every directory of a file; again is harmless, and finds one that was made or replaced meanwhile."""
        for directory in {file.parent for file in self._files}:
            with contextlib.suppress(OSError):  # not there, or the kernel watches no more: the look remains
                self._inotify.add_watch(os.fsencode(directory), _WANTED)

    def drain(self) -> bool:
        """Read what came; whether any of it concerns the files. Never blocks when there is something to read."""
        names = {file.name for file in self._files}
        events = self._inotify.read(timeout=0)
        return any(event.name in names or event.mask & _flags.Q_OVERFLOW for event in events)

    def close(self) -> None:
        """Stop watching."""
        self._inotify.close()


def _mark(file: Path) -> tuple[int, int, int] | None:
    try:
        seen = file.stat()
    except OSError:
        return None
    return (seen.st_ino, seen.st_size, seen.st_mtime_ns)
