"""Small helpers of the looks: files below a root, as users know them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


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
