"""The benchmark from beginning to end, with runs interleaved so that all contenders meet the same machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hwsim.bench.agent_cost import agent_cost
from hwsim.bench.asha import Asha
from hwsim.bench.chart import of_results, write_chart
from hwsim.bench.contender import FAULTS, Contender, Fault
from hwsim.bench.data_cost import data_cost
from hwsim.bench.keepalived import Keepalived
from hwsim.bench.machine import machine, versions
from hwsim.bench.panel.cost import panel_cost
from hwsim.bench.panel.pair import SITE as PANEL_SITE
from hwsim.bench.panel.watched import COUNTS, Watched, play_watched
from hwsim.bench.plain_heartbeat import PlainHeartbeat
from hwsim.bench.play import Run, RunFailed, on_fresh_rack, play
from hwsim.bench.report import write_report
from hwsim.bench.results import Results
from hwsim.bench.spread import Spread
from hwsim.bench.table import (
    assumptions,
    comparison_table,
    data_table,
    missed,
    panel_table,
    sentence,
    targets_table,
    watched_table,
)
from hwsim.installed import package_files
from hwsim.site import Site

CONTENDERS: tuple[Contender, ...] = (Asha(), Keepalived(), PlainHeartbeat())
AGENT_COST, DATA_COST, PANEL_COST = "agent-cost", "data-cost", "panel-cost"
COSTS = (AGENT_COST, DATA_COST, PANEL_COST)
NAMES = (*(one.name for one in CONTENDERS), *(fault.name for fault in FAULTS), *COSTS)


@dataclass(frozen=True, slots=True)
class Plan:
    """The work to be done: each fault and each number of viewers `runs` times, and the costs to measure.

    Every contender meets every fault. The costs are those of the agent, the data and the panel.
    """

    contenders: Sequence[Contender]
    faults: Sequence[Fault]
    runs: int
    cost: bool
    data: bool
    panel: bool = False

    @property
    def steps(self) -> int:
        """The number of steps that the progress display shows."""
        return len(self.contenders) * len(self.faults) * self.runs + sum(self._costs)

    @property
    def _costs(self) -> tuple[int, ...]:
        return int(self.cost), int(self.data), self.panel * (1 + self.runs * len(COUNTS))


def planned(only: str | None, runs: int) -> Plan:
    """Return the plan for `only`; with None, the plan of everything that needs no RPMs.

    `only` is one of NAMES: a contender, a fault, or a cost.
    """
    if only in COSTS:
        wanted = (only == cost for cost in COSTS)
        return Plan((), (), runs, *wanted)
    contenders = [one for one in CONTENDERS if one.name == only]
    faults = [fault for fault in FAULTS if fault.name == only]
    ours = only in (None, "asha")
    return Plan(contenders or CONTENDERS, faults or FAULTS, runs, cost=ours, data=ours)


async def bench(plan: Plan, out: Path, console: Console) -> bool:
    """Carry out `plan`; write report.json and comparison.svg below `out`; print the tables.

    Returns False when a run failed. Raises RackError when RPMs are to be measured and there are none.
    """
    if plan.panel:
        package_files()
    about = {"machine": machine(), "versions": versions()}  # the load before the benchmark adds its own
    results = Results(notes={one.name: one.note for one in plan.contenders})
    with _progress(console) as progress:
        await _measure(plan, results, out / "logs", _Steps(progress, plan.steps))
    site = Site()
    write_report(out / "report.json", results, site, about)
    if results.runs:
        write_chart(out / "comparison.svg", of_results(results, assumptions(site)))
    _print(results, site, out, console)
    return results.ok


class _Steps:
    """The progress bar; on anything but a terminal, a line for each step."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0
        self._task = progress.add_task("", total=total)

    def begin(self, words: str) -> None:
        """Show what is under way."""
        self._progress.update(self._task, description=words)

    def end(self, words: str) -> None:
        """Count one more finished step."""
        self._done += 1
        self._progress.advance(self._task)
        if not self._progress.console.is_terminal:
            self._progress.console.print(
                f"{self._done}/{self._total}  {words}", highlight=False, markup=False, soft_wrap=True
            )


async def _measure(plan: Plan, results: Results, logs: Path, steps: _Steps) -> None:
    if plan.cost:
        measuring = on_fresh_rack(agent_cost, logs / AGENT_COST)
        results.agent.update(await _measure_cost("the agent's cost, idle", measuring, results, steps))
    if plan.data:
        measuring = data_cost(logs / DATA_COST)
        results.data.update(await _measure_cost("the data's cost, 100,000 files", measuring, results, steps))
    if plan.panel:
        await _measure_panel(plan.runs, results, logs / PANEL_COST, steps)
    for title, one in _runs(plan, logs):
        steps.begin(title)
        run = await one()
        results.note_run(run)
        steps.end(f"{title}: {run.problem or _words(run)}")


def _runs(plan: Plan, logs: Path) -> list[tuple[str, Callable[[], Awaitable[Run]]]]:
    return [
        (
            f"{contender.name}, {fault.name}, {number} of {plan.runs}",
            partial(play, contender, fault, number, plan.runs, logs),
        )
        for number in range(1, plan.runs + 1)
        for fault in plan.faults
        for contender in plan.contenders
    ]


async def _measure_panel(runs: int, results: Results, logs: Path, steps: _Steps) -> None:
    measuring = on_fresh_rack(panel_cost, logs / "looks", PANEL_SITE)
    results.panel.update(await _measure_cost("the panel's cost", measuring, results, steps))
    for number in range(1, runs + 1):
        for viewers in COUNTS:
            title = f"asterisk-killed, {viewers} viewers on each panel, {number} of {runs}"
            steps.begin(title)
            run = await play_watched(viewers, number, runs, logs)
            results.note_watched(run)
            steps.end(f"{title}: {run.problem or _words(run)}")


async def _measure_cost(
    words: str, measuring: Awaitable[dict[str, Spread]], results: Results, steps: _Steps
) -> dict[str, Spread]:
    """Return the figures; none when they could not be measured, and then record a problem."""
    steps.begin(words)
    figures: dict[str, Spread] = {}
    try:
        figures = await measuring
    except RunFailed as failure:
        results.problems.append(f"{words}: {failure}")
    steps.end(words)
    return figures


def _words(run: Run | Watched) -> str:
    marks = run.marks.named()
    shown = ((name, marks[name]) for name in ("relay_moved", "pbx_answering", "line_in_service"))
    return ", ".join(
        f"{name.replace('_', ' ')} {value * 1000:.0f} ms" for name, value in shown if value is not None
    )


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, transient=True)


def _print(results: Results, site: Site, out: Path, console: Console) -> None:
    for fault in results.faults:
        console.print(comparison_table(results, fault))
    if results.data:
        console.print(data_table(results))
    if results.panel:
        console.print(panel_table(results))
    if results.watched:
        console.print(watched_table(results))
    for name, note in results.notes.items():
        console.print(f"{name}: {note}", highlight=False, markup=False)
    if results.figures():
        console.print(targets_table(results, site))
    for verdict in missed(results):
        console.print(f"missed: {sentence(verdict)}", style="red", highlight=False, markup=False)
    for problem in results.problems:
        console.print(f"FAILED: {problem}", style="bold red", highlight=False, markup=False)
    written = [name for name in ("report.json", "comparison.svg") if (out / name).exists()]
    console.print("written: " + "   ".join(str(out / name) for name in written), highlight=False)
