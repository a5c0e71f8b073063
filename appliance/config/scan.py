"""Lines of a conf file: which are comments, which are KEY=value, and which are neither."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.config.problem import Problem, printable
from appliance.config.quotes import unquoted

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_UNDECODED = re.compile(r"[\ud800-\udfff]")
_BYTE_ORDER_MARK = "\ufeff"
_UTF_16_MARKS = ("\udcff\udcfe", "\udcfe\udcff")
# A comment may be in UTF-16, whose newline brings a NUL byte that is not part of the next line.
_LINE = re.compile(r"[ \t\ufeff]*#[^\n\x00]*\x00[^\n]*\n\x00(?!\x00)|[^\n]*\n|[^\n]+")
# A carriage return that is not part of a CR LF and is followed by something.
_OLD_MAC_END = re.compile(r"\r(?=[^\r\n])")
_HIDDEN_LINE = re.compile(r"\r[ \t]*(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*[ \t]*=", re.ASCII)
_ENDS_WANTED = "LF or CR LF at the end of each line; CR alone is none (tr '\\r' '\\n' <OLD >NEW makes it so)"
_OTHER_SHELL_WORDS = re.compile(r"(export|readonly|declare|typeset|local|set)\s")


@dataclass(frozen=True, slots=True)
class Assignment:
    """Assignment `key=value` on line `line`, without surrounding blanks; nothing else is checked yet.

    `quote`: the quotes that stood around the value, "" for none.
    """

    key: str
    value: str
    line: int
    quote: str = ""


def lines_of(text: str) -> list[str]:
    """Return the lines with their ends, which are newlines only; joined, the lines are `text` again."""
    return _LINE.findall(text)


def assignment_in(raw: str, line: int = 0) -> Assignment | Problem | None:
    """Return what one line says; None for an empty line or a comment, in whatever encoding.

    Undecodable bytes must have been turned into lone surrogates (`surrogateescape`).
    """
    content = raw.removeprefix(_BYTE_ORDER_MARK).strip()
    if content.startswith("#"):
        return _hidden_behind(content, line)
    if "\0" in raw or _UNDECODED.search(raw):
        return _undecodable(raw, line)
    return _assignment(content, line) if content else None


def _assignment(content: str, line: int) -> Assignment | Problem:
    key, equals, written = (part.strip() for part in content.partition("="))
    if not equals or not _KEY.fullmatch(key):
        return Problem("", f"'{printable(content)}'", line, _wanted_instead_of(content))
    try:
        value, quote = unquoted(_plain(written))
    except ValueError as problem:
        return Problem(key, printable(written), line, str(problem))
    return Assignment(key, value, line, quote)


def _plain(written: str) -> str:
    if _OLD_MAC_END.search(written):
        raise ValueError(f"on a line with {_ENDS_WANTED}")
    if _CONTROL.search(written):
        raise ValueError("without control characters")
    return written


def scan(text: str) -> Iterator[Assignment | Problem]:
    """Yield every line of `text` that is not a comment or empty, in order, or why the text has no lines."""
    if (problem := whole_problem(text)) is not None:
        yield problem
        return
    for number, raw in enumerate(lines_of(text), start=1):
        found = assignment_in(raw, number)
        if found is not None:
            yield found


def whole_problem(text: str) -> Problem | None:
    """Return what is wrong with `text` as a whole, so that no line can be read; None when it has lines."""
    if text.startswith(_UTF_16_MARKS):
        return Problem("", "text in UTF-16", 1, "in UTF-8 (iconv -f UTF-16 -t UTF-8 OLD >NEW makes it so)")
    if "\n" not in text and _OLD_MAC_END.search(text):
        return Problem("", "a file with line ends of CR alone", 1, f"one with {_ENDS_WANTED}")
    return None


def _hidden_behind(comment: str, line: int) -> Problem | None:
    """Return a problem if `comment` contains an assignment after a CR alone, which would not be read."""
    found = _HIDDEN_LINE.search(comment)
    if found is None:
        return None
    return Problem("", f"'{printable(comment)}'", line, f"lines with {_ENDS_WANTED}")


def _undecodable(raw: str, line: int) -> Problem:
    if "\0" in raw:
        found = f"a line with {raw.count(chr(0))} NUL bytes"
        return Problem("", found, line, "text in UTF-8; the file is damaged: take it from a backup")
    want = "text in UTF-8; iconv -f LATIN1 -t UTF-8 OLD >NEW makes it so, if it is in Latin-1"
    key, equals, written = (part.strip() for part in raw.partition("="))
    if equals and _KEY.fullmatch(key):
        return Problem(key, printable(written), line, want)
    return Problem("", f"'{printable(raw.strip())}'", line, want)


def _wanted_instead_of(content: str) -> str:
    if found := _OTHER_SHELL_WORDS.match(content):
        return f"KEY=value, without '{found[1]}'"
    return "KEY=value, or a comment that starts with #"
