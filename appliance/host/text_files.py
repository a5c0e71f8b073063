"""Small text files of other programs, which may not be there: read with a bound, as text or by their lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from appliance.host.bounded import read_file

_LIMIT = 4 << 20  # bytes: the largest is /proc/cpuinfo of a machine with hundreds of processors


SYSCTL = 4096
"""Bytes to ask for of a file below /proc/sys: the kernel takes as much memory as it is asked for."""


def text_of(path: Path, limit: int = _LIMIT) -> str:
    """Return the content of the plain file at `path`, at most `limit` bytes; "" when there is none.

    Raises OSError, TooMuch.
    """
    try:
        return read_file(path, limit).decode(errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return ""


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of `path` that are not blank and no comments, without white space around them."""
    for line in text_of(path).splitlines():
        if (text := line.strip()) and text[0] not in "#;":
            yield text
