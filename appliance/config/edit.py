"""Changes to the conf file in place, whole or not at all; comments, order and line ends stay."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.config.conf import Conf
from appliance.config.conf_file import ConfFile, read_source
from appliance.config.key import Key
from appliance.config.parse import (
    Assignment,
    ConfError,
    Problem,
    assignment_in,
    lines_of,
    printable,
    unknown,
    whole_problem,
)
from appliance.config.reference import comment_lines
from appliance.config.schema import KEY_BY_NAME, without_secrets_in
from appliance.config.value_types import TEXT
from appliance.core.errors import HostError, UserError
from appliance.host.disk import fresh_file, sync_directory

_UNTOUCHED = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Edit:
    """Change of the conf file: the whole text before and after, and the values that the file now has."""

    before: str
    after: str
    conf: Conf

    @property
    def diff(self) -> str:
        """The changed lines for a screen, '-' before and '+' after, "" for none. Secrets are not shown."""
        import difflib  # noqa: PLC0415 - slow, and rarely wanted

        lines = difflib.unified_diff(
            [line.rstrip() for line in lines_of(self.before)],
            [line.rstrip() for line in lines_of(self.after)],
            "before",
            "after",
            lineterm="",
            n=0,
        )
        return "\n".join(without_secrets_in(line) for line in lines)


def set_values(path: Path, values: Mapping[str, str]) -> Edit:
    """Set several keys at once, for values that are right only together.

    Nothing is written unless the whole result is right. Raises ConfError with all problems of the result,
    UserError when the file was changed by somebody else meanwhile, and HostError when the file cannot be read
    or written.
    """
    source, edit = _prepared(path, values)
    if edit.after != edit.before:
        replace_file(source, edit.after)
    return edit


def preview(path: Path, values: Mapping[str, str]) -> Edit:
    """Return what `set_values` would change, and write nothing.

    Raises the same errors, except those of writing.
    """
    return _prepared(path, values)[1]


def _prepared(path: Path, values: Mapping[str, str]) -> tuple[ConfFile, Edit]:
    _refuse_unknown(values)
    source = read_source(path.resolve())
    text = source.text
    for key, value in values.items():
        text = with_value(text, key, value)
    verdict = replace(source, text=text).judge()
    if not isinstance(verdict, Conf):
        raise ConfError(verdict, path=path, todo=_UNTOUCHED)
    return source, Edit(source.text, text, verdict)


def name_missing(path: Path) -> tuple[str, ...]:
    """Add each key that the file at `path` does not mention, commented out; return the keys added.

    Each key is preceded by its comment.

    Existing values stay as they are, wrong ones too. Raises UserError and HostError as `set_values` does, and
    ConfError when the file has no lines that could be read.
    """
    source = read_source(path.resolve())
    if (problem := whole_problem(source.text)) is not None:
        raise ConfError([problem], path=path, todo=_UNTOUCHED)
    missing = missing_keys(source.text)
    if missing:
        replace_file(source, with_named(source.text, missing))
    return missing


def missing_keys(text: str) -> tuple[str, ...]:
    """Return the keys that `text` neither sets nor has commented out."""
    lines = lines_of(text)
    return tuple(
        key for key in KEY_BY_NAME if _line_of(key, lines) is None and _commented_out(key, lines) is None
    )


def with_named(text: str, names: Iterable[str]) -> str:
    """Return `text` with each key of `names` appended, commented out, with its comment and its default."""
    lines = lines_of(text)
    for name in names:
        key = KEY_BY_NAME[name]
        gap = [""] if lines and lines[-1].strip() else []
        lines = _inserted(lines, len(lines), [*gap, *comment_lines(key), f"#{key.name}={key.default}"])
    return "".join(lines)


def with_value(text: str, key: str, value: str) -> str:
    """Return `text` with `key` set to `value`; every other line is left as it is.

    A key that is not set goes beneath its own line where that is commented out, else to the end with its
    comment. `key` must be known. Raises ConfError when `value` cannot stand on a line.
    """
    schema = KEY_BY_NAME[key]
    value = value if schema.kind is TEXT else value.strip()
    line = f"{key}={schema.written(value)}"
    if "\n" in value or not isinstance(assignment_in(line), Assignment):
        raise ConfError(
            [Problem(key, schema.hide(printable(value)), 0, "one line of plain text")], todo=_UNTOUCHED
        )
    lines = lines_of(text)
    at = _line_of(key, lines)
    if at is not None:
        lines[at] = _changed(lines[at], schema, value)
        return "".join(lines)
    at = _commented_out(key, lines)
    if at is not None:
        return "".join(_inserted(lines, at + 1, [line]))
    gap = [""] if lines and lines[-1].strip() else []
    return "".join(_inserted(lines, len(lines), [*gap, *comment_lines(schema), line]))


def _refuse_unknown(values: Mapping[str, str]) -> None:
    problems = [
        Problem(printable(key), printable(value), 0, unknown(key))
        for key, value in values.items()
        if key not in KEY_BY_NAME
    ]
    if problems:
        raise ConfError(problems, todo=_UNTOUCHED)


def _line_of(key: str, lines: list[str]) -> int | None:
    for at, line in enumerate(lines):
        found = assignment_in(line)
        if found is not None and found.key == key:
            return at
    return None


def _commented_out(key: str, lines: list[str]) -> int | None:
    pattern = re.compile(rf"\s*#+\s*{key}\s*=")
    return next((at for at, line in enumerate(lines) if pattern.match(line)), None)


def _changed(line: str, key: Key, value: str) -> str:
    """Return `line` with another value; what precedes the value, its quotes and the line's end are kept."""
    found = assignment_in(line)
    quote = found.quote if isinstance(found, Assignment) else ""
    head, equals, old = line.partition("=")
    blanks = old[: len(old) - len(old.lstrip(" \t"))]
    return head + equals + blanks + key.written(value, quote) + _end(old)


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _inserted(lines: list[str], at: int, new: list[str]) -> list[str]:
    ends = [_end(line) for line in lines if line.endswith("\n")]
    end = ends[-1] if ends else "\n"
    before, after = lines[:at], lines[at:]
    if before and not before[-1].endswith("\n"):
        before[-1] += end
    return [*before, *(line + end for line in new), *after]


def replace_file(source: ConfFile, text: str) -> None:
    """Write `text` over the file that `source` was read from; power may fail at any moment.

    Raises:
        UserError: The file is no longer the one that was read. It is left as it is.
        HostError: The file cannot be written. The old one is untouched then.
    """
    old = source.status
    content = text.encode("utf-8", "surrogateescape")
    try:
        with fresh_file(source.path, content, stat.S_IMODE(old.st_mode), (old.st_uid, old.st_gid)) as fresh:
            _refuse_if_changed(source)
            fresh.replace(source.path)
        sync_directory(source.path.parent)
    except OSError as problem:
        raise HostError(
            f"The conf file {source.path} could not be written: {problem.strerror}.",
            todo="Nothing was changed.",
        ) from problem


def _refuse_if_changed(source: ConfFile) -> None:
    now, then = source.path.stat(), source.status
    if (now.st_ino, now.st_mtime_ns, now.st_size) != (then.st_ino, then.st_mtime_ns, then.st_size):
        raise UserError(
            f"{source.path} was changed by somebody else in the same moment; nothing was written.",
            todo="Try again.",
        )
