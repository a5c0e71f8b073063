"""Confinement of a program to a root directory of its own, which vanishes with the program.

The program sees nothing of this machine but what it is shown. The root is made of mount namespaces and bind
mounts, which the kernel of EL5 has too (clone(2), mount(2)). Setting it up takes about 2 ms.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from appliance.core.errors import HostError

_libc = ctypes.CDLL(None, use_errno=True)
# <linux/sched.h>, <linux/mount.h>
_CLONE_NEWNS = 0x20000
_NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 2, 4, 8, 1 << 12, 1 << 14, 1 << 18
# The files that a program is loaded from, and the names of users and groups. Every user of this machine may
# read all of them.
_LOADED = (
    *("bin", "lib*", "usr/bin", "usr/lib*", "usr/local/lib*"),
    *("etc/ld.so.cache", "etc/passwd", "etc/group", "etc/nsswitch.conf"),
)
_MOST_LINKS = 40  # as many as the kernel follows in one path (path_resolution(7))


def confine(root: Path, program: Path, shown: Iterable[Path]) -> None:
    """Confine this process and the programs it executes to `program`, its libraries and `shown`.

    Every link that the process meets afterwards leads to something that is shown, or nowhere, whoever changes
    links meanwhile. `root` is an empty directory of asha's that becomes the root directory. Paths of `shown`
    that do not exist are left out. A program whose libraries lie outside of the system's library directories
    cannot be run.

    Raises HostError when the kernel refuses, or when a link on the way to one of `shown` must not be
    followed.
    """
    try:
        _make_root(root)
        done: set[Path] = set()
        for path in sorted({*shown}):
            if not done.intersection(path.parents) and path.exists():
                _show(root, path)
                done.add(path)
        for path in (*(found for name in _LOADED for found in Path("/").glob(name)), program):
            if not os.path.lexists(_below(root, path)):
                _show_program(root, path)
        os.chroot(root)
        os.chdir("/")
    except OSError as problem:
        raise HostError(
            f"{program} cannot be confined here ({problem.filename}: {problem.strerror})."
        ) from problem


def open_step_by_step(path: Path) -> int:
    """Open the directory or file `path` and return its descriptor, which the caller must close.

    A link on the way is followed when root made it, or when it leads to something that belongs to the maker
    of the link: a user who may write in the directory above cannot use a link to make root reach what that
    user could not. Raises OSError.
    """
    steps, makers = [*reversed(path.parts)], [0]
    with contextlib.ExitStack() as opened:
        at = -1
        while steps:
            step = steps.pop()
            target = _link_target(step, at, makers)
            steps += reversed(target.parts) if target is not None else ()
            if target is None:
                at = os.open(step, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
                opened.callback(os.close, at)
        if {*makers} - {0, os.fstat(at).st_uid}:
            raise OSError(errno.EPERM, "a link on the way to it is neither root's nor its owner's", str(path))
        return os.dup(at)


def _link_target(step: str, at: int, makers: list[int]) -> Path | None:
    """Return the target of the link `step` in the directory `at`, or None when `step` is no link.

    The owner of the link is added to `makers`.
    """
    seen = os.stat(step, dir_fd=at, follow_symlinks=False)
    if not stat.S_ISLNK(seen.st_mode):
        return None
    if len(makers) > _MOST_LINKS:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), step)
    target = os.readlink(step, dir_fd=at)
    again = os.stat(step, dir_fd=at, follow_symlinks=False)
    if (again.st_ino, again.st_ctime_ns, again.st_uid) != (seen.st_ino, seen.st_ctime_ns, seen.st_uid):
        raise OSError(errno.EAGAIN, "a link on the way to it was changed meanwhile", step)
    makers.append(seen.st_uid)
    return Path(target)


def _make_root(root: Path) -> None:
    _check(_libc.unshare(_CLONE_NEWNS), "unshare")
    try:
        _mount("none", Path("/"), None, _REC | _PRIVATE)
    except OSError as problem:
        # In a chroot, / is not a mount point, and whoever made the chroot decides with whom its mounts are
        # shared.
        if problem.errno != errno.EINVAL:
            raise
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    _mount("asha", root, "tmpfs", _NOSUID | _NODEV | _NOEXEC)


def _show(root: Path, path: Path) -> None:
    descriptor = open_step_by_step(path)
    try:
        place = _place(root, path, directory=stat.S_ISDIR(os.fstat(descriptor).st_mode))
        _mount(f"/proc/self/fd/{descriptor}", place, None, _BIND | _REC)
    finally:
        os.close(descriptor)


def _show_program(root: Path, path: Path) -> None:
    """Make the file or directory `path` visible below `root`.

    A link to a directory, such as /lib to usr/lib on many systems, is created again as a link: its target is
    shown too.
    """
    if path.is_symlink() and path.is_dir():
        _below(root, path).symlink_to(path.readlink())
    elif path.exists():
        _mount(str(path), _place(root, path, directory=path.is_dir()), None, _BIND | _REC)


def _place(root: Path, path: Path, *, directory: bool) -> Path:
    """Create a file or directory below `root` on which `path` can be mounted.

    Nothing on the way to it is mounted yet, so no part of the way is a link.
    """
    place = _below(root, path)
    place.parent.mkdir(parents=True, exist_ok=True)
    if directory:
        place.mkdir(exist_ok=True)
    else:
        place.touch()
    return place


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _mount(source: str, target: Path, kind: str | None, flags: int) -> None:
    words = (os.fsencode(source), os.fsencode(target), kind.encode() if kind else None)
    _check(_libc.mount(*words, ctypes.c_ulong(flags), None), str(target))


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
