"""How a command's lines reach the screen: as they are into a pipe; on a terminal with colour, wrapped in their column.

Scripts read the plain lines, so those never depend on a width. rich is imported only for a terminal: its 45 ms are
nothing to a person, and too much for what polls `asha status` (docs/adr/0021-libraries-in-the-agent.md). The
environment variable NO_COLOR keeps the wrapping and leaves the colour out.
"""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

import click


class Tone(enum.Enum):
    """The meaning of a line to the person who reads it; the value is the style by which rich shows it."""

    PLAIN = ""
    HEADLINE = "bold"
    GOOD = "green"
    DOUBTFUL = "yellow"
    BAD = "bold red"


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of a command's output.

    `hang`: the column, from 0, below which the rest of a long line continues on a terminal.
    """

    text: str
    hang: int = 0
    tone: Tone = Tone.PLAIN


def show(lines: Iterable[ShownLine], stream: TextIO | None = None) -> None:
    """Write `lines` to `stream`, standard output by default."""
    stream = stream or sys.stdout
    if stream.isatty():
        _show_on_terminal(lines, stream)
        return
    for line in lines:
        click.echo(line.text, file=stream)


def clear() -> None:
    """Begin a new page: an empty terminal, or an empty line in what is no terminal."""
    if sys.stdout.isatty():
        click.clear()
    else:
        click.echo()


def _show_on_terminal(lines: Iterable[ShownLine], stream: TextIO) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(file=stream, width=_width(stream), highlight=False, markup=False, emoji=False)
    for line in lines:
        if not line.hang:
            console.print(Text(line.text, line.tone.value))
            continue
        row = Table.grid()
        row.add_column(no_wrap=True)
        row.add_column(overflow="fold")
        row.add_row(
            Text(line.text[: line.hang], line.tone.value), Text(line.text[line.hang :], line.tone.value)
        )
        console.print(row)


def _width(stream: TextIO) -> int | None:
    """Return the columns of the terminal; None where it does not know them, as a serial console may not."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None
