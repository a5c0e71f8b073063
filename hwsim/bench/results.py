"""Everything that was measured, and the figures that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from hwsim.bench.panel.watched import Watched, watched_figures
from hwsim.bench.play import Run
from hwsim.bench.spread import Spread, ratio, spread
from hwsim.demo.marks import Marks

PHASES = tuple(mark.name for mark in fields(Marks) if mark.name != "fault")


@dataclass(slots=True)
class Results:
    """The results, filled while the benchmark runs.

    `agent`, `data`, `panel`: figures of `agent_cost`, `data_cost`, `panel_cost`. `watched`: failovers while
    people look. `notes`: how each contender was set up.
    """

    runs: list[Run] = field(default_factory=list)
    agent: dict[str, Spread] = field(default_factory=dict)
    data: dict[str, Spread] = field(default_factory=dict)
    panel: dict[str, Spread] = field(default_factory=dict)
    watched: list[Watched] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True when every run could be measured; targets do not matter here."""
        return not self.problems

    def note_run(self, run: Run) -> None:
        """Add a run."""
        self.runs.append(run)
        if run.problem:
            self.problems.append(f"{run.contender}, {run.fault}, run {run.number}: {run.problem}")

    def note_watched(self, run: Watched) -> None:
        """Add a run with viewers."""
        self.watched.append(run)
        if run.problem:
            self.problems.append(f"{run.viewers} viewers, run {run.number}: {run.problem}")

    @property
    def contenders(self) -> list[str]:
        """The contenders in order of appearance."""
        return list(dict.fromkeys(run.contender for run in self.runs))

    @property
    def faults(self) -> list[str]:
        """The faults in order of appearance."""
        return list(dict.fromkeys(run.fault for run in self.runs))

    def phase(self, contender: str, fault: str, phase: str) -> Spread | None:
        """Return the seconds from the fault to a mark."""
        return spread(
            getattr(run.marks, phase) for run in self.runs if (run.contender, run.fault) == (contender, fault)
        )

    def ratio(self, peer: str, fault: str, phase: str) -> float | None:
        """Return how many times asha's median the peer's median is."""
        return ratio(self.phase(peer, fault, phase), self.phase("asha", fault, phase))

    def figures(self) -> Mapping[str, Spread]:
        """Return asha's own figures, named as targets name them."""
        seen = {
            f"{fault}.{phase}": self.phase("asha", fault, phase) for fault in self.faults for phase in PHASES
        }
        ours = {name: figure for name, figure in seen.items() if figure is not None}
        return {**ours, **self.agent, **self.data, **self.panel, **watched_figures(self.watched)}
