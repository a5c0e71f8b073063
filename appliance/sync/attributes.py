"""All that is in the data: how much, and whether any of it has ACLs or extended attributes.

rsync takes twice as long with those, and few systems have any.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable


def any_attributes(tops: Iterable[str]) -> bool:
    """Something at or below one of `tops` has an ACL or another extended attribute. What vanishes has none."""
    return any(_has(path) for top in tops for path in _below(os.fsencode(top)))


def count(tops: Iterable[str]) -> int:
    """How much there is at and below `tops`, directories too."""
    return sum(1 for top in tops if os.path.lexists(top) for _ in _below(os.fsencode(top)))


def drop_others(directory: bytes, like: bytes) -> None:
    """Take from `directory` what `like` has not got; a security label is this machine's own. Raises OSError."""
    kept = _names(like)
    for name in _names(directory):
        if name not in kept and not name.startswith("security."):
            os.removexattr(directory, name)


def _names(path: bytes) -> list[str]:
    try:
        return os.listxattr(path)
    except OSError as problem:
        if problem.errno != errno.ENOTSUP:  # a filesystem without them
            raise
        return []


def _below(top: bytes) -> Iterable[bytes]:
    yield top
    for directory, directories, names in os.walk(top):
        for name in (*directories, *names):
            yield directory + b"/" + name


def _has(path: bytes) -> bool:
    try:
        return bool(os.listxattr(path, follow_symlinks=False))
    except OSError as problem:
        # A filesystem without them; else gone.
        return problem.errno not in (errno.ENOTSUP, errno.ENOENT, errno.ENOTDIR)
