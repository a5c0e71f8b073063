"""The watch for writes to SARK's database and the conf file, by the kernel or by comparing marks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import inotify_simple

_flags = inotify_simple.flags
# CLOSE_WRITE is not used, because SQLite opens files for writing even when it only reads them.
_WANTED = _flags.MODIFY | _flags.MOVED_TO | _flags.CREATE | _flags.DELETE
# The database and the files SQLite keeps beside it. Changes of its shared memory mean nothing.
_COMPANIONS = ("", "-wal", "-journal")


def watched(database: Path, conf: Path) -> tuple[Path, ...]:
    """Return the files that are written when a setting changes, in SARK or in the conf file."""
    return (conf, *(database.with_name(database.name + end) for end in _COMPANIONS))


def mark(files: Iterable[Path]) -> tuple[object, ...]:
    """Return a value that differs after any of `files` was written, made, replaced or removed."""
    return tuple(_mark(file) for file in files)


class RowWatch:
    """The inotify watch for writes to `files`. Raises OSError where the kernel has no inotify."""

    def __init__(self, files: Iterable[Path]) -> None:
        # inheritable=True passes no flag to inotify_init: the kernel of EL5 has inotify, but no flags for it.
        self._inotify = inotify_simple.INotify(inheritable=True)
        os.set_inheritable(self._inotify.fileno(), False)
        self._files = tuple(files)
        self.add()

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when something was written."""
        return int(self._inotify.fileno())

    def add(self) -> None:
        """Watch the directory of every file.

        The call may be repeated, and then finds directories that were made or replaced meanwhile.
        """
        for directory in {file.parent for file in self._files}:
            with contextlib.suppress(OSError):  # no directory, or too many watches: `mark` still tells
                self._inotify.add_watch(os.fsencode(directory), _WANTED)

    def drain(self) -> bool:
        """Read the events that came, and return whether any concerns the files. Does not block."""
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
