"""Disks: what was written is there after a power cut, and an exclusive lock that dies with its holder."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


def flush(place: Path) -> None:
    """Have everything written to the filesystem of `place` on its disk, names included (syncfs(2), else sync(2))."""
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not hasattr(_libc, "syncfs") or _libc.syncfs(descriptor) != 0:
            os.sync()
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put `content` at `path` in one step, to stay: whoever reads gets the old or the new, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int | None]:
    """Hold the lock file at `path`; its descriptor, or None when another holds it.

    The lock lasts until every process that inherited the descriptor is gone, so that what a killed
    program started is over too before the next begins.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        yield None
        return
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)
