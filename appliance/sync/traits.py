"""All that is in a directory: how much, and whether any of it is of the kind that few systems have.

For ACLs, extended attributes and files with holes rsync takes much longer.
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
    """`attributes`: something has an ACL or another extended attribute. `holes`: some file has holes.

    `entries`: how much there is, directories too; 0 when nobody has looked.
    """

    attributes: bool
    holes: bool
    entries: int = 0


ALL = Traits(attributes=True, holes=True)


def traits_of(tops: Iterable[str]) -> Traits:
    """Of everything at and below `tops`. What vanishes meanwhile has none; what cannot be told counts as there."""
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
    """Raises OSError, but not where the filesystem has none."""
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
