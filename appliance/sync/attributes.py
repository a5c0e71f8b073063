"""ACLs and extended attributes: rsync takes twice as long with them, and few systems have any."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable


def any_attributes(tops: Iterable[str]) -> bool:
    """Something at or below one of `tops` has an ACL or another extended attribute. What vanishes has none."""
    return any(_has(path) for top in tops for path in _below(os.fsencode(top)))


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
