"""The soak of one engine after the other, with one screen of progress; an interrupted run reports what it has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from hwsim.bench.machine import machine, versions
from hwsim.nodes.engines import Engine
from hwsim.soak.judgement import SIDES, Soaked, judge, right
from hwsim.soak.play import play
from hwsim.soak.readings import PROGRAMS, ProcessReading
from hwsim.soak.report import summary, write_report

_MARK = {True: "[green]ok[/]", False: "[bold red]WRONG[/]", None: "not judged"}


async def soak(engines: Sequence[Engine], minutes: float, seed: int, out: Path, console: Console) -> bool:
    """Soak a pair on each of `engines` in turn for `minutes`; return True when every bound was held.

    soak.md, soak.json and the plots are written below `out` after each engine, and when it is interrupted.
    """
    about: dict[str, Any] = {
        **machine(),
        **versions(),
        "seed": seed,
        "when": time.strftime("%Y-%m-%d %H:%M"),
    }
    runs: list[Soaked] = []
    for engine in engines:
        run = Soaked(engine.name, 60 * minutes)
        runs.append(run)
        try:
            await _shown(run, engine, seed, out, console)
        finally:
            write_report(out, runs, about)
            console.print(_closing(run))
            console.print(
                f"report: {out / 'soak.md'}, soak.json; plot: {out / run.engine}.svg", highlight=False
            )
    return right(runs)


async def _shown(run: Soaked, engine: Engine, seed: int, out: Path, console: Console) -> None:
    """Play `run` with its progress on the screen, or with a line for each thing done where there is no screen."""
    said = ""
    began = time.monotonic()
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def told(doing: str) -> None:
            nonlocal said
            if console.is_terminal:
                live.update(_screen(run, doing, time.monotonic() - began), refresh=True)
            elif doing != said:
                console.print(
                    f"{(time.monotonic() - began) / 60:6.1f} min  {run.engine}: {doing}", highlight=False
                )
            said = doing

        await play(run, engine, seed, out, told)


def _screen(run: Soaked, doing: str, elapsed: float) -> Group:
    table = Table(
        title=f"soak on {run.engine}: {elapsed / 60:.1f} of {run.planned / 60:g} min", title_justify="left"
    )
    for head in ("", "memory, MB", "descriptors", "threads", "children"):
        table.add_column(head, justify="right" if head else "left")
    for program in PROGRAMS:
        for side in SIDES:
            table.add_row(f"{program} on the {side}", *_now(run.readings, program, side))
    return Group(table, f"{summary(run)}, {len(run.unexplained)} unexplained", doing)


def _now(readings: Sequence[ProcessReading], program: str, side: str) -> tuple[str, ...]:
    """Return the cells of the last reading of a program; "-" before there is one."""
    last = next((one for one in reversed(readings) if (one.program, one.side) == (program, side)), None)
    if last is None:
        return ("-",) * 4
    return (f"{last.memory:.1f}", str(last.descriptors), str(last.threads), str(last.children))


def _closing(run: Soaked) -> Table:
    table = Table(title=f"soak on {run.engine}: {summary(run)}", title_justify="left")
    for head in ("", "seen", "bound", ""):
        table.add_column(head)
    for one in judge(run):
        table.add_row(one.what, one.seen, one.wanted, _MARK[one.ok])
    return table
