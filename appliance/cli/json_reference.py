"""The page docs/json.md, made from what the commands declare with `cli/output.py`.

`python -m appliance.cli.json_reference docs/json.md` writes it; a test holds the page to the commands.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from appliance.cli.main import asha
from appliance.cli.output import Declared, ErrorTold, declared

# Commands without --json, and why.
EXEMPT = {
    "agent": "a daemon that init runs; `asha status --json` and `asha events --json` tell what it does",
    "nagios": "its output is that of a monitoring plugin, for programs already",
    "notify deliver": "the agent runs it",
    "relay guard": "the drill of the relay runs it",
    "panel answers": "init runs it, and reads the exit code",
    "panel run": "a daemon that init runs",
    "panel welcome": "the package runs it when it is installed",
    "sync last": "the agent runs it",
    "sync-source": "the other node runs it over ssh, in a protocol of its own",
}

_HEAD = """\
# JSON of the commands

Every command of `asha` takes `--json`, but for [those below](#commands-without-json). This page is made from the
commands' own declarations: `python -m appliance.cli.json_reference docs/json.md`.

- Standard output then holds one document, or for `asha events` one object a line, and nothing else. What a command
  says while it works is in `says`. A question to a person goes to standard error; `--yes` answers it.
- Exit codes are the same as without `--json`. Those of `asha status` tell the pair's state: 0 protected, 1 degraded,
  2 no service or two active, 3 not known. `asha check`, `asha conf diff`, `asha dahdi fit` and `asha notify
  test` print their document before they end with an exit code that is not 0.
- An error is an object on **standard error**, [ErrorTold](#errortold), whatever was printed before:

    ```json
    {
      "error": "The agent does not answer.",
      "todo": "Is it running? service asha status",
      "exit_code": 5
    }
    ```

    It has the same form when the command line is wrong (exit code 2) and when a question was not answered with yes (1).
- A later version may add keys, and leaves the others as they are: skip what you do not know. Times are numbers of
  seconds: long or ago, or since 1970 where a section says *epoch seconds* or *since the epoch*.
"""

_PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", types.NoneType: "null"}


def walk(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command below `group` that can be given, with its words; a group only when it does something."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        words = (*path, name)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield " ".join(words), command
        if isinstance(command, click.Group):
            yield from walk(command, words)


def document() -> str:
    """Return docs/json.md."""
    documents = {words: found for words, command in walk(asha) if (found := declared(command)) is not None}
    kinds: dict[str, Any] = {}
    for found in (*documents.values(), Declared(ErrorTold)):
        _collect(found.kind, kinds)
    rows = [f"| `asha {words}` | {_document_of(found)} |" for words, found in sorted(documents.items())]
    return "\n".join(
        [
            _HEAD,
            "## Commands\n\n| command | document |\n|---|---|",
            *rows,
            "\n## Commands without JSON\n\n| command | why |\n|---|---|",
            *(f"| `asha {words}` | {why} |" for words, why in EXEMPT.items()),
            "\n## Documents\n",
            *(_section(kinds[name]) for name in sorted(kinds)),
        ]
    )


def _document_of(found: Declared) -> str:
    shown = f"{_shown(found.kind)}, one a line" if found.each else _shown(found.kind)
    return f"{shown}. {found.note}" if found.note else shown


def _section(kind: Any) -> str:
    says = re.sub(r"\bNone\b", "null", inspect.cleandoc(kind.__doc__ or ""))
    rows = [f"| `{name}` | {_shown(hint)} |" for name, hint in _hints(kind).items()]
    return "\n".join([f"### {kind.__name__}\n", says, "", "| key | value |", "|---|---|", *rows, ""])


def _shown(hint: Any) -> str:
    """Return a type as the page has it, with a link to the section of each kind of object."""
    origin, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_shown(one) for one in sorted(arguments, key=lambda one: one is types.NoneType))
    if origin in (tuple, list):
        return f"list of {_shown(arguments[0])}"
    if origin is Mapping:
        return "object" if arguments[1] is Any else f"object: by name, {_shown(arguments[1])}"
    if _is_object(origin):
        link = f"[{origin.__name__}](#{origin.__name__.lower()})"
        return f"{link} of {_shown(arguments[0])}" if arguments else link
    return "the value" if isinstance(hint, typing.TypeVar) else _PLAIN.get(origin, "anything")


def _collect(hint: Any, into: dict[str, Any]) -> None:
    """Add every kind of object that `hint` is made of to `into`, by its name."""
    origin = typing.get_origin(hint) or hint
    for argument in typing.get_args(hint):
        _collect(argument, into)
    if _is_object(origin) and origin.__name__ not in into:
        into[origin.__name__] = origin
        for inner in _hints(origin).values():
            _collect(inner, into)


def _hints(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    names: tuple[str, ...] = getattr(kind, "__match_args__", tuple(hints))
    return {name: hints[name] for name in names}


def _is_object(kind: Any) -> bool:
    return isinstance(kind, type) and (typing.is_typeddict(kind) or hasattr(kind, "__match_args__"))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
