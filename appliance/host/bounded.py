"""Read what a peer, a program or a file of somebody else's says no further than a bound.

What is longer is an error that names who said too much, and nothing of it is used: what was cut would look like a whole
answer. The bound holds while it is read, so that no more than about twice as much is ever in memory.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from appliance.core.errors import HostError


class TooMuch(HostError):
    """`who` said more than `limit` bytes in one piece."""

    def __init__(self, who: str, limit: int) -> None:
        super().__init__(
            f"{who} said more than the {limit} bytes that are the most here, so none of it is used."
        )


class Lines:
    """Makes lines, of `limit` bytes at the most, out of what comes in pieces. `who` says them."""

    def __init__(self, limit: int, who: str) -> None:
        self._limit = limit
        self._who = who
        self._rest = bytearray()
        self._searched = 0

    def feed(self, piece: bytes) -> None:
        """Take the next piece. Take all lines out before the next: `take` and `take_all` look at the bound."""
        self._rest += piece

    def take(self) -> bytes | None:
        """The next line without its end, None while it is not whole. Raises TooMuch."""
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
        """Every line that is whole, without their ends. Raises TooMuch."""
        cut = self._rest.rfind(b"\n", self._searched)
        found = bytes(self._rest[:cut]).split(b"\n") if cut >= 0 else []
        del self._rest[: cut + 1]
        self._searched = len(self._rest)
        if max(self._searched, *map(len, found), 0) > self._limit:
            raise TooMuch(self._who, self._limit)
        return found


class Tail:
    """Keeps the last `limit` bytes of what comes in pieces, for people to read; `lost` counts those before them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self.lost = 0

    def feed(self, piece: bytes) -> None:
        """Take the next piece, which may push out what came before it."""
        self._kept += piece
        over = max(0, len(self._kept) - self._limit)
        del self._kept[:over]
        self.lost += over

    def text(self) -> str:
        """What was kept, with the line ends of Unix."""
        return self._kept.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def read_line(file: BinaryIO, limit: int, who: str) -> bytes:
    """The next line of `file` with its end, b"" at the end of the file. Raises TooMuch."""
    line = file.readline(limit + 1)
    if len(line) > limit:
        raise TooMuch(who, limit)
    return line


def read_all(file: BinaryIO, limit: int, who: str) -> bytes:
    """All that is still to come of `file`. Raises TooMuch."""
    content = file.read(limit + 1)
    if len(content) > limit:
        raise TooMuch(who, limit)
    return content


PID_LIMIT = 256
"""Bytes of a pid file, with whatever its program puts around the number."""


def pid_in(content: bytes) -> int | None:
    """The number of a process that a pid file holds, None when it holds anything else."""
    text = content.strip()
    return int(text) if text.isdigit() and len(text) <= 8 else None  # 22 bits (proc(5), pid_max)


def read_file(path: Path, limit: int) -> bytes:
    """What the plain file at `path` holds; links are followed, a pipe not waited for. Raises OSError, TooMuch.

    For small files of other programs. A user other than root may have put anything there.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "It is not a plain file", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return read_all(file, limit, str(path))
    finally:
        os.close(descriptor)
