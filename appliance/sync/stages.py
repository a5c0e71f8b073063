"""Where what was fetched waits until it is put in place: on the filesystem it will belong to."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from appliance.config import Conf
from appliance.core.errors import SyncError
from appliance.host import disk
from appliance.sync.below import Below, OpenDirectory
from appliance.sync.carrying import copy, remove
from appliance.sync.places import Places
from appliance.sync.store import Generation
from appliance.sync.trees import WORK_PREFIX, databases, tree_of, trees

READY = f"/{WORK_PREFIX}ready".encode()
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK)  # another filesystem; one without links; too many of them
Named = TypeVar("Named", bytes, str)


class Stages:
    """One stage as a rule; one more for every directory of the conf file on a filesystem of its own.

    A rename does not reach from one filesystem to another. Everything waits under its full path. `below`: the way to
    what is on the stages, in quarantine and in the trees. `sent`: see `Below`.
    """

    def __init__(
        self, conf: Conf, places: Places, sent: Callable[[bytes], bool] = lambda path: False
    ) -> None:
        self._places = places
        self._trees = trees(conf)
        # A database's directory leads through a tree when it lies in one, else to it: that is the administrator's.
        alone = {path.parent for path in databases(conf) if tree_of(os.fsencode(path), self._trees) is None}
        self._tops = (*(tree.path for tree in self._trees), *sorted(alone))
        self._files: set[Path] = set()
        # One beside each file that is kept in step by itself, or may be: what is not there yet is either.
        beside = {_own_stage(tree.path.parent) for tree in self._trees if not tree.path.is_dir()}
        self._own_stages = (*map(_own_stage, self._tops), *sorted(beside))
        own = map(os.fsencode, (places.stage, places.quarantine, *beside))
        self.below = Below(map(os.fsencode, self._tops), own, sent)
        self._of_top: dict[Path, Path] = {}
        self._of_directory: dict[bytes, bytes] = {}  # asked for each of many files

    def expect_files(self, tops: Iterable[str]) -> None:
        """Know that `tops` of the conf file are files at the peer: they have no directory of their own to wait in."""
        self._files = {Path(top) for top in tops}

    def of(self, path: bytes) -> Path:
        """The stage of what belongs at `path`; its directories are made when they are not there."""
        tree = tree_of(path, self._trees)
        top = tree.path if tree is not None else Path(os.fsdecode(path)).parent
        if top not in self._of_top:
            self._of_top[top] = self._choose(top)
        return self._of_top[top]

    def opened(self, stage: Path) -> OpenDirectory:
        """The directory of `stage`: whoever is given it by its descriptor cannot be led elsewhere."""
        return self.below.directory(os.fsencode(stage), make=True)

    def ready(self, path: bytes) -> bytes:
        """The part of the stage for what is to be put at `path` and has come under another name."""
        return os.fsencode(self.of(path)) + READY

    def make_ready(self, source: bytes, path: bytes) -> None:
        """Have what is at `source` wait for `path` too; it stays where it is. Raises OSError."""
        here, there = self.below.at(source), self.below.at(self.ready(path) + path, make=True)
        remove(there)
        try:
            os.link(here.name, there.name, src_dir_fd=here.fd, dst_dir_fd=there.fd, follow_symlinks=False)
        except OSError as problem:
            if problem.errno not in _NO_LINK:
                raise
            copy(here, there)

    def staged(self, path: bytes) -> bytes:
        """Where what belongs at `path` waits."""
        directory = path[: path.rfind(b"/")]
        stage = self._of_directory.get(directory)
        if stage is None:
            stage = os.fsencode(self.of(path))
            if tree_of(directory, self._trees) is not None:  # else the next in there may be of another tree
                self._of_directory[directory] = stage
        return stage + path

    def waits(self, path: bytes) -> bool:
        """Something is on the stage for `path`."""
        return self.below.stat(self.staged(path)) is not None

    def count(self, path: bytes) -> int:
        """How much waits below the directory `path`."""
        try:
            directory = self.below.directory(self.staged(path))
        except OSError:
            return 0
        return sum(
            len(names) + len(directories)
            for _, directories, names, _ in os.fwalk(b".", dir_fd=directory.descriptor)
        )

    def sorted_by_stage(self, paths: Iterable[Named]) -> dict[Path, list[Named]]:
        """`paths` for each stage."""
        found: dict[Path, list[Named]] = {}
        for path in paths:
            found.setdefault(self.of(os.fsencode(path)), []).append(path)
        return found

    def aside(self, decided: Generation) -> bytes:
        """Where in quarantine the steps of the generation `decided` set things aside."""
        return os.fsencode(self._places.aside(decided.made, decided.number))

    def discard(self, path: bytes) -> None:
        """What waits for `path` is not what was wanted."""
        if self.waits(path):
            remove(self.below.at(self.staged(path)))
            self.below.forget_open()

    def drop_links(self) -> None:
        """Remove the links that a pass before this one has left on the stages.

        rsync writes through a link that is in its way (--no-implied-dirs), and what was a link may be a directory now.
        """
        for stage in (self._places.stage, *self._own_stages):
            try:
                directory = self.below.directory(os.fsencode(stage))
            except OSError:
                continue
            for _, directories, names, descriptor in os.fwalk(b".", dir_fd=directory.descriptor):
                for name in (*directories, *names):
                    if stat.S_ISLNK(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode):
                        os.unlink(name, dir_fd=descriptor)

    def clean(self) -> None:
        """Empty them all."""
        self.below.forget_open()
        for stage in (self._places.stage, *self._own_stages):
            shutil.rmtree(stage, ignore_errors=True)

    def flush(self) -> None:
        """Have what waits, and what is in place, on its disks: power may be cut the next moment."""
        seen: set[int] = set()
        for top in (self._places.lasting, *self._tops):
            place = top.parent if top.is_file() else top
            if place.is_dir() and place.stat().st_dev not in seen:
                seen.add(place.stat().st_dev)
                disk.flush(place)

    def _choose(self, top: Path) -> Path:
        common = self._places.stage
        top = top.parent if top in self._files or top.is_file() else top
        top.mkdir(parents=True, exist_ok=True)
        common.mkdir(mode=0o700, parents=True, exist_ok=True)
        if common.stat().st_dev == top.stat().st_dev:
            return common
        own = _own_stage(top)
        self._refuse_strange(own)
        return own

    def _refuse_strange(self, stage: Path) -> None:
        """Whoever may write in a tree may make a directory of that name before us, and exchange what waits in it."""
        seen = os.fstat(self.opened(stage).descriptor)
        if seen.st_uid != os.geteuid() or seen.st_mode & 0o077:
            raise SyncError(f"{stage} was made by somebody else. Remove it: asha makes its own.")


def _own_stage(top: Path) -> Path:
    return top / f"{WORK_PREFIX}stage"
