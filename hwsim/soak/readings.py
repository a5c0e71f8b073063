"""What is read of a process every few seconds, and which part of the readings is compared."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PROGRAMS = ("agent", "page")
FIGURES = ("memory", "descriptors", "threads", "children")
_WARM_UP = 900.0
_WARM_UP_PART = 0.25


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """A look at `program` on `side` at `at` seconds of the run.

    `life` names the process (its pid and start). `memory` is resident, of the process alone, in MB (10⁶); `children`
    are all programs that it has started and that run. `quiet`: the pair was at home and no fault under way.
    """

    at: float
    program: str
    side: str
    life: str
    memory: float
    descriptors: int
    threads: int
    children: int
    quiet: bool

    def figure(self, name: str) -> float:
        """Return one of FIGURES."""
        return float(getattr(self, name))


@dataclass(frozen=True, slots=True)
class Compared:
    """The first and the last quarter's median of a figure, over `count` readings, and its greatest of all."""

    first: float
    last: float
    peak: float
    count: int

    @property
    def grown(self) -> float:
        """By how much the last quarter's median is above the first's."""
        return self.last - self.first


def warm_up(seconds: float) -> float:
    """Return how many seconds of a run, or of a process's life, are not compared: a quarter, 15 minutes at most."""
    return min(_WARM_UP, _WARM_UP_PART * seconds)


def of_one(
    readings: Sequence[ProcessReading], program: str, side: str, seconds: float
) -> list[ProcessReading]:
    """Return the readings that are compared: the quiet ones, warmed up, of the process that was read most often.

    Only readings of the same state are comparable, and only those of one process show what it has grown by. `seconds`
    is how long the run was to last.
    """
    lives: dict[str, list[ProcessReading]] = defaultdict(list)
    for one in readings:
        if (one.program, one.side) == (program, side):
            lives[one.life].append(one)
    longest = max(lives.values(), key=len, default=[])
    return [one for one in longest if one.quiet and one.at - longest[0].at >= warm_up(seconds)]


def compared(chosen: Sequence[ProcessReading], name: str, every: Sequence[ProcessReading]) -> Compared | None:
    """Return how the figure `name` of `chosen` (as `of_one` gives) has gone; None of fewer than four readings.

    The peak is that of `every` reading of the process, also within faults.
    """
    if len(chosen) < 4:
        return None
    values = [one.figure(name) for one in chosen]
    part = max(1, len(values) // 4)
    same = [one for one in every if _same(one, chosen[0])]
    peak = max(one.figure(name) for one in same or chosen)
    return Compared(statistics.median(values[:part]), statistics.median(values[-part:]), peak, len(values))


def points(
    chosen: Sequence[ProcessReading], figure: Callable[[ProcessReading], float]
) -> list[tuple[float, float]]:
    """Return (seconds, value) of each reading."""
    return [(one.at, figure(one)) for one in chosen]


def _same(one: ProcessReading, other: ProcessReading) -> bool:
    return (one.program, one.side, one.life) == (other.program, other.side, other.life)
