"""The lines of a conf file: which are comments, which are KEY=value, which are neither."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.config.problem import Problem, printable

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_UNDECODED = re.compile(r"[\ud800-\udfff]")
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Assignment:
    """`key=value` on line `line`, both without surrounding blanks; nothing more is checked yet."""

    key: str
    value: str
    line: int


def lines_of(text: str) -> list[str]:
    """The lines with their ends, which are newlines only; joined they are `text` again."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def assignment_in(raw: str, line: int = 0) -> Assignment | Problem | None:
    """What one line says; None for a comment or an empty line.

    Undecodable bytes must have come through as lone surrogates (`surrogateescape`).
    """
    content = raw.removeprefix(_BYTE_ORDER_MARK).strip()
    if "\0" in raw or _UNDECODED.search(raw):
        return Problem("", _damage(raw), line, "text in UTF-8; the file is damaged: take it from a backup")
    if not content or content.startswith("#"):
        return None
    key, equals, value = (part.strip() for part in content.partition("="))
    if not equals or not _KEY.fullmatch(key):
        return Problem("", f"'{printable(content)}'", line, _wanted_instead_of(content))
    if _CONTROL.search(value):
        return Problem(key, printable(value), line, "without control characters")
    return Assignment(key, value, line)


def scan(text: str) -> Iterator[Assignment | Problem]:
    """Every line of `text` that is not a comment or empty, in order."""
    for number, raw in enumerate(lines_of(text), start=1):
        found = assignment_in(raw, number)
        if found is not None:
            yield found


def _damage(raw: str) -> str:
    if "\0" in raw:
        return f"a line with {raw.count(chr(0))} NUL bytes"
    return f"'{printable(raw.strip())}'"


def _wanted_instead_of(content: str) -> str:
    if content.startswith("export "):
        return "KEY=value, without 'export'"
    return "KEY=value, or a comment that starts with #"
