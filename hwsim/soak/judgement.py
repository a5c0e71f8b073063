"""What a soak must keep to, with the reason of each bound, and whether it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from hwsim.soak.explained import Unexplained
from hwsim.soak.readings import FIGURES, PROGRAMS, Compared, ProcessReading, compared, of_one, points
from hwsim.soak.slope import Slope, slope_of

SIDES = ("primary", "secondary")
# A leak of 1 MB an hour takes 0.7 GB in a month: a server of 1 GB would be short of memory between two updates.
MB_PER_HOUR = 1.0
# The interpreter takes memory from the system in arenas of 1 MB: one more of them is no leak, however short the time.
ARENA = 1.0
# Over fewer hours memory is shown and not judged: what a process takes at the first use of each of its parts is no
# leak, and minutes cannot tell the two apart. In the first five minutes of a life, under faults, agents took 1 to 6 MB
# and pages 2 MB.
JUDGED_FROM = 0.5
# By how much the last quarter's median may be above the first's. A median lies between what comes and goes, such as a
# connection, a worker thread or an rsync that is looked at in passing; two hours of a leak at each fault would be tens.
GROWTH: Mapping[str, float] = MappingProxyType({"descriptors": 3.0, "threads": 2.0, "children": 1.0})


@dataclass(slots=True)
class Soaked:
    """One engine's run: what was seen of it so far.

    `planned` and `lasted` are seconds. `left`: messages that were stored whole; `uneven`: what is missing or doubled of
    them, in sentences, None when they were not counted. `violations`: what the campaign's observer found, and
    journals that do not hold. `load`: the machine's highest load average of a minute meanwhile. `stopped`: why it ended
    before its time, such as a round that did not end at home; "" when it did not.
    """

    engine: str
    planned: float
    lasted: float = 0.0
    rounds: int = 0
    blows: int = 0
    left: int = 0
    load: float = 0.0
    uneven: list[str] | None = None
    readings: list[ProcessReading] = field(default_factory=list)
    unexplained: list[Unexplained] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """One bound: `what` was looked at, what was `seen`, what was `wanted`. `ok` is None when nothing could be said."""

    what: str
    seen: str
    wanted: str
    ok: bool | None


@dataclass(frozen=True, slots=True)
class Grown:
    """How one program on one side has grown: None where too little was read."""

    program: str
    side: str
    memory: Slope | None
    figures: Mapping[str, Compared | None]


def growth(run: Soaked) -> Iterator[Grown]:
    """Yield how each program has grown on each side."""
    for program in PROGRAMS:
        for side in SIDES:
            chosen = of_one(run.readings, program, side, run.planned)
            slope = slope_of(points(chosen, lambda one: one.memory))
            figures = {name: compared(chosen, name, run.readings) for name in FIGURES}
            yield Grown(program, side, slope, figures)


def memory_holds(slope: Slope) -> bool | None:
    """Tell whether a program's memory is within its bound: what it has surely grown by is no leak.

    None over too short a time.
    """
    if slope.hours < JUDGED_FROM:
        return None
    return slope.surely_grown <= max(MB_PER_HOUR * slope.hours, ARENA)


def judge(run: Soaked) -> list[Held]:
    """Return every bound with what was seen."""
    held = [one for grown in growth(run) for one in _of_growth(grown)]
    counted = run.uneven is not None
    lost = "not counted" if run.uneven is None else "; ".join(run.uneven) or f"0 of {run.left}"
    return [
        *held,
        Held("lost or doubled messages", lost, "0", not run.uneven if counted else None),
        Held("unexplained entries and alerts", str(len(run.unexplained)), "0", not run.unexplained),
        Held("violations of the observer's rules", str(len(run.violations)), "0", not run.violations),
        Held("played to its end", run.stopped or "yes", "yes", not run.stopped),
    ]


def right(runs: Sequence[Soaked]) -> bool:
    """Tell whether every run has kept to every bound of which something could be said, and there was one."""
    return bool(runs) and all(held.ok is not False for run in runs for held in judge(run))


def _of_growth(grown: Grown) -> Iterator[Held]:
    who, slope = f"{grown.program} on the {grown.side}", grown.memory
    wanted = f"surely no more than {MB_PER_HOUR:g} MB/h, judged from {60 * JUDGED_FROM:g} min on"
    if slope is None:
        yield Held(f"memory of the {who}", "too few readings", wanted, ok=None)
    else:
        over = f"over {60 * slope.hours:.0f} min"
        seen = f"{slope.per_hour:+.2f} MB/h ({slope.low:+.2f} to {slope.high:+.2f}) {over}"
        yield Held(f"memory of the {who}", seen, wanted, memory_holds(slope))
    for name, most in GROWTH.items():
        figure, what, bound = grown.figures[name], f"{name} of the {who}", f"no more than {most:g} more"
        if figure is None:
            yield Held(what, "too few readings", bound, ok=None)
        else:
            seen = f"{figure.first:g} → {figure.last:g}, at most {figure.peak:g}"
            yield Held(what, seen, bound, figure.grown <= most)
