"""One file as both nodes should have it, and how it is looked at."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass

_PIECE = 1 << 18
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# Raw sound has no header, and silence in it is zeros (Asterisk ships such files).
_ZEROS_ARE_SOUND = (b".raw", b".pcm", b".sln")
# As a crash leaves a file that was being written.
_NUL_BYTES = "it holds nothing but NUL bytes"


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind`: "f" file, "l" link, "d" directory, "o" anything else, "" nothing there.

    `mtime` in nanoseconds; `digest`: hex sha256 of a file's content or of a link's target, else "".
    `trouble`: why it is not fit to be copied, in words, or "". Such a file is there, and is nothing to be followed.
    """

    path: bytes
    kind: str
    size: int = 0
    mtime: int = 0
    digest: str = ""
    trouble: str = ""

    @property
    def same_as(self) -> tuple[str, str]:
        """Equal for two files that hold the same."""
        return (self.kind, self.digest)


def look(path: bytes, at: bytes | None = None) -> Entry:
    """What is at `at` (by default at `path` itself), called `path`. A link there is not followed. Raises OSError.

    The way to it is: on a node's own paths only. What lies below a tree is looked at by `Below.look`.
    """
    return look_in(None, at if at is not None else path, path)


def look_in(directory: int | None, name: bytes, path: bytes) -> Entry:
    """What is at `name` in the open `directory`, called `path`. A link is not followed. Raises OSError."""
    try:
        seen = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISLNK(seen.st_mode):
            target = os.readlink(name, dir_fd=directory)
            return Entry(path, "l", len(target), seen.st_mtime_ns, hashlib.sha256(target).hexdigest())
        if not stat.S_ISREG(seen.st_mode):  # opening a device may do something to it
            return Entry(path, "d" if stat.S_ISDIR(seen.st_mode) else "o", 0, seen.st_mtime_ns)
        descriptor = os.open(name, _READ, dir_fd=directory)
    except (FileNotFoundError, NotADirectoryError):
        return Entry(path, "")
    try:
        return _look_into(path, descriptor, os.fstat(descriptor))
    finally:
        os.close(descriptor)


def look_anyway(path: bytes) -> Entry:
    """As `look`; what cannot be read is an entry in trouble. Only that it is there is known of it."""
    try:
        return look(path)
    except OSError as problem:
        return unreadable(path, problem)


def unreadable(path: bytes, problem: OSError) -> Entry:
    """What is at `path` and cannot be read: only that it is there is known of it."""
    return Entry(path, "o", trouble=f"it cannot be read ({problem.strerror})")


def _look_into(path: bytes, descriptor: int, seen: os.stat_result) -> Entry:
    if not stat.S_ISREG(seen.st_mode):
        return Entry(path, "o", 0, seen.st_mtime_ns)  # it was a file a moment ago
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
    return Entry(path, "f", size, seen.st_mtime_ns, digest.hexdigest(), _NUL_BYTES if zeros else "")


def _is_sound(path: bytes) -> bool:
    return os.path.splitext(path)[1].startswith(_ZEROS_ARE_SOUND)
