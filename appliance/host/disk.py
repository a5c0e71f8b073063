"""Disks: what was written is there after a power cut, and an exclusive lock that dies with its holder."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import stat
import tempfile
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


def replace_file(
    path: Path, content: str | bytes, mode: int = 0o644, owner: tuple[int, int] | None = None
) -> None:
    """Put `content` at `path` in one step, to stay: whoever reads gets the old or the new, whole. Raises OSError.

    `owner`: numbers of the user and the group that it belongs to; without, ours.
    """
    with _fresh(path, content, mode, owner) as fresh:
        fresh.replace(path)
    _sync_directory(path.parent)


def create_file(path: Path, content: str | bytes, mode: int = 0o644) -> bool:
    """Put `content` at `path` whole unless something is there; whether it was put. Raises OSError."""
    with _fresh(path, content, mode) as fresh:
        try:
            os.link(fresh, path)
        except FileExistsError:
            return False
    _sync_directory(path.parent)
    return True


@contextlib.contextmanager
def _fresh(
    path: Path, content: str | bytes, mode: int, owner: tuple[int, int] | None = None
) -> Iterator[Path]:
    """A new file beside `path`, on the disk already; gone afterwards unless it was given another name."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int | None]:
    """Hold the lock file at `path`, with our pid in it; its descriptor, or None when another holds it.

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


@contextlib.contextmanager
def in_turn(directory: Path) -> Iterator[None]:
    """Be alone in changing what is in `directory`: waits until nobody else is. Raises OSError.

    The directory is itself the lock, so that no file of another user's has to be there. It ends with its holder.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_small(path: Path, limit: int = 1 << 20) -> bytes | None:
    """What the plain file at `path` holds, None when it is not there. Raises OSError.

    For files in a directory of somebody else's, who could put anything in their place: a link is not followed, a pipe
    not waited for, and what is longer than `limit` bytes not taken.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "It is not a plain file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, "It is too large")
    return content


def lock_holder(path: Path) -> int | None:
    """Whose lock the file at `path` is now; None when nobody's, or nobody's that can be named."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0)
        return int(holder) if holder.isdigit() else None
    finally:
        os.close(descriptor)
    return None


def is_held(path: Path) -> bool:
    """The process that is named in the lock file at `path` has it open. To try the lock would be in others' way."""
    try:
        holder = path.read_bytes()
    except OSError:
        return False
    return holder.isdigit() and _has_open(int(holder), os.path.realpath(path))


def lock_keepers(path: Path) -> list[int]:
    """Who has the lock file at `path` open: its holder, and what that has started; without us.

    What has inherited the lock keeps it after the holder's end. A look at every process: a few hundredths of a second.
    """
    wanted = os.path.realpath(path)
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [number for number in numbers if number != os.getpid() and _has_open(number, wanted)]


def _has_open(number: int, wanted: str) -> bool:
    try:
        return any(str(entry.readlink()) == wanted for entry in Path(f"/proc/{number}/fd").iterdir())
    except OSError:  # it has ended meanwhile
        return False
