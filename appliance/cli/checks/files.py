"""Small helpers of the looks: files below a root that may not be there, and running programs by their names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
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


def shown(path: Path, root: Path) -> str:
    """Return `path`, which is below `root`, as users of the machine know it."""
    return f"/{path.relative_to(root)}"


def distinct(paths: Iterable[Path]) -> list[Path]:
    """Return `paths` that exist, each file or directory once even when links lead to it by several names."""
    found: dict[str, Path] = {}
    for path in paths:
        if path.exists():
            found.setdefault(os.path.realpath(path), path)
    return list(found.values())
