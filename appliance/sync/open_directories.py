"""File access below the synchronised directories through open directories, so that root follows no sent link.

The contents of a synchronised directory (a tree) come from the peer, and any user who may write there
(Asterisk's user, on either node) can replace a directory by a link at any moment. A path is therefore never
handed to the kernel as a whole. The top of a tree is opened by its path (the top and the directories above it
belong to the administrator, so links are allowed there). From the top on, every step is opened with
O_NOFOLLOW. Whatever is made, renamed, removed or given an owner is named by an open directory and one name in
that directory (openat(2), Linux 2.6.16).

A link on the way is followed in one case only, and is then called a *passage*: a folder that the
administrator has moved to a bigger disk. Three conditions must hold:

- The peer did not send the link: the record of what both nodes have does not list it as a link.
- The link was made by root, or by the user who owns the directory behind it.
- Nobody gains by it: a directory owned by root is reached only from a directory in which only root may write,
  and a directory of another user only from a directory of the same user or of root.

A passage stays a link. The contents behind it are synchronised, and the directory behind it keeps its own
owner and mode. In asha's own stages and in quarantine no link is a passage. See
docs/adr/0016-root-follows-no-link.md.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from appliance.sync.trees import WORK_PREFIX, TreeEntry, look_in, unreadable

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_OPEN_AT_ONCE = 8
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_OWN = WORK_PREFIX.encode()


class LinkInTheWay(OSError):
    """The error that a link stands where a directory has to be, and is not followed."""

    def __init__(self, path: bytes) -> None:
        super().__init__(errno.ELOOP, "A link is in the way, and is not followed", os.fsdecode(path))


class OpenDirectory:
    """A directory's descriptor that is closed when its last user lets go of it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)


