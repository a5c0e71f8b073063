"""Small helper of the looks: files below a root, as users know them."""

from __future__ import annotations

from pathlib import Path


def shown(path: Path, root: Path) -> str:
    """Return `path`, which is below `root`, as users of the machine know it."""
    return f"/{path.relative_to(root)}"
