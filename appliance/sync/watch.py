"""The watch for changes of the data: the kernel tells which directories have to be looked at again."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from pathlib import Path
from typing import BinaryIO

import inotify_simple

from appliance.config import Conf
from appliance.sync.trees import WORK_PREFIX, companions, databases, trees

_flags = inotify_simple.flags
# A file that is being written is reported when it is closed, so that half a recording is not fetched.
_WANTED = (
    _flags.CLOSE_WRITE
    | _flags.MOVED_FROM
    | _flags.MOVED_TO
    | _flags.CREATE
    | _flags.DELETE
    | _flags.ATTRIB
    | _flags.ONLYDIR
    | _flags.DONT_FOLLOW
)
_DATABASE_WANTED = _flags.MODIFY | _flags.MOVED_TO | _flags.CREATE | _flags.DELETE
# Changes within _GATHER milliseconds are reported together. More than _MANY directories are reported as
# everything.
_GATHER = 150
_MANY = 200
_MANY_BYTES = (
    128 * 1024
)  # the reader takes no line of more than a mebibyte, and a byte of a name travels as up to six
# Milliseconds after which a line without news is written, so that a reader who has gone is noticed.
_SIGN_OF_LIFE = 20_000


class TreeWatch:
    """The inotify watch on the directories and databases of `conf`.

    Raises OSError where the kernel has no inotify.
    """

    def __init__(self, conf: Conf) -> None:
        # inheritable=True passes no flag to inotify_init: the kernel of EL5 has inotify, but no flags for it.
        # The descriptor is not inherited in fact, because this process starts no other.
        self._inotify = inotify_simple.INotify(inheritable=True)
        self._places: dict[int, str] = {}
        self._databases: dict[int, set[str]] = {}
        self._files: dict[int, dict[str, str]] = {}
        self._tops = [str(tree.path) for tree in trees(conf)]
        self.blind = ""
        for top in self._tops:
            self._add_tree(top)
            if not os.path.isdir(top):
                self._add_file(top)
        for database in databases(conf):
            self._add_database(database)

    def run(self, told: BinaryIO) -> None:
        """Write `{"dirs": [...], "databases": false}` to `told` whenever something has changed.

        `"dirs"` is null when everything has to be looked at. Returns when nobody reads `told` any more.
        """
        self._tell(told, {"watching": len(self._places), "blind": self.blind})
        try:
            while True:
                events = self._inotify.read(timeout=_SIGN_OF_LIFE, read_delay=_GATHER)
                changed = self._sort(events)
                if changed or not events:
                    self._tell(told, changed)
        except BrokenPipeError:
            pass  # the reader has gone

    def _sort(self, events: list[inotify_simple.Event]) -> dict[str, object]:
        directories: set[str] | None = set()
        database = False
        for event in events:
            if event.mask & _flags.Q_OVERFLOW:
                directories = None
            elif event.name and event.name in self._databases.get(event.wd, ()):
                database = True
            elif event.name in self._files.get(event.wd, ()):
                if directories is not None:
                    directories.add(self._files[event.wd][event.name])
            elif event.wd in self._places and not event.name.startswith(WORK_PREFIX):
                place = self._places[event.wd]
                if event.mask & _flags.ISDIR and event.mask & (_flags.CREATE | _flags.MOVED_TO):
                    self._add_tree(f"{place}/{event.name}")
                if directories is not None:
                    directories.add(place)
            if event.mask & _flags.IGNORED:
                self._places.pop(event.wd, None)
        if not directories and directories is not None and not database:
            return {}
        many = directories is None or len(directories) > _MANY or sum(map(len, directories)) > _MANY_BYTES
        return {"dirs": None if many else sorted(directories or ()), "databases": database}

    def _add_tree(self, top: str) -> None:
        for directory, _, _ in os.walk(top):
            self._add(directory)

    def _add(self, directory: str) -> None:
        try:
            self._places[self._inotify.add_watch(os.fsencode(directory), _WANTED)] = directory
        except OSError as problem:
            if problem.errno == errno.ENOSPC:
                self.blind = "the kernel watches no more directories (fs.inotify.max_user_watches)"

    def _add_file(self, path: str) -> None:
        """Watch the file `path` by its directory, since a program may replace the file by another one."""
        directory, name = os.path.split(path)
        with contextlib.suppress(OSError):  # no such directory here; the full pass looks again
            mark = self._inotify.add_watch(os.fsencode(directory), _WANTED | _DATABASE_WANTED)
            self._files.setdefault(mark, {})[name] = path

    def _add_database(self, database: Path) -> None:
        names = {
            database.name,
            *(path.name for path in companions(database) if not path.name.endswith("-shm")),
        }
        try:
            mark = self._inotify.add_watch(os.fsencode(database.parent), _WANTED | _DATABASE_WANTED)
        except OSError:
            return  # no such database here; the full pass looks again
        self._databases.setdefault(mark, set()).update(names)

    def _tell(self, told: BinaryIO, news: dict[str, object]) -> None:
        told.write(json.dumps(news).encode() + b"\n")
        told.flush()