class OpenName(NamedTuple):
    """A name in an open directory, as the *at() system calls want it."""

    directory: OpenDirectory
    name: bytes

    @property
    def fd(self) -> int:
        """The directory's descriptor."""
        return self.directory.descriptor

    def beside(self, name: bytes) -> OpenName:
        """Return another name in the same directory."""
        return OpenName(self.directory, name)

    def stat(self) -> os.stat_result | None:
        """Return the status of the named file, not following a link, or None when nothing is there.

        Raises OSError.
        """
        try:
            return os.stat(self.name, dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None


class Below:
    """Access, by full paths, to everything at and below `tops`.

    `sent` tells whether the peer has sent a link at the given path. `own` are asha's own directories, below
    which no link is a passage. Every method raises OSError, and its subclass LinkInTheWay.
    """

    def __init__(self, tops: Iterable[bytes], own: Iterable[bytes], sent: Callable[[bytes], bool]) -> None:
        self._own = frozenset(own)
        self._tops = sorted({*tops, *self._own}, key=len, reverse=True)
        self._sent = sent
        self._open: OrderedDict[bytes, OpenDirectory] = OrderedDict()

    def at(self, path: bytes, *, make: bool = False) -> OpenName:
        """Return `path` as a name in its opened directory.

        `make`: create the directories that lead to `path` when they are missing.
        """
        directory, name = os.path.split(path)
        if path in self._tops:  # the directories above a top belong to the administrator
            if make:
                os.makedirs(directory, exist_ok=True)
            return OpenName(OpenDirectory(os.open(directory, _DIRECTORY)), name)
        return OpenName(self.directory(directory, make=make), name)

    def directory(self, path: bytes, *, make: bool = False) -> OpenDirectory:
        """Return the directory at `path`, opened.

        `make`: create the directory, and those that lead to it, when missing.
        """
        found = self._open.get(path)
        if found is None:
            found = self._opened(path, make)
            self._open[path] = found
            while len(self._open) > _OPEN_AT_ONCE:
                self._open.popitem(last=False)
        return found

    def forget_open(self) -> None:
        """Forget the opened directories: after a move they may lie elsewhere."""
        self._open.clear()

    def stat(self, path: bytes) -> os.stat_result | None:
        """Return the status of `path`, not following a link, or None when nothing can be reached there."""
        try:
            return self.at(path).stat()
        except OSError as problem:
            if problem.errno in _NOT_THERE:
                return None
            raise

    def look(self, path: bytes, at: bytes | None = None) -> TreeEntry:
        """Return an Entry named `path` for the file at `at` (by default at `path` itself).

        Behind a link that is no passage, nothing counts as there. A passage at `path` itself is returned as a
        directory.
        """
        try:
            spot = self.at(at if at is not None else path)
        except OSError as problem:
            if problem.errno in _NOT_THERE:
                return TreeEntry(path, "")
            raise
        found = look_in(spot.fd, spot.name, path)
        return TreeEntry(path, "d") if found.kind == "l" and at is None and self.is_passage(path) else found

    def look_anyway(self, path: bytes) -> TreeEntry:
        """Return what `look` returns, or an entry with `trouble` set for a file that cannot be read."""
        try:
            return self.look(path)
        except OSError as problem:
            return unreadable(path, problem)

    def is_passage(self, path: bytes) -> bool:
        """Return whether a link to a directory is at `path` and is followed."""
        seen = self.stat(path)
        if seen is None or not stat.S_ISLNK(seen.st_mode):
            return False
        try:
            self.directory(path)
        except OSError:
            return False
        return True

    def reaches(self, path: bytes) -> bool:
        """Return whether the directory that contains `path` can be opened."""
        try:
            self.at(path)
        except OSError:
            return False
        return True

    def link_on_way(self, path: bytes) -> bytes | None:
        """Return the link that bars the way to `path`, or None when no link does."""
        try:
            self.at(path)
        except LinkInTheWay as problem:
            return os.fsencode(problem.filename)
        except OSError:
            pass
        return None

    def files(self, path: bytes) -> Iterator[bytes]:
        """Yield the full path of every non-directory below the directory `path`, also behind passages."""
        try:
            directory = self.directory(path)
        except OSError as problem:
            if problem.errno in _NOT_THERE:
                return
            raise
        with os.scandir(directory.descriptor) as found:
            entries = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in found]
        for name, is_directory in sorted(entries):
            below = path + b"/" + name
            if is_directory or self.is_passage(below):
                yield from self.files(below)
            else:
                yield below

    def links(self, path: bytes) -> Iterator[bytes]:
        """Yield the full paths of the links below the directory `path`.

        Nothing behind a link is visited, and neither are asha's own working directories.
        """
        with os.scandir(self.directory(path).descriptor) as found:
            entries = [
                (os.fsencode(one.name), one.is_symlink(), one.is_dir(follow_symlinks=False)) for one in found
            ]
        for name, is_link, is_directory in entries:
            if is_link:
                yield path + b"/" + name
            elif is_directory and not name.startswith(_OWN):
                yield from self.links(path + b"/" + name)

    # -- opening -------------------------------------------------------------------------------------------

    def _opened(self, path: bytes, make: bool) -> OpenDirectory:
        top = next((top for top in self._tops if path == top or path.startswith(top + b"/")), None)
        if top is None:
            raise OSError(
                errno.EINVAL, "It is in none of the directories that are kept in step", os.fsdecode(path)
            )
        if path == top:
            if make:
                os.makedirs(top, 0o700 if top in self._own else 0o777, exist_ok=True)
            # A stage beside a synchronised file: any user who may write there could have made a link of that
            # name.
            stay = os.O_NOFOLLOW if os.path.basename(top).startswith(_OWN) else 0
            return OpenDirectory(os.open(top, _DIRECTORY | stay))
        holder = self.directory(os.path.dirname(path), make=make)
        name = os.path.basename(path)
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700 if self._is_own(path, top) else 0o755, dir_fd=holder.descriptor)
        return OpenDirectory(self._step(holder.descriptor, name, path, top))

    def _step(self, holder: int, name: bytes, path: bytes, top: bytes) -> int:
        try:
            return os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=holder)
        except OSError as problem:
            if problem.errno not in (errno.ELOOP, errno.ENOTDIR):
                raise
            seen = os.stat(name, dir_fd=holder, follow_symlinks=False)
            if not stat.S_ISLNK(seen.st_mode):
                raise NotADirectoryError(
                    errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fsdecode(path)
                ) from None
        if self._is_own(path, top) or self._sent(path):
            raise LinkInTheWay(path)
        return _pass_through(holder, name, path, seen)

    def _is_own(self, path: bytes, top: bytes) -> bool:
        return top in self._own or path[len(top) + 1 :].startswith(_OWN)


def _pass_through(holder: int, name: bytes, path: bytes, link: os.stat_result) -> int:
    """Open the directory that the link `name` leads to, and return its descriptor.

    The directory that was opened is judged, since the link itself may have been changed after it was looked
    at. Raises LinkInTheWay when the link is not to be followed.
    """
    try:
        target = os.open(name, _DIRECTORY, dir_fd=holder)
    except OSError:
        raise LinkInTheWay(path) from None
    if nobody_gains(os.fstat(holder), link, os.fstat(target)):
        return target
    os.close(target)
    raise LinkInTheWay(path)


def nobody_gains(holder: os.stat_result, link: os.stat_result, target: os.stat_result) -> bool:
    """Return whether anybody able to make `link` in the directory `holder` may write in `target` anyway."""
    if link.st_uid not in (0, target.st_uid):
        return False
    if target.st_uid == 0:
        return holder.st_uid == 0 and not holder.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return holder.st_uid in (0, target.st_uid)
