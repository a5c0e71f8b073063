"""Values as people read them, the same on the page and in the terminal."""

from __future__ import annotations


def spell(seconds: float) -> str:
    """A time span: `40 s`, `5 min`, `3 h`, `2 d`."""
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
