"""Copying, moving and removing of whole files and directories by open directories.

No link is followed, and no copy is ever seen half done. A rename does not reach from one filesystem to
another. A file that must be copied instead is first written completely to disk under a working name that is
never synchronised, then renamed to its own name. The original is removed only when the new name is on disk
too.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat

from appliance.sync.open_directories import OpenDirectory, OpenName
from appliance.sync.trees import WORK_PREFIX

_FRESH, _LEAVING = f"{WORK_PREFIX}new-".encode(), f"{WORK_PREFIX}leaving-".encode()
_NAME_LIMIT = 255  # bytes in a name, on every filesystem of Linux
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID
# Attributes that give power, or that only this machine's kernel and its security policy may set.
_PRIVILEGED = ("security.", "trusted.")
# These say which program may touch a file by this machine's security policy. The kernel lets nobody remove
# them.
_LABELS = ("security.selinux", "security.SMACK64")
_LINK_TIMES = os.utime in os.supports_dir_fd and os.utime in os.supports_follow_symlinks


def move(source: OpenName, target: OpenName) -> None:
    """Move `source` to `target`, replacing what is there in one step. Raises OSError."""
    try:
        os.rename(source.name, target.name, src_dir_fd=source.fd, dst_dir_fd=target.fd)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        put_copy(source, target)
        remove(source)


def put_copy(source: OpenName, target: OpenName) -> None:
    """Put a copy of `source` at `target` in one step, and have it on the disk. Raises OSError."""
    fresh = target.beside(short(_FRESH + target.name))
    remove(fresh)
    copy(source, fresh)
    if fresh.stat() is None:
        return  # a pipe, a socket or a device is not copied
    os.rename(fresh.name, target.name, src_dir_fd=fresh.fd, dst_dir_fd=target.fd)
    os.fsync(target.fd)


def set_aside(source: OpenName, target: OpenName) -> None:
    """Move `source` to `target`, where nothing is, and have it on the disk.

    The call may be repeated after a kill at any point. Once something is at `target`, `source` is left alone,
    because by then another file may have that name. Across filesystems the original is first renamed to a
    working name, then copied, then removed.
    """
    leaving = _leaving(source)
    if target.stat() is None:
        if leaving.stat() is None:
            try:
                os.rename(source.name, target.name, src_dir_fd=source.fd, dst_dir_fd=target.fd)
            except FileNotFoundError:
                return
            except OSError as problem:
                if problem.errno != errno.EXDEV:
                    raise
                os.rename(source.name, leaving.name, src_dir_fd=source.fd, dst_dir_fd=leaving.fd)
            else:
                os.fsync(target.fd)
                return
        put_copy(leaving, target)
    remove(leaving)


def is_leaving(spot: OpenName) -> bool:
    """Return whether a `set_aside` of `spot` was killed half way and has to be repeated."""
    return _leaving(spot).stat() is not None


def settle_name(spot: OpenName) -> None:
    """Have the file at `spot`, and its name, on the disk. Raises OSError."""
    seen = spot.stat()
    if seen is not None and stat.S_ISREG(seen.st_mode):
        descriptor = open_file(spot)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    os.fsync(spot.fd)


def copy(source: OpenName, target: OpenName) -> None:
    """Copy `source` to `target`, where nothing is, and have the copy on the disk.

    Content, owner, mode, time and attributes are copied. A pipe, a socket or a device has no content and is
    left out. Raises OSError.
    """
    seen = os.stat(source.name, dir_fd=source.fd, follow_symlinks=False)
    if stat.S_ISLNK(seen.st_mode):
        _copy_link(source, target, seen)
    elif stat.S_ISDIR(seen.st_mode):
        _copy_directory(source, target)
    elif stat.S_ISREG(seen.st_mode):
        _copy_file(source, target)


def remove(spot: OpenName) -> None:
    """Remove `spot` and everything in it; nothing there is no error. Raises OSError."""
    seen = spot.stat()
    if seen is None:
        return
    if not stat.S_ISDIR(seen.st_mode):
        os.unlink(spot.name, dir_fd=spot.fd)
        return
    inside = open_directory(spot)
    for name in _names(inside):
        remove(OpenName(inside, name))
    os.rmdir(spot.name, dir_fd=spot.fd)


def open_directory(spot: OpenName) -> OpenDirectory:
    """Open the directory at `spot`. Raises OSError, also when a link is there."""
    return OpenDirectory(os.open(spot.name, _DIRECTORY, dir_fd=spot.fd))


def open_file(spot: OpenName) -> int:
    """Return a descriptor for reading the file at `spot`. Raises OSError, also when a link is there."""
    return os.open(spot.name, _READ, dir_fd=spot.fd)


def dress(target: int, like: int) -> None:
    """Give the open file `target` the owner, mode, times and attributes of the open file `like`.

    Security labels belong to this machine and are left as they are on `target`. Raises OSError.
    """
    seen = os.fstat(like)
    os.fchown(target, seen.st_uid, seen.st_gid)
    os.fchmod(target, stat.S_IMODE(seen.st_mode))
    kept = _attributes(like)
    for name in _attributes(target):
        if name not in kept and not name.startswith("security."):
            os.removexattr(target, name)
    for name in kept:
        if not name.startswith("security."):
            os.setxattr(target, name, os.getxattr(like, name))
    os.utime(target, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def tame(spot: OpenName) -> None:
    """Take everything that gives power from the received file or directory at `spot`.

    Removed are the set-user-ID and set-group-ID bits, capabilities and other privileged attributes. rsync
    leaves them out already where it can (see `Rsync`), but old versions cannot. Raises OSError.
    """
    seen = spot.stat()
    if seen is None or not (stat.S_ISREG(seen.st_mode) or stat.S_ISDIR(seen.st_mode)):
        return
    descriptor = open_file(spot)
    try:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & _SPECIAL_BITS:
            os.fchmod(descriptor, mode & ~_SPECIAL_BITS)
        for name in _attributes(descriptor):
            if name.startswith(_PRIVILEGED) and name not in _LABELS:
                os.removexattr(descriptor, name)
    finally:
        os.close(descriptor)


def short(name: bytes) -> bytes:
    """Return `name` cut to the length a filesystem allows."""
    return name[:_NAME_LIMIT]


def _leaving(spot: OpenName) -> OpenName:
    return spot.beside(short(_LEAVING + spot.name))


def _copy_link(source: OpenName, target: OpenName, seen: os.stat_result) -> None:
    os.symlink(os.readlink(source.name, dir_fd=source.fd), target.name, dir_fd=target.fd)
    os.chown(target.name, seen.st_uid, seen.st_gid, dir_fd=target.fd, follow_symlinks=False)
    if _LINK_TIMES:
        times = (seen.st_atime_ns, seen.st_mtime_ns)
        os.utime(target.name, ns=times, dir_fd=target.fd, follow_symlinks=False)


def _copy_directory(source: OpenName, target: OpenName) -> None:
    os.mkdir(target.name, 0o700, dir_fd=target.fd)
    here, there = open_directory(source), open_directory(target)
    for name in _names(here):
        copy(OpenName(here, name), OpenName(there, name))
    dress(there.descriptor, here.descriptor)
    os.fsync(there.descriptor)


def _copy_file(source: OpenName, target: OpenName) -> None:
    with (
        os.fdopen(open_file(source), "rb") as read,
        os.fdopen(os.open(target.name, _WRITE, 0o600, dir_fd=target.fd), "wb") as written,
    ):
        shutil.copyfileobj(read, written, 1 << 20)
        written.flush()
        dress(written.fileno(), read.fileno())
        os.fsync(written.fileno())


def _names(directory: OpenDirectory) -> list[bytes]:
    return [os.fsencode(name) for name in os.listdir(directory.descriptor)]


def _attributes(descriptor: int) -> list[str]:
    try:
        return os.listxattr(descriptor)
    except OSError as problem:
        if problem.errno == errno.ENOTSUP:
            return []
        raise
