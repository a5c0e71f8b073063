"""Parser of the conf file: text to `Conf`, or to everything that is wrong with the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from appliance.config.check import Clash, cross_check
from appliance.config.conf import Conf
from appliance.config.quotes import unquoted
from appliance.config.schema import KEY_BY_NAME, KEYS, closest_key, without_secrets_in
from appliance.config.value_types import TEXT
from appliance.core import text as core_text
from appliance.core.errors import UserError

# Problems of a conf file, each with what would be right.


_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """Problem of a conf file. `want` completes "… should be …".

    `key` is "" when no key is concerned; `value` then says what was found. `line` counts from 1, and is 0
    when the file has no such line. `of_times`: see `Clash`.
    """

    key: str
    value: str
    line: int
    want: str
    of_times: bool = False

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        found = f"{self.key}={self.value}" if self.key else self.value
        return f"{place}{found} should be {self.want}"


class ConfError(UserError):
    """Error of a wrong conf file; `problems` and the message hold all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem], *, path: Path | None = None, todo: str = "") -> None:
        self.problems = tuple(problems)
        count = "a problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"{path or 'The conf file'} has {count}:{lines}", todo=f"\n{todo}" if todo else "")


def printable(text: str) -> str:
    """Return `text` for a screen: one line, not too long, without characters that a terminal would obey."""
    shown = core_text.printable(text[:_SHOWN])
    return shown + "…" if len(text) > _SHOWN else shown


# Lines of a conf file: which are comments, which are KEY=value, and which are neither.


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


_KEY_NAME = re.compile(r"[A-Z][A-Z0-9]+", re.ASCII)


def parse(text: str, *, to_run: bool = False) -> Conf | tuple[Problem, ...]:
    """Return the values of `text`, or all its problems in the order of its lines. Never raises.

    Keys that are missing have their default. With `to_run`, times that contradict each other are no problem: a pair
    that has run by them must not end when a new version of asha finds a contradiction in them.
    """
    found = list(scan(text))
    assignments, repeats = _first_of_each(item for item in found if isinstance(item, Assignment))
    values, wrong = _values(assignments)
    problems = [_discreet(item) for item in found if isinstance(item, Problem)] + repeats + wrong
    conf = _conf(values)
    suspects = {problem.key for problem in problems}
    clashes = [clash for clash in _clashes(conf, suspects) if not (to_run and clash.of_times)]
    problems += [_problem(clash, conf, assignments) for clash in clashes]
    return tuple(sorted(problems, key=lambda problem: problem.line)) or conf


def readable(text: str) -> Conf:
    """Return the values of `text` that are right, with defaults for the others. Never raises.

    The result is good enough to let the line go when the conf file is wrong.
    """
    assignments, _ = _first_of_each(item for item in scan(text) if isinstance(item, Assignment))
    values, _ = _values(assignments)
    return _conf(values)


def _first_of_each(items: Iterable[Assignment]) -> tuple[dict[str, Assignment], list[Problem]]:
    first: dict[str, Assignment] = {}
    repeats = []
    for item in items:
        if item.key in first:
            want = f"given once (line {first[item.key].line} has it already)"
            repeats.append(Problem(item.key, _shown(item), item.line, want))
        first.setdefault(item.key, item)
    return first, repeats


def _values(assignments: dict[str, Assignment]) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    wrong = []
    for name, item in assignments.items():
        try:
            values[name] = _value(item)
        except ValueError as problem:
            wrong.append(Problem(name, _shown(item), item.line, str(problem)))
    return values, wrong


def _value(item: Assignment) -> object:
    key = KEY_BY_NAME.get(item.key)
    if key is None:
        raise ValueError(unknown(item.key))
    try:
        value = key.parse(item.value)
    except ValueError as problem:
        advice = key.kind.bare(item.value)
        raise ValueError(f"{problem}; {advice}" if advice else str(problem)) from None
    if not item.quote and (advice := key.kind.bare(item.value)):
        raise ValueError(f"{key.kind.want}; {advice}")
    if key.kind is not TEXT and item.value != item.value.strip():
        raise ValueError(f"{key.kind.want}; without blanks inside the quotes at its ends")
    return value


def unknown(name: str) -> str:
    """Return what `name`, which is not a key, should be."""
    close = closest_key(name)
    return f"a known key; did you mean {close}?" if close else "a known key; 'asha conf' lists them"


def _shown(item: Assignment) -> str:
    key = KEY_BY_NAME.get(item.key)
    return printable(key.hide(item.value) if key else item.value)


def _discreet(problem: Problem) -> Problem:
    key = KEY_BY_NAME.get(problem.key)
    return replace(problem, value=key.hide(problem.value) if key else without_secrets_in(problem.value))


_EARLIER = {key.name: key.earlier for key in KEYS if key.earlier is not None}


def _conf(values: dict[str, Any]) -> Conf:
    if _EARLIER.keys() & values.keys():
        values = {**_EARLIER, **values}
    fields: dict[str, Any] = {}
    for key in KEYS:
        if key.name not in values:
            continue
        if key.slot is None:
            fields[key.field] = values[key.name]
        elif values[key.name]:
            fields[key.field] = (*fields.get(key.field, ()), values[key.name])
    return Conf(**fields)


def _clashes(conf: Conf, suspects: set[str]) -> Iterable[Clash]:
    """Yield the clashes that are not merely the consequence of a value which is wrong by itself."""
    for clash in cross_check(conf):
        if not suspects & {clash.key, *_KEY_NAME.findall(clash.want)}:
            yield clash


def _problem(clash: Clash, conf: Conf, assignments: dict[str, Assignment]) -> Problem:
    line = assignments[clash.key].line if clash.key in assignments else 0
    return Problem(clash.key, KEY_BY_NAME[clash.key].shown(conf), line, clash.want, clash.of_times)
