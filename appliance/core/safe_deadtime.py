"""Which HADEADTIME is safe: so long that a living peer is taken for dead less than once in ten years.

**What is counted.** The agents of the two nodes speak to each other over the engine's own links at least once a
second. How long each was silent to the other is counted (`core/gap_counts.py`). While nothing of the engine's arrives
nothing of the agent's does, so a silence of the agent is an upper bound of the engine's; one keepalive is added for
the ticks at which the engine acts. It is a careful bound: an agent speaks less often than the engine beats, and has
no real-time priority.

**How the rare ones follow from it.** Nobody has watched for ten years. Of the `n` longest silences that were counted
the excess over the shortest of them is taken to be exponentially distributed, as the waiting times of queues are. Its
mean is taken at the upper end of the one-sided 95 % confidence interval (2 n times estimate / true value has a
chi-squared distribution of 2 n degrees of freedom), and the silence that is exceeded once in the time `T` is then
`shortest + mean * ln(n * T / watched)`. This is done for `n` from 10 to 1,000, and the longest of the results counts:
where the tail is heavier than an exponential one, the few longest are far out, and decide. One long silence among a
million short ones is so given a tenth of the weight, and is not averaged away. `T` is twenty years, because each of
the two nodes may take the other one for dead.

It rests on the week that was watched: what happens once a month (a snapshot of every machine, an inspection of an
array) is in it or not. Therefore nothing is said before a week of hours has been watched.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from appliance.core.gap_counts import Counter, Counts, end_of
from appliance.core.host_check.machine import PAUSE

NEEDED_HOURS = 168.0
"""Hours in which the other node must have been heard before anything is concluded."""
_YEAR = 365.25 * 86400.0
_ONCE_IN = 2 * 10 * _YEAR  # seconds: each of two nodes may be wrong
_LONGEST_OF = (10, 20, 50, 100, 200, 500, 1000)
_ONE_SIDED_95 = 1.6449  # of the normal distribution
LONGEST = 30.0
"""Seconds: a longer HADEADTIME is not recommended; what makes it necessary is to be found and ended."""
_STEP = 0.1  # seconds: the recommendation is a multiple of it


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """What one node knows; times are in seconds.

    `silences` are the other node's, `turns` its own lateness. `engine`: the title of its engine, `least`: the shortest
    HADEADTIME with which that works on a busy machine. `virtual`: what kind of machine it is, a phrase such as "a
    virtual machine (KVM)"; "" for a real one.
    """

    node: str
    name: str
    engine: str
    deadtime: float
    keepalive: float
    least: float = 0.0
    virtual: str = ""
    silences: Counts = field(default_factory=Counts)
    turns: Counts = field(default_factory=Counts)

    @property
    def hours(self) -> float:
        """For how many hours it has heard the other node."""
        return self.silences.watched / 3600.0


@dataclass(frozen=True, slots=True)
class LeastDeadtime:
    """What HADEADTIME must be at least, in seconds, and why."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`seconds`: the shortest HADEADTIME that is safe, None when none can be named; `says`: that, or why not.

    `bounds`: what it follows from; the largest counts.
    """

    seconds: float | None
    says: str
    bounds: tuple[LeastDeadtime, ...] = ()


def checked(figures: NodeFigures) -> NodeFigures:
    """Return `figures` that came from elsewhere. Raises ValueError when no agent can have counted them."""
    Counter(figures.silences)
    Counter(figures.turns)
    times = (figures.deadtime, figures.keepalive)
    if not (all(0.0 < each < math.inf for each in times) and 0.0 <= figures.least < math.inf):
        raise ValueError("it has times that cannot be")
    return figures


def safe_silence(counts: Counts) -> float:
    """Return the silence, in seconds, that is exceeded less than once in twenty years, with 95 % confidence.

    0.0 where nothing was counted. Never less than the longest that was seen.
    """
    return max((counts.longest, *_levels(counts)), default=0.0)


def recommend(figures: Sequence[NodeFigures]) -> Recommendation:
    """Return the HADEADTIME for a pair.

    `figures`: those of this node first, then those of the other one; its own alone where the other does not answer.
    """
    bounds = tuple(_bounds(figures))
    short = [one for one in figures if one.hours < NEEDED_HOURS]
    if short:
        hours = ", ".join(f"{one.hours:.0f} hours of {NEEDED_HOURS:.0f} on {one.name}" for one in short)
        return Recommendation(None, f"not enough data yet: {hours}", bounds)
    if len(figures) < 2:
        return Recommendation(
            None, "the other node's figures are missing, and HADEADTIME is that of both", bounds
        )
    largest = max(bounds, key=lambda one: one.seconds)
    if largest.seconds > LONGEST:
        return Recommendation(
            None,
            f"no HADEADTIME up to {LONGEST:g} s is known to be safe: {largest.why}. Find what silences a node for so "
            "long, and end it",
            bounds,
        )
    seconds = round(math.ceil(round(largest.seconds / _STEP, 6)) * _STEP, 1)
    return Recommendation(seconds, f"{seconds:g} s is safe: {largest.why}", bounds)


def _bounds(figures: Sequence[NodeFigures]) -> Iterator[LeastDeadtime]:
    for one in figures:
        level = safe_silence(one.silences)
        yield LeastDeadtime(
            round(level + one.keepalive, 3),
            f"{one.name} hears a silence of more than {level:.2f} s less than once in twenty years (the longest so far "
            f"was {one.silences.longest:.2f} s), and HAKEEPALIVE of {one.keepalive:g} s is added",
        )
        if one.virtual:
            yield LeastDeadtime(
                PAUSE,
                f"{one.name} is {one.virtual}, which a snapshot or a migration may pause for {PAUSE:g} s, in this "
                "week or in another",
            )
    keepalive = max(one.keepalive for one in figures)
    yield LeastDeadtime(3 * keepalive, f"three times HAKEEPALIVE ({keepalive:g} s)")
    least = max(figures, key=lambda one: one.least)
    if least.least:
        yield LeastDeadtime(least.least, f"{least.engine} needs {least.least:g} s on a busy machine")


def _levels(counts: Counts) -> Iterator[float]:
    """Yield the silence that is exceeded once in `_ONCE_IN`, by the longest 10, 20, ... silences."""
    if not counts.watched:
        return
    lengths = _longest_first(counts)
    taken, total, shortest = 0, 0.0, 0
    for wanted in _LONGEST_OF:
        for number in itertools.islice(lengths, wanted - taken):
            taken, total, shortest = taken + 1, total + end_of(number), number
        if taken < wanted:
            return
        mean = _upper(total / taken - end_of(shortest - 1), taken)
        yield end_of(shortest) + mean * math.log(max(1.0, taken * _ONCE_IN / counts.watched))


def _longest_first(counts: Counts) -> Iterator[int]:
    """Yield the bin of every silence that was counted."""
    bins = sorted(((int(name), count) for name, count in counts.bins.items()), reverse=True)
    for number, count in bins:
        yield from itertools.repeat(number, count)


def _upper(estimate: float, number: int) -> float:
    """Return the upper end of the one-sided 95 % confidence interval of a mean excess, estimated from `number`.

    The quantile of the chi-squared distribution is that of Wilson and Hilferty.
    """
    freedom = 2.0 * number
    spread = 2.0 / (9.0 * freedom)
    quantile = freedom * (1.0 - spread - _ONE_SIDED_95 * math.sqrt(spread)) ** 3
    return estimate * freedom / quantile
