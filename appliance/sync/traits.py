"""What few systems have, and rsync takes much longer for: ACLs, extended attributes, files with holes."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Traits:
    """`attributes`: something has an ACL or another extended attribute. `holes`: some file has holes."""

    attributes: bool
    holes: bool


ALL = Traits(attributes=True, holes=True)


def traits_of(tops: Iterable[str]) -> Traits:
    """Of everything at and below `tops`. What vanishes while it is looked for has none."""
    attributes = holes = False
    for path in (path for top in tops for path in _below(os.fsencode(top))):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            attributes = attributes or _has_attributes(path)
            holes = holes or _has_holes(os.lstat(path))
        if attributes and holes:
            break
    return Traits(attributes, holes)


def _below(top: bytes) -> Iterator[bytes]:
    yield top
    for directory, directories, names in os.walk(top):
        for name in (*directories, *names):
            yield directory + b"/" + name


def _has_attributes(path: bytes) -> bool:
    try:
        return bool(os.listxattr(path, follow_symlinks=False))
    except OSError as problem:
        if problem.errno == errno.ENOTSUP:
            return False
        raise


def _has_holes(seen: os.stat_result) -> bool:
    return stat.S_ISREG(seen.st_mode) and seen.st_blocks * 512 < seen.st_size
