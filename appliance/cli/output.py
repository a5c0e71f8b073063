"""What a command prints: lines for people, or with --json one document for programs, both from the same value.

A command declares the type of its document once, with `@prints(Kind)`, or with `@tells(Kind)` when it does something
and says sentences meanwhile. Either gives it the option --json. docs/json.md is made from these declarations
(`json_reference.py`), and a test finds every command that has none.

With --json standard output holds documents and nothing else: the sentences of a command that tells are gathered into
`says` of its document, and questions to a person go to standard error. An error is a document too (`ErrorTold`), on
standard error, whatever was printed before it.
"""

from __future__ import annotations

import functools
import itertools
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import click

from appliance.cli.terminal import ShownLine, show
from appliance.core.as_json import to_json
from appliance.core.errors import AshaError
from appliance.core.text import printable_lines

_META = "asha.output"
F = TypeVar("F", bound=Callable[..., None])
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Told:
    """`says`: what was done, in sentences for people, in the order in which they were said."""

    says: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ErrorTold:
    """`error`: what is wrong; `todo`: what to do about it, "" when that is not known; `exit_code`: as in asha(8)."""

    error: str
    todo: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Declared:
    """The document of a command. `each`: one such document a line, as they come. `note`: what the type cannot say."""

    kind: Any
    each: bool = False
    note: str = ""


@dataclass(slots=True)
class _Output:
    """The output of the command that is running. `kept`: fields of its document that it knows already."""

    as_json: bool = False
    said: list[str] = field(default_factory=list)
    kept: dict[str, object] = field(default_factory=dict)


_DECLARED: dict[Callable[..., Any], Declared] = {}


def prints(kind: Any, *, each: bool = False, note: str = "") -> Callable[[F], F]:
    """Give a command the option --json, and declare that its document is a `kind`; it calls `put` with one.

    It stands nearer to the command's name than `click.command`, and above `click.pass_context`.
    """

    def declare(command: F) -> F:
        means = "Print JSON, one object a line." if each else "Print JSON."
        given = click.option("--json", is_flag=True, expose_value=False, callback=_note_json, help=means)
        _DECLARED[command] = Declared(kind, each, note)
        return given(command)

    return declare


def tells(kind: Any = Told, *, note: str = "") -> Callable[[F], F]:
    """Give a command that says sentences the option --json; its document is a `kind` with the field `says`.

    The other fields of the document are what the command gives to `keep`. What was said before an error is printed too.
    """

    def declare(command: F) -> F:
        @functools.wraps(command)
        def telling(*arguments: Any, **options: Any) -> None:
            problem = True
            try:
                command(*arguments, **options)
                problem = False
            finally:
                _print_told(kind, only_if_said=problem)

        return prints(kind, note=note)(cast(F, telling))

    return declare


def declared(command: click.Command) -> Declared | None:
    """Return the document that `command` has declared; None for one that prints no JSON."""
    return _DECLARED.get(command.callback) if command.callback else None


def wants_json() -> bool:
    """Tell whether the running command was given --json."""
    return _output().as_json


def put(value: T, lines: Callable[[T], Iterable[str | ShownLine]], *, err: bool = False) -> None:
    """Print `value`: as the command's document with --json, else as what `lines` makes of it.

    `err`: on standard error, because standard output has what the command is for.
    """
    if wants_json():
        click.echo(json.dumps(to_json(value), indent=2), err=err)
    else:
        _write(lines(value), err=err)


def put_line(value: T, line: Callable[[T], str]) -> None:
    """Print one of many values, each on one line: as JSON with --json, else as what `line` makes of it."""
    click.echo(json.dumps(to_json(value)) if wants_json() else line(value))


def say(*lines: str | ShownLine) -> None:
    """Print sentences of a command that tells, or gather them for `says` of its document."""
    output = _output()
    if not output.as_json:
        _write(lines)
        return
    texts = (line if isinstance(line, str) else line.text for line in lines)
    output.said += [part.strip() for text in texts for part in text.splitlines() if part.strip()]


def keep(**fields: object) -> None:
    """Give the document of a command that tells fields besides `says`."""
    _output().kept.update(fields)


def agree(question: str) -> None:
    """Ask a person whether to go on. Raises click.Abort when the answer is no."""
    click.confirm(question, abort=True, err=wants_json())


def error_document(error: str, exit_code: int, todo: str = "") -> str:
    """Return an error as the document that --json prints on standard error."""
    return json.dumps(to_json(ErrorTold(printable_lines(error), printable_lines(todo), exit_code)), indent=2)


def tell_error(problem: AshaError, *, as_json: bool) -> None:
    """Print an error on standard error, as JSON or as a sentence."""
    if as_json:
        print(error_document(str(problem.args[0]), problem.exit_code, problem.todo), file=sys.stderr)
    else:
        print(f"asha: {printable_lines(str(problem))}", file=sys.stderr)


def _output() -> _Output:
    context = click.get_current_context(silent=True)
    return _Output() if context is None else cast(_Output, context.meta.setdefault(_META, _Output()))


def _note_json(_context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        _output().as_json = True


def _print_told(kind: Any, *, only_if_said: bool) -> None:
    """Print the document of a command that tells; a group leaves that to the command below it."""
    output, context = _output(), click.get_current_context(silent=True)
    if not output.as_json or (context is not None and context.invoked_subcommand is not None):
        return
    if output.said or output.kept or not only_if_said:
        fields = {"says": tuple(output.said), **output.kept}
        click.echo(json.dumps(to_json(kind(**fields)), indent=2))


def _write(lines: Iterable[str | ShownLine], *, err: bool = False) -> None:
    for shown, group in itertools.groupby(lines, lambda line: isinstance(line, ShownLine)):
        if shown:
            show(cast(Iterable[ShownLine], group))
            continue
        for line in group:
            click.echo(line, err=err)
