"""A node's disk: the writable upper layers of its overlays, which survive a power cut as disks do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

from hwsim.nodes.errors import NodeError
from hwsim.nodes.init import OVERLAID, in_tree, upper_name

_FILL = "full"
_LINKS_FOLLOWED = 40  # as many as the kernel follows, path_resolution(7)


class Disk:
    """The upper layers under `top`, which can be reached while the node is off."""

    def __init__(self, top: Path) -> None:
        self.top = top

    def limit(self, size: int) -> None:
        """Give the disk a filesystem of its own of `size` bytes, in memory; for use while it is empty.

        It is unmounted with the rack (hwsim/nodes/remains.py).
        """
        self.top.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "asha-rack", self.top], check=True)

    def fill(self) -> None:
        """Leave no room on a disk that has a size."""
        seen = os.statvfs(self.top)
        with (self.top / _FILL).open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, seen.f_bavail * seen.f_frsize))

    def make_room(self) -> None:
        """End what `fill` has done. Harmless when it did nothing."""
        (self.top / _FILL).unlink(missing_ok=True)

    def upper(self, path: str) -> Path:
        """Return where the node's own copy of `path` is or would be. Raises NodeError when not on disk."""
        parent = os.path.realpath(PurePosixPath(path).parent)
        real = str(PurePosixPath(parent) / PurePosixPath(path).name)
        for directory in OVERLAID:
            if real != directory and in_tree(real, directory):
                return self.top / upper_name(directory) / PurePosixPath(real).relative_to(directory)
        raise NodeError(f"{path} is not on the node's disk (/run and /dev exist only while it is on).")

    def make_parents(self, path: str) -> Path:
        """Make the parent directories of `path` with the host's owners and modes; return the upper of `path`."""
        self.upper(path)
        parent = os.path.realpath(PurePosixPath(path).parent)
        for directory in reversed([PurePosixPath(parent), *PurePosixPath(parent).parents]):
            self._make_directory(str(directory))
        return self.upper(path)

    def empty(self, path: str) -> None:
        """Make `path` an empty directory that hides the host's, with the host's owner and mode."""
        upper = self.make_parents(path)
        shutil.rmtree(upper, ignore_errors=True)
        self._make_directory(path)
        os.setxattr(upper, "trusted.overlay.opaque", b"y")

    def hide(self, path: str) -> None:
        """Make `path` absent although the host has it (an overlay whiteout)."""
        upper = self.make_parents(path)
        if upper.is_dir():
            shutil.rmtree(upper)
        upper.unlink(missing_ok=True)
        if os.path.lexists(path):
            os.mknod(upper, 0o600 | 0o020000, os.makedev(0, 0))

    def _make_directory(self, path: str) -> None:
        if path in OVERLAID:
            upper = self.top / upper_name(path)
        else:
            try:
                upper = self.upper(path)
            except NodeError:
                return  # / is above the disk
        upper.mkdir(exist_ok=True, parents=True)
        if Path(path).is_dir():
            seen = Path(path).stat()
            os.chown(upper, seen.st_uid, seen.st_gid)
            upper.chmod(seen.st_mode & 0o7777)


def beneath(root: Path, path: str) -> Path:
    """Return `path` below `root`, with links followed as the node would, never out into the host."""
    done = root
    left = list(PurePosixPath(path).parts[1:])
    for _ in range(_LINKS_FOLLOWED):
        while left:
            step = left.pop(0)
            done = _step(root, done, step)
            if left and done.is_symlink():
                break
        else:
            return done
        target = PurePosixPath(done.readlink())
        left = [part for part in target.parts if part != "/"] + left
        done = root if target.is_absolute() else done.parent
    raise NodeError(f"{path} has too many symbolic links.")


def _step(root: Path, at: Path, part: str) -> Path:
    if part == "..":
        return at if at == root else at.parent
    return at / part
