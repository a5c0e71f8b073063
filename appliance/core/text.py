"""Values written for people, in the same way on the page and in the terminal."""

from __future__ import annotations


def format_duration(seconds: float) -> str:
    """Return a time span in words: `40 s`, `5 min`, `3 h`, `2 d`."""
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def printable(text: str | bytes) -> str:
    r"""Return `text` as one line that no terminal obeys and that does not disturb the text beside it.

    Control characters, newlines, characters that change the direction of writing, and bytes that are no UTF-8
    are shown as in a Python string (`\x1b`, `\u202e`). Every text from a file name or from the other node
    is shown by means of this. Printable text stays as it is, so applying this twice does no harm.
    """
    text = text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")
    return text if text.isprintable() else "".join(map(_escaped, text))


def printable_lines(text: str) -> str:
    """Return `text` with `printable` applied to each of its lines."""
    return "\n".join(map(printable, text.split("\n")))


def _escaped(char: str) -> str:
    if char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":  # a byte that is no UTF-8, as os.fsdecode leaves it
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()


def format_progress(phase: str, done: int, total: int) -> str:
    """Return a pass under way in words, as far as known."""
    if total:
        return f"{phase}, {min(done, total)} of {total}"
    return f"{phase}, {done}" if done else phase
