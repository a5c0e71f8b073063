"""Quotes around a value, and the limits of a value without quotes, as a shell reads a sysconfig file.

A shell that sources the file splits it into words (sh(1), "Quoting"). This parser expands and runs nothing. A
line that it therefore cannot read as a shell would is refused with an explanation, and never read as
something else.
"""

from __future__ import annotations

import re
import shlex

QUOTES = ("'", '"')
_WHOLE = {"'": re.compile(r"'([^']*)'"), '"': re.compile(r'"((?:[^"\\]|\\.)*)"')}
# Within double quotes a backslash escapes these four characters, and is a plain character before any other.
_ESCAPED = re.compile(r'\\([\\"$`])')
_TO_ESCAPE = re.compile(r'[\\"$`]')
_EXPANDED = re.compile(r"\$[A-Za-z0-9_{(@*#?!$-]|`")
_NOT_EXPANDED = "no $NAME, ${NAME} or $(command) is expanded in this file: write out what it stands for"
_ADVICE = (
    (re.compile(r"(?:^|\s)#"), "a # comment needs a line of its own"),
    (_EXPANDED, _NOT_EXPANDED),
    (re.compile(r"^~"), "no ~ is expanded in this file: write the path from / on"),
    (re.compile(r"[*?]|\[.*\]|\{.*,.*\}"), "no pattern is expanded in this file: write out each name"),
    (
        re.compile(r"\\"),
        "a backslash takes no meaning away here: put the value into single quotes without it",
    ),
    (re.compile(r"['\"]"), "quotes stand around the whole value or nowhere"),
    (
        re.compile(r"[;&|<>()]"),
        "no shell reads this file: put the value into single quotes if ; & | < > ( ) are part of it",
    ),
)
# A $ in a password is a plain $, but nobody has a password that is nothing but a reference to a variable.
_REFERENCE = re.compile(r".*\$\{[A-Za-z_][A-Za-z0-9_]*\}.*|\$[A-Z_][A-Z0-9_]*|\$\(.*\)", re.DOTALL)
_QUOTED_PART = re.compile(r"'[^']*'|\"(?P<double>(?:[^\"\\]|\\.)*)\"")
_OF_A_SHELL = re.compile(
    r"&&|\|\||>>|<<|[0-9]?>&[0-9]|[;&|<>()`*?\\]|(?<!\S)[~#]|\[.*\]|\{.*,.*\}|\$[A-Za-z0-9_{(@*#?!$-]"
)


def unquoted(written: str) -> tuple[str, str]:
    """Return the value of `written`, and the quote around it ("" for none).

    Raises ValueError, whose message says what would be right, when quotes are not around the whole value, or
    when a shell would expand something in double quotes.
    """
    quote = written[:1]
    if quote not in QUOTES:
        return written, ""
    found = _WHOLE[quote].fullmatch(written)
    if found is None:
        raise ValueError(_wanted_of_quotes(written, quote))
    if quote == "'":
        return found[1], quote
    if _expands(found[1]):
        raise ValueError(f"in single quotes if it has a $ or a ` of its own; {_NOT_EXPANDED}")
    return _ESCAPED.sub(r"\1", found[1]), quote


def _wanted_of_quotes(written: str, quote: str) -> str:
    begun = _WHOLE[quote].match(written)
    if begun is None:
        return f"closed with another {quote} at the end of its line, or written without quotes"
    if re.match(r"\s+#", written[begun.end() :]):
        return "without a comment behind it; a # comment needs a line of its own"
    return "in one pair of quotes from its first to its last character, or written without quotes"


def in_quotes(value: str, quote: str) -> str:
    """Return `value` in the quotes `quote`; in double quotes if it holds a single quote."""
    if not quote:
        return value
    if quote == "'" and "'" not in value:
        return f"'{value}'"
    return '"' + _TO_ESCAPE.sub(r"\\\g<0>", value) + '"'


def advice_on(value: str) -> str:
    """Return what to do about the first thing in `value` that a shell would not take literally, or ""."""
    return next((advice for pattern, advice in _ADVICE if pattern.search(value)), "")


def advice_on_text(value: str) -> str:
    """Return the same advice as `advice_on` for free text without quotes, such as a password.

    Free text is taken literally; only two mistakes are refused: a value that is a reference to a variable or
    a command, and a quote at the end.
    """
    if _REFERENCE.fullmatch(value):
        return f"{_NOT_EXPANDED}; single quotes make it a plain text"
    if value[-1:] in QUOTES:
        return "quotes stand around the whole value or nowhere"
    return ""


def command_words(command: str) -> list[str]:
    """Return the program and its arguments: words between blanks, with quotes as in a shell.

    Raises ValueError for everything else that only a shell could do.
    """
    bare = _QUOTED_PART.sub(lambda part: part["double"] if _expands(part["double"] or "") else "_", command)
    found = _OF_A_SHELL.search(bare)
    if found is not None:
        raise ValueError(f"without '{found[0].strip()}', {_SCRIPT}")
    try:
        return shlex.split(command)
    except ValueError:
        raise ValueError(f"with quotes that close, {_SCRIPT}") from None


_SCRIPT = (
    "since no shell runs it: put what needs one into a script that begins with #!/bin/sh, make it executable, "
    "and name its full path here"
)


def _expands(double: str) -> bool:
    return _EXPANDED.search(_ESCAPED.sub(" ", double)) is not None
