"""The display for the audience: a live picture on a terminal, plain lines elsewhere; a table at the end."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hwsim.demo.picture import draw
from hwsim.demo.report import Result
from hwsim.view import RackView

_SAID_LINES = 8
_COLUMNS = ("detected", "relay_moved", "address_moved", "pbx_answering", "alarm_clear", "line_in_service")


class Show:
    """The display of one scenario; `view` is called ten times a second for the rack's current state."""

    def __init__(self, console: Console, title: str, clock: Callable[[], float]) -> None:
        self._console = console
        self._title = title
        self._clock = clock
        self._began = clock()
        self._said: list[str] = []
        self.view: Callable[[], RackView] | None = None
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=10)
            self._live.start()
        else:
            self._console.print(f"== {self._title}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, words: str) -> None:
        """Show one line about what happens."""
        line = f"{self._clock() - self._began:6.2f} s  {words}"
        self._said.append(line)
        if self._live is None:
            self._console.print(f"   {line}", highlight=False, markup=False, soft_wrap=True)

    def _render(self) -> Group:
        picture = draw(self.view()) if self.view is not None else ""
        said = "\n".join(self._said[-_SAID_LINES:])
        elapsed = f"{self._clock() - self._began:6.2f} s"
        return Group(Text(f"{self._title}   {elapsed}", style="bold"), Text(picture), Text(said))


def results_table(results: list[Result], timing: str) -> Table:
    """Return the measured milliseconds of each phase, one row for each scenario."""
    table = Table(title=f"milliseconds from the fault, seen from outside ({timing})", title_justify="left")
    table.add_column("scenario", no_wrap=True)
    for name in _COLUMNS:
        table.add_column(name.replace("_", " "), justify="right")
    table.add_column("ended")
    table.add_column("journal")
    for result in results:
        marks = result.marks.named()
        values = (marks[name] for name in _COLUMNS)
        cells = ("-" if value is None else f"{value * 1000:.0f}" for value in values)
        table.add_row(
            result.name, *cells, "ok" if result.ok else "FAILED", "ok" if result.journal_ok else "BROKEN"
        )
    return table
