"""Where what was fetched waits until it is put in place: on the filesystem it will belong to."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from appliance.config import Conf
from appliance.host import disk
from appliance.sync.places import Places
from appliance.sync.trees import WORK_PREFIX, databases, tree_of, trees

READY = f"/{WORK_PREFIX}ready".encode()
Named = TypeVar("Named", bytes, str)


class Stages:
    """One stage as a rule; one more for every directory of the conf file on a filesystem of its own.

    A rename does not reach from one filesystem to another. Everything waits under its full path.
    """

    def __init__(self, conf: Conf, places: Places) -> None:
        self._places = places
        self._trees = trees(conf)
        self._tops = (*(tree.path for tree in self._trees), *(path.parent for path in databases(conf)))
        self._of_top: dict[Path, Path] = {}
        self._of_directory: dict[bytes, bytes] = {}  # asked for each of many files

    def of(self, path: bytes) -> Path:
        """The stage of what belongs at `path`; its directories are made when they are not there."""
        tree = tree_of(path, self._trees)
        top = tree.path if tree is not None else Path(os.fsdecode(path)).parent
        if top not in self._of_top:
            self._of_top[top] = self._choose(top)
        return self._of_top[top]

    def ready(self, path: bytes) -> bytes:
        """The part of the stage for what is to be put at `path` and has come under another name."""
        return os.fsencode(self.of(path)) + READY

    def make_ready(self, source: bytes, path: bytes) -> None:
        """Have what is at `source` wait for `path` too; it stays where it is. Raises OSError."""
        there = self.ready(path) + path
        os.makedirs(os.path.dirname(there), mode=0o700, exist_ok=True)
        if os.path.lexists(there):
            os.unlink(there)
        try:
            os.link(source, there, follow_symlinks=False)
        except OSError as problem:
            if problem.errno not in (errno.EXDEV, errno.EPERM):  # another filesystem; one without links
                raise
            shutil.copy2(source, there, follow_symlinks=False)
            seen = os.lstat(source)
            os.chown(there, seen.st_uid, seen.st_gid, follow_symlinks=False)

    def staged(self, path: bytes) -> bytes:
        """Where what belongs at `path` waits."""
        directory = path[: path.rfind(b"/")]
        stage = self._of_directory.get(directory)
        if stage is None:
            stage = os.fsencode(self.of(path))
            if tree_of(directory, self._trees) is not None:  # else the next in there may be of another tree
                self._of_directory[directory] = stage
        return stage + path

    def count(self, path: bytes) -> int:
        """How much waits below the directory `path`."""
        return sum(len(names) + len(directories) for _, directories, names in os.walk(self.staged(path)))

    def sorted_by_stage(self, paths: Iterable[Named]) -> dict[Path, list[Named]]:
        """`paths` for each stage."""
        found: dict[Path, list[Named]] = {}
        for path in paths:
            found.setdefault(self.of(os.fsencode(path)), []).append(path)
        return found

    def discard(self, path: bytes) -> None:
        """What waits for `path` is not what was wanted."""
        staged = self.staged(path)
        if os.path.isdir(staged) and not os.path.islink(staged):
            shutil.rmtree(staged)
        elif os.path.lexists(staged):
            os.unlink(staged)

    def clean(self) -> None:
        """Empty them all."""
        for stage in (self._places.stage, *(_own_stage(top) for top in self._tops)):
            shutil.rmtree(stage, ignore_errors=True)

    def flush(self) -> None:
        """Have what waits, and what is in place, on its disks: power may be cut the next moment."""
        seen: set[int] = set()
        for place in (self._places.lasting, *self._tops):
            if place.is_dir() and place.stat().st_dev not in seen:
                seen.add(place.stat().st_dev)
                disk.flush(place)

    def _choose(self, top: Path) -> Path:
        common = self._places.stage
        top.mkdir(parents=True, exist_ok=True)
        common.mkdir(mode=0o700, parents=True, exist_ok=True)
        if common.stat().st_dev == top.stat().st_dev:
            return common
        own = _own_stage(top)
        own.mkdir(mode=0o700, exist_ok=True)
        return own


def _own_stage(top: Path) -> Path:
    return top / f"{WORK_PREFIX}stage"
