"""The description of one file as both nodes should have it, and how a file is looked at."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass

_PIECE = 1 << 18
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Raw sound has no header, and silence in it is zeros (Asterisk ships such files).
_ZEROS_ARE_SOUND = (b".raw", b".pcm", b".sln")
# A file that was being written at a crash may be left like this.
_NUL_BYTES = "it holds nothing but NUL bytes"


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """The description of what is at one path.

    `kind`: "f" file, "l" link, "d" directory, "o" anything else, "" nothing there. `size` in bytes, `mtime`
    in nanoseconds since the epoch. `digest`: hex sha256 of a file's content or of a link's target, otherwise
    "". `trouble`: why the file is not fit to be copied, in words, or "". A file in trouble exists, but its
    state must not be copied to the other node.
    """

    path: bytes
    kind: str
    size: int = 0
    mtime: int = 0
    digest: str = ""
    trouble: str = ""

    @property
    def same_as(self) -> tuple[str, str]:
        """The value that is equal for two files with the same content."""
        return (self.kind, self.digest)


def look(path: bytes, at: bytes | None = None) -> TreeEntry:
    """Return an Entry named `path` for what is at `at` (by default at `path` itself).

    A link at the end of the path is not followed, but links on the way are. So call this for a node's own
    paths only; files below a synchronised directory are looked at by `Below.look`. Raises OSError.
    """
    return look_in(None, at if at is not None else path, path)


def look_in(directory: int | None, name: bytes, path: bytes) -> TreeEntry:
    """Return an Entry named `path` for `name` in the open `directory`.

    A link is not followed. Raises OSError.
    """
    try:
        seen = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISLNK(seen.st_mode):
            target = os.readlink(name, dir_fd=directory)
            return TreeEntry(path, "l", len(target), seen.st_mtime_ns, hashlib.sha256(target).hexdigest())
        if not stat.S_ISREG(seen.st_mode):  # a device is not opened: that may have an effect on it
            return TreeEntry(path, "d" if stat.S_ISDIR(seen.st_mode) else "o", 0, seen.st_mtime_ns)
        descriptor = os.open(name, _READ, dir_fd=directory)
    except (FileNotFoundError, NotADirectoryError):
        return TreeEntry(path, "")
    try:
        return _look_into(path, descriptor, os.fstat(descriptor))
    finally:
        os.close(descriptor)


def look_anyway(path: bytes) -> TreeEntry:
    """Return what `look` returns, or the entry of `unreadable` for a file that cannot be read."""
    try:
        return look(path)
    except OSError as problem:
        return unreadable(path, problem)


def unreadable(path: bytes, problem: OSError) -> TreeEntry:
    """Return the entry of a file that exists but could not be read because of `problem`."""
    return TreeEntry(path, "o", trouble=f"it cannot be read ({problem.strerror})")


def _look_into(path: bytes, descriptor: int, seen: os.stat_result) -> TreeEntry:
    if not stat.S_ISREG(seen.st_mode):
        return TreeEntry(path, "o", 0, seen.st_mtime_ns)  # a file was there a moment ago, and was replaced
    digest, size, zeros = hashlib.sha256(), 0, True
    while True:
        # One piece for a file of common size: a bigger buffer costs more than the reading.
        wanted = min(max(seen.st_size - size, 0) + 1, _PIECE)
        piece = os.read(descriptor, wanted)
        digest.update(piece)
        size += len(piece)
        zeros = zeros and not piece[:1].strip(b"\0") and piece.count(0) == len(piece)
        if len(piece) < wanted:
            break  # the end
    zeros = zeros and size > 0 and not _is_sound(path)
    return TreeEntry(path, "f", size, seen.st_mtime_ns, digest.hexdigest(), _NUL_BYTES if zeros else "")


def _is_sound(path: bytes) -> bool:
    return os.path.splitext(path)[1].startswith(_ZEROS_ARE_SOUND)
