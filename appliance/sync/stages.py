"""The stages: where fetched files wait until they are put in place, on the filesystem they belong to."""

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
from appliance.host.paths import SyncPaths
from appliance.sync.file_moves import copy, remove
from appliance.sync.open_directories import Below, OpenDirectory
from appliance.sync.store import Generation
from appliance.sync.trees import WORK_PREFIX, databases, tree_of, trees

READY = f"/{WORK_PREFIX}ready".encode()
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK)  # another filesystem; no hard links there; too many
Named = TypeVar("Named", bytes, str)


class Stages:
    """The stages: one as a rule, and one more for every synchronised directory on a filesystem of its own.

    A rename does not reach from one filesystem to another. Every file waits under its full path. `below`
    gives access to the stages, quarantine and the trees. `sent`: see `Below`.
    """

    def __init__(
        self, conf: Conf, places: SyncPaths, sent: Callable[[bytes], bool] = lambda path: False
    ) -> None:
        self._places = places
        self._trees = trees(conf)
        # A database in a tree is reached through that tree. Any other database's directory, which the
        # administrator owns, is a top by itself.
        alone = {path.parent for path in databases(conf) if tree_of(os.fsencode(path), self._trees) is None}
        self._tops = (*(tree.path for tree in self._trees), *sorted(alone))
        self._files: set[Path] = set()
        # A stage lies beside each file that is synchronised by itself. A path that does not exist yet may
        # become a file or a directory, so it counts too.
        beside = {_own_stage(tree.path.parent) for tree in self._trees if not tree.path.is_dir()}
        self._own_stages = (*map(_own_stage, self._tops), *sorted(beside))
        own = map(os.fsencode, (places.stage, places.quarantine, *beside))
        self.below = Below(map(os.fsencode, self._tops), own, sent)
        self._of_top: dict[Path, Path] = {}
        self._of_directory: dict[bytes, bytes] = {}  # a cache: `staged` is called for each of many files

    def expect_files(self, tops: Iterable[str]) -> None:
        """Note that `tops` are files at the peer, so that they have no directory of their own to wait in."""
        self._files = {Path(top) for top in tops}

    def of(self, path: bytes) -> Path:
        """Return the stage for what belongs at `path`; the stage's folders are made when missing."""
        tree = tree_of(path, self._trees)
        top = tree.path if tree is not None else Path(os.fsdecode(path)).parent
        if top not in self._of_top:
            self._of_top[top] = self._choose(top)
        return self._of_top[top]

    def opened(self, stage: Path) -> OpenDirectory:
        """Return the directory of `stage`, opened.

        A program that is given the directory by descriptor cannot be led elsewhere.
        """
        return self.below.directory(os.fsencode(stage), make=True)

    def ready(self, path: bytes) -> bytes:
        """Return the part of the stage for what is to be put at `path` but came under another name."""
        return os.fsencode(self.of(path)) + READY

    def make_ready(self, source: bytes, path: bytes) -> None:
        """Have the file at `source` wait on the stage for `path` too; `source` stays. Raises OSError."""
        here, there = self.below.at(source), self.below.at(self.ready(path) + path, make=True)
        remove(there)
        try:
            os.link(here.name, there.name, src_dir_fd=here.fd, dst_dir_fd=there.fd, follow_symlinks=False)
        except OSError as problem:
            if problem.errno not in _NO_LINK:
                raise
            copy(here, there)

    def staged(self, path: bytes) -> bytes:
        """Return where the file that belongs at `path` waits."""
        directory = path[: path.rfind(b"/")]
        stage = self._of_directory.get(directory)
        if stage is None:
            stage = os.fsencode(self.of(path))
            if tree_of(directory, self._trees) is not None:  # otherwise the next file may be in another tree
                self._of_directory[directory] = stage
        return stage + path

    def waits(self, path: bytes) -> bool:
        """Return whether something on the stage waits for `path`."""
        return self.below.stat(self.staged(path)) is not None

    def count(self, path: bytes) -> int:
        """Return how many files and directories wait below the directory `path`."""
        try:
            directory = self.below.directory(self.staged(path))
        except OSError:
            return 0
        return sum(
            len(names) + len(directories)
            for _, directories, names, _ in os.fwalk(b".", dir_fd=directory.descriptor)
        )

    def sorted_by_stage(self, paths: Iterable[Named]) -> dict[Path, list[Named]]:
        """Return `paths` by the stage of each."""
        found: dict[Path, list[Named]] = {}
        for path in paths:
            found.setdefault(self.of(os.fsencode(path)), []).append(path)
        return found

    def aside(self, decided: Generation) -> bytes:
        """Return where in quarantine the steps of the generation `decided` set files aside."""
        return os.fsencode(self._places.aside(decided.made, decided.number))

    def discard(self, path: bytes) -> None:
        """Remove what waits for `path`, because it is not what was wanted."""
        if self.waits(path):
            remove(self.below.at(self.staged(path)))
            self.below.forget_open()

    def drop_links(self) -> None:
        """Remove the links that an earlier pass has left on the stages.

        rsync writes through a link that is in its way (--no-implied-dirs), and a path that was a link may be
        a directory now.
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
        """Empty all stages."""
        self.below.forget_open()
        for stage in (self._places.stage, *self._own_stages):
            shutil.rmtree(stage, ignore_errors=True)

    def flush(self) -> None:
        """Write the stages and the files in place to their disks: power may be cut at any moment."""
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
        """Raise SyncError when another user has made the directory `stage`.

        Any user who may write in a tree could make a directory of that name before us, and exchange the files
        that wait in it.
        """
        seen = os.fstat(self.opened(stage).descriptor)
        if seen.st_uid != os.geteuid() or seen.st_mode & 0o077:
            raise SyncError(f"{stage} was made by somebody else. Remove it: asha makes its own.")


def _own_stage(top: Path) -> Path:
    return top / f"{WORK_PREFIX}stage"
