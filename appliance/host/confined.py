"""Let a program see nothing of this machine but what it is shown: a root of its own, which ends with it.

Made of mount namespaces and bind mounts, which the kernel of EL5 has too (clone(2), mount(2)). It takes about 2 ms.
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
# What a program is loaded from, and the names of users and groups. Anybody on this machine may read all of it.
_LOADED = (
    *("bin", "lib*", "usr/bin", "usr/lib*", "usr/local/lib*"),
    *("etc/ld.so.cache", "etc/passwd", "etc/group", "etc/nsswitch.conf"),
)
_MOST_LINKS = 40  # as the kernel follows in one path (path_resolution(7))


def confine(root: Path, program: Path, shown: Iterable[Path]) -> None:
    """Have this process, and what it becomes, see only `program`, what that is loaded from, and `shown`.

    Every link it meets from then on leads to something that it is shown, or nowhere, whoever changes what meanwhile.
    `root` is an empty directory of ours that becomes its root. What of `shown` is not there is left out. A program
    whose libraries lie outside of the system's directories for them cannot be run.

    Raises HostError when the kernel does not let us, or when a link on the way to one of `shown` is not to be followed.
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
    """Open the directory or file `path`; return its descriptor, which is the caller's to close. Raises OSError.

    A link on the way is followed when root made it, or when it leads to something of its own maker's: a user who may
    write in the directory above cannot put a link there by which root reaches what that user could not.
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
    """Where the link `step` in the directory `at` leads, None when it is no link. Its owner is added to `makers`."""
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
        # In a chroot, / is no mount point, and its maker says with whom its mounts are shared.
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
    """A link to a directory, as /lib is one to usr/lib in many systems, is made anew: what it leads to is shown too."""
    if path.is_symlink() and path.is_dir():
        _below(root, path).symlink_to(path.readlink())
    elif path.exists():
        _mount(str(path), _place(root, path, directory=path.is_dir()), None, _BIND | _REC)


def _place(root: Path, path: Path, *, directory: bool) -> Path:
    """Something that `path` can be mounted on. Nothing on the way to it is mounted yet, so no link is."""
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
