"""Values as people read them, the same on the page and in the terminal."""

from __future__ import annotations


def spell(seconds: float) -> str:
    """A time span: `40 s`, `5 min`, `3 h`, `2 d`."""
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def printable(text: str | bytes) -> str:
    """`text` as one line in which nothing is obeyed by a terminal or turns what stands beside it.

    Control characters, newlines, characters that change the direction of writing, and bytes that are no UTF-8 are
    shown as in a Python string (`\\x1b`, `\\u202e`). Whatever comes from a file's name or from the other node is shown
    by this. What is printable already stays as it is, so that it may be applied twice.
    """
    text = text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")
    return text if text.isprintable() else "".join(map(_escaped, text))


def printable_lines(text: str) -> str:
    """`text`, each of its lines by `printable`."""
    return "\n".join(map(printable, text.split("\n")))


def _escaped(char: str) -> str:
    if char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":  # a byte that is no UTF-8, as os.fsdecode leaves it
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()
