"""The traits of a directory: how many files it holds, and whether any has rare features.

The features are ACLs, extended attributes and holes, for which rsync takes much longer. `Rsync.fetch` is told
which of them occur.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_GONE = (errno.ENOENT, errno.ENOTDIR)


@dataclass(frozen=True, slots=True)
class Traits:
    """What occurs in a directory.

    `attributes`: a file has an ACL or another extended attribute. `holes`: a file has holes. `entries`: how
    many files and directories there are; 0 when nobody has counted.
    """

    attributes: bool
    holes: bool
    entries: int = 0


ALL = Traits(attributes=True, holes=True)


def traits_of(tops: Iterable[str]) -> Traits:
    """Return the traits of everything at and below `tops`.

    A file that vanishes meanwhile has no traits. What cannot be determined counts as occurring.
    """
    attributes = holes = False
    entries = 0
    for path in (path for top in tops if os.path.lexists(top) for path in _below(os.fsencode(top))):
        entries += 1
        attributes = attributes or _has_attributes(path)
        holes = holes or _has_holes(path)
    return Traits(attributes, holes, entries)


def _below(top: bytes) -> Iterator[bytes]:
    yield top
    for directory, directories, names in os.walk(top):
        for name in (*directories, *names):
            yield directory + b"/" + name


def _attributes(path: bytes) -> list[str]:
    """Return the names of the extended attributes of `path`, none where the filesystem has no attributes.

    Raises OSError.
    """
    try:
        return os.listxattr(path, follow_symlinks=False)
    except OSError as problem:
        if problem.errno == errno.ENOTSUP:
            return []
        raise


def _has_attributes(path: bytes) -> bool:
    try:
        return bool(_attributes(path))
    except OSError as problem:
        return problem.errno not in _GONE


def _has_holes(path: bytes) -> bool:
    try:
        seen = os.lstat(path)
    except OSError as problem:
        return problem.errno not in _GONE
    return stat.S_ISREG(seen.st_mode) and seen.st_blocks * 512 < seen.st_size
