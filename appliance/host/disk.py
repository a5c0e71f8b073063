"""Writing files that survive a power cut, exclusive locks that end with their holder, spoilt files."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from appliance.host.clock import SystemClock
from appliance.host.leftovers import temporary_beside

_libc = ctypes.CDLL(None, use_errno=True)
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_SPOILT = ".spoilt-"
# The number of spoilt versions of one file that are kept; the oldest is removed first.
_SPOILT_KEPT = 3


def flush(place: Path) -> None:
    """Have everything written to the filesystem of `place` on disk, names included.

    Uses syncfs(2), or sync(2) where there is no syncfs.
    """
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not hasattr(_libc, "syncfs") or _libc.syncfs(descriptor) != 0:
            os.sync()
    finally:
        os.close(descriptor)


def replace_file(
    path: Path, content: str | bytes, mode: int = 0o644, owner: tuple[int, int] | None = None
) -> None:
    """Replace `path` by a file with `content` in one step, durably. Raises OSError.

    Readers get either the whole old or the whole new content. `owner` holds the numbers of the user and the
    group that the file is to belong to; without it, the file belongs to this process's user.
    """
    with fresh_file(path, content, mode, owner) as fresh:
        fresh.replace(path)
    sync_directory(path.parent)


def create_file(path: Path, content: str | bytes, mode: int = 0o644) -> bool:
    """Create `path` with `content` in one step, unless something is there; return whether it was created.

    Raises OSError.
    """
    with fresh_file(path, content, mode) as fresh:
        try:
            os.link(fresh, path)
        except FileExistsError:
            return False
    sync_directory(path.parent)
    return True


@contextlib.contextmanager
def fresh_file(
    path: Path, content: str | bytes, mode: int, owner: tuple[int, int] | None = None
) -> Iterator[Path]:
    """Create a new file beside `path`, already synced to disk; remove it at the end unless it was renamed.

    A file that is left behind by a killed process is removed by `leftovers.remove_leftovers`. Raises OSError.
    """
    fresh = temporary_beside(path)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
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


def sync_directory(path: Path) -> None:
    """Sync the names in the directory `path` to disk. Raises OSError."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int | None]:
    """Hold the lock file at `path`, with this process's pid in it.

    Yields the descriptor, or None when another process holds the lock. The lock lasts until every process
    that inherited the descriptor is gone, so that programs started by a killed holder have ended too before
    the next holder begins.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = open_lock(path)
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


def open_lock(path: Path) -> int:
    """Open the plain file at `path` for a lock, and return its descriptor. Raises OSError.

    Anything else in its place (a directory, a pipe, a link) cannot be a lock that a process holds: it is set
    aside.
    """
    for _ in range(2):
        try:
            descriptor = os.open(path, _LOCK_FLAGS, 0o600)
        except OSError as problem:
            if problem.errno not in (errno.EISDIR, errno.ELOOP, errno.ENXIO):
                raise
        else:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return descriptor
            os.close(descriptor)
        set_aside(path)
    raise OSError(errno.EINVAL, "It is not a plain file", str(path))


@contextlib.contextmanager
def in_turn(directory: Path) -> Iterator[None]:
    """Wait until no other process changes what is in `directory`, and keep others out for the body.

    The directory itself is the lock, so that no file of another user is needed. The lock ends with its
    holder. Raises OSError.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def set_aside(path: Path, seen: os.stat_result | None = None) -> Path | None:
    """Rename the unusable file at `path` to `PATH.spoilt-DATE`, so that nothing is lost; return the new name.

    `seen` is the status of the file that was found unusable; a file that has taken its place meanwhile stays.
    The answer is None when nothing was renamed: the file is already gone, or the directory cannot be changed.
    At most three files of one name are kept.
    """
    aside = _free_name(path)
    try:
        path.rename(aside)
    except OSError:
        return None
    found = os.lstat(aside)
    if seen is not None and (found.st_dev, found.st_ino) != (seen.st_dev, seen.st_ino):
        with contextlib.suppress(OSError):  # a good file was put there in this very moment: put it back
            os.link(aside, path)
            aside.unlink()
        return None
    _thin_out(path)
    return aside


def keep_spoilt(path: Path, content: bytes) -> None:
    """Store `content`, found unusable at `path`, as `set_aside` would name it; `path` itself stays.

    Raises OSError.
    """
    replace_file(_free_name(path), content, 0o600)
    _thin_out(path)


def _free_name(path: Path) -> Path:
    when = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(SystemClock().wall()))
    names = (
        path.with_name(f"{path.name}{_SPOILT}{when}{more}") for more in ("", *map("-{}".format, range(2, 99)))
    )
    return next(name for name in names if not os.path.lexists(name))


def spoilt_versions(path: Path) -> list[Path]:
    """Return the files that were set aside for `path`, oldest first. Raises OSError."""
    mark = path.name + _SPOILT
    found = [entry for entry in path.parent.iterdir() if entry.name.startswith(mark)]
    return sorted(found, key=lambda entry: (os.lstat(entry).st_ctime_ns, entry.name))


def is_set_aside(name: str) -> bool:
    """Tell whether a file called `name` was set aside because it was unusable."""
    return _SPOILT in name


def _thin_out(path: Path) -> None:
    """Remove all spoilt versions of `path` but the newest.

    A directory that is not empty stays, because only an administrator can have put something into it.
    """
    with contextlib.suppress(OSError):
        for old in spoilt_versions(path)[:-_SPOILT_KEPT]:
            if old.is_dir() and not old.is_symlink():
                old.rmdir()
            else:
                old.unlink()


def read_small(path: Path, limit: int = 1 << 20) -> bytes | None:
    """Return the content of the plain file at `path`, or None when there is none. Raises OSError.

    For files in a directory that belongs to another user, who could put anything in their place: a link is
    not followed, a pipe not waited for, and content longer than `limit` bytes is refused.
    """
    descriptor = open_plain(path)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, "It is too large")
    return content


def open_plain(path: Path) -> int | None:
    """Open the plain file at `path` for reading; return its descriptor, or None when nothing is there.

    A link is not followed, a pipe is not waited for, and anything but a plain file is refused. Raises
    OSError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "It is not a plain file")


def lock_holder(path: Path) -> int | None:
    """Return the pid of the process that holds the lock file at `path`.

    The answer is None when no process holds the lock, or the file does not name the holder.
    """
    try:
        descriptor = os.open(path, _LOCK_FLAGS & ~os.O_CREAT)
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
    """Return True when the process named in the lock file at `path` has the file open.

    The lock itself is not tried, because trying would get in the way of other processes.
    """
    try:
        holder = read_small(path, 64) or b""
    except OSError:
        return False
    return holder.isdigit() and _has_open(int(holder), os.path.realpath(path))


def lock_keepers(path: Path) -> list[int]:
    """Return the other processes that have the lock file at `path` open: its holder and its children.

    A process that has inherited the lock keeps it after the holder's end. Every process of the machine is
    examined: that takes a few hundredths of a second.
    """
    wanted = os.path.realpath(path)
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [number for number in numbers if number != os.getpid() and _has_open(number, wanted)]


def _has_open(number: int, wanted: str) -> bool:
    try:
        return any(str(entry.readlink()) == wanted for entry in Path(f"/proc/{number}/fd").iterdir())
    except OSError:  # the process has ended meanwhile
        return False


def distinct(paths: Iterable[Path]) -> list[Path]:
    """Return `paths` that exist, each file or directory once even when links lead to it by several names."""
    found: dict[str, Path] = {}
    for path in paths:
        if path.exists():
            found.setdefault(os.path.realpath(path), path)
    return list(found.values())
