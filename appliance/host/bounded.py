"""Reading from peers, programs and foreign files no further than a bound.

Input that is longer raises an error which names the source, and nothing of the input is used: what was cut
off would look like a whole answer. The bound holds during the reading, so that no more than about twice as
much is ever in memory.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from appliance.core.errors import HostError

if TYPE_CHECKING:  # the resource script loads this module, and pathlib would be a seventh of its time
    from pathlib import Path


class TooMuch(HostError):
    """The source `who` sent more than `limit` bytes in one piece."""

    def __init__(self, who: str, limit: int) -> None:
        super().__init__(
            f"{who} said more than the {limit} bytes that are the most here, so none of it is used."
        )


class Lines:
    """A splitter that makes lines of at most `limit` bytes from pieces of input of the source `who`."""

    def __init__(self, limit: int, who: str) -> None:
        self._limit = limit
        self._who = who
        self._rest = bytearray()
        self._searched = 0

    def feed(self, piece: bytes) -> None:
        """Add the next piece of input.

        Take out all lines before the next call: only `take` and `take_all` check the bound.
        """
        self._rest += piece

    def take(self) -> bytes | None:
        """Return the next line without its newline, or None while the line is incomplete. Raises TooMuch."""
        cut = self._rest.find(b"\n", self._searched)
        self._searched = len(self._rest) if cut < 0 else 0
        if max(cut, self._searched) > self._limit:
            raise TooMuch(self._who, self._limit)
        if cut < 0:
            return None
        line = bytes(self._rest[:cut])
        del self._rest[: cut + 1]
        return line

    def take_all(self) -> list[bytes]:
        """Return every complete line, without the newlines. Raises TooMuch."""
        cut = self._rest.rfind(b"\n", self._searched)
        found = bytes(self._rest[:cut]).split(b"\n") if cut >= 0 else []
        del self._rest[: cut + 1]
        self._searched = len(self._rest)
        if max(self._searched, *map(len, found), 0) > self._limit:
            raise TooMuch(self._who, self._limit)
        return found


class Tail:
    """The last `limit` bytes of the input, for people to read; `lost` counts the bytes before them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self.lost = 0

    def feed(self, piece: bytes) -> None:
        """Add the next piece of input, which may push out earlier bytes."""
        self._kept += piece
        over = max(0, len(self._kept) - self._limit)
        del self._kept[:over]
        self.lost += over

    def text(self) -> str:
        """Return the kept bytes as text, with Unix line ends."""
        return self._kept.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def read_line(file: BinaryIO, limit: int, who: str) -> bytes:
    """Return the next line of `file` with its newline, b"" at the end of the file. Raises TooMuch."""
    line = file.readline(limit + 1)
    if len(line) > limit:
        raise TooMuch(who, limit)
    return line


def read_all(file: BinaryIO, limit: int, who: str) -> bytes:
    """Return the rest of `file`. Raises TooMuch."""
    content = file.read(limit + 1)
    if len(content) > limit:
        raise TooMuch(who, limit)
    return content


PID_LIMIT = 256
"""Bytes of a pid file, with whatever its program puts around the number."""


def pid_in(content: bytes) -> int | None:
    """Return the process number that the content of a pid file holds, or None for any other content."""
    text = content.strip()
    return int(text) if text.isdigit() and len(text) <= 8 else None  # 22 bits (proc(5), pid_max)


def read_file(path: Path, limit: int) -> bytes:
    """Return the content of the plain file at `path`. Raises OSError, TooMuch.

    Links are followed, but a pipe is not waited for. For small files of other programs, where a user other
    than root may have put anything.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "It is not a plain file", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return read_all(file, limit, str(path))
    finally:
        os.close(descriptor)
