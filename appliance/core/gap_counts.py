"""Counts of times by their length, day by day: how long the peer was silent, and how late this agent's own turns came.

A time is counted in a bin whose upper end is 1 % above its lower end, so that a week of them, a million, is a few
hundred numbers that keep what a tail is made of. A counted time is taken to be as long as its bin goes: never shorter
than it was.

Days are kept as they come, each a bucket, and the oldest is dropped for a new one. A clock that is set (by years,
too) begins a bucket of its own and drops nothing but that one oldest.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from appliance.core.as_json import read_as

# Seconds: what is shorter is in the first bin. The width of the others.
_SHORTEST, _WIDTH = 0.01, 1.01
# A silence of more seconds is an outage, which no deadtime is to outlast; the engine then has called the peer dead.
OUTAGE = 60.0
_BINS = math.ceil(math.log(OUTAGE / _SHORTEST) / math.log(_WIDTH)) + 1
# So many buckets are kept: a week, and some days in which there was less to count.
DAYS = 10
_DAY = 86400.0


def bin_of(seconds: float) -> int:
    """Return the number of the bin that `seconds` is counted in."""
    if seconds <= _SHORTEST:
        return 0
    return min(math.ceil(math.log(seconds / _SHORTEST) / math.log(_WIDTH)), _BINS)


def end_of(number: int) -> float:
    """Return the longest time that is counted in the bin `number`, in seconds."""
    return _SHORTEST * _WIDTH**number


@dataclass(frozen=True, slots=True)
class Counts:
    """Counted times. `bins`: how many by the number of their bin. `watched`: the seconds in which they were counted.

    `longest`: the longest, in seconds, which ended at `longest_at` (epoch seconds). `outages`: how many there were
    that were longer than `OUTAGE`, and are counted nowhere else.
    """

    bins: Mapping[str, int] = field(default_factory=dict)
    watched: float = 0.0
    longest: float = 0.0
    longest_at: float = 0.0
    outages: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """A bucket: `day` is the number of the day since the epoch, by the clock at that time."""

    day: int
    silences: Counts = field(default_factory=Counts)
    turns: Counts = field(default_factory=Counts)


@dataclass(frozen=True, slots=True)
class KeptDays:
    """The buckets as they are kept on file, oldest first."""

    days: tuple[Day, ...] = ()


class Counter:
    """Counts of one kind of time, which can be added to."""

    def __init__(self, counts: Counts | None = None) -> None:
        """Go on with `counts`. Raises ValueError when they are none that a Counter has made."""
        start = counts or Counts()
        self._bins = {int(number): count for number, count in start.bins.items()}
        if any(not 0 <= number <= _BINS or count < 1 for number, count in self._bins.items()):
            raise ValueError("it counts what cannot be counted")
        if not all(0.0 <= each < math.inf for each in (start.watched, start.longest, start.longest_at)):
            raise ValueError("it has times that cannot be")
        self._watched, self._outages = start.watched, start.outages
        self._longest, self._longest_at = start.longest, start.longest_at

    def add(self, seconds: float, watched: float, wall: float) -> None:
        """Count `seconds`, which ended at `wall` (epoch seconds); `watched` seconds have passed for it."""
        if seconds > OUTAGE:
            self._outages += 1
            return
        number = bin_of(seconds)
        self._bins[number] = self._bins.get(number, 0) + 1
        self._watched += watched
        if seconds > self._longest:
            self._longest, self._longest_at = seconds, wall

    def counts(self) -> Counts:
        """Return what was counted so far."""
        bins = {str(number): count for number, count in sorted(self._bins.items())}
        longest, watched = round(self._longest, 4), round(self._watched, 1)
        return Counts(bins, watched, longest, round(self._longest_at, 1), self._outages)


class RecentDays:
    """The last days: `silences` of the peer, and by how much this agent's `turns` were late."""

    def __init__(self) -> None:
        self._past: deque[Day] = deque(maxlen=DAYS - 1)
        self._day: int | None = None
        self._silences, self._turns = Counter(), Counter()

    def silence(self, seconds: float, wall: float) -> None:
        """Count a silence of the peer that ended at `wall` (epoch seconds)."""
        self._begin(wall)
        self._silences.add(seconds, seconds, wall)

    def turn(self, late: float, passed: float, wall: float) -> None:
        """Count a turn of this agent that came `late` seconds after it was due, and `passed` after the one before."""
        self._begin(wall)
        self._turns.add(late, passed, wall)

    def document(self) -> KeptDays:
        """Return every bucket, oldest first."""
        if self._day is None:
            return KeptDays()
        return KeptDays((*self._past, Day(self._day, self._silences.counts(), self._turns.counts())))

    def _begin(self, wall: float) -> None:
        day = int(wall // _DAY)
        if day == self._day:
            return
        if self._day is not None:
            self._past.append(Day(self._day, self._silences.counts(), self._turns.counts()))
            self._silences, self._turns = Counter(), Counter()
        self._day = day

    def take_up(self, kept: KeptDays) -> None:
        """Go on with the buckets that an earlier agent has kept. Raises ValueError when they are none."""
        for one in kept.days[:-1]:
            Counter(one.silences)
            Counter(one.turns)
        self._past.extend(kept.days[:-1])
        if kept.days:
            last = kept.days[-1]
            self._day, self._silences, self._turns = last.day, Counter(last.silences), Counter(last.turns)


def restore(document: object) -> RecentDays:
    """Return the days in a `document` that an earlier agent wrote. Raises ValueError when it holds none."""
    days = RecentDays()
    days.take_up(read_as(KeptDays, document))
    return days


def together(several: Iterable[Counts]) -> Counts:
    """Return all of `several` as one."""
    several = tuple(several)
    bins: dict[str, int] = {}
    for number, count in itertools.chain.from_iterable(each.bins.items() for each in several):
        bins[number] = bins.get(number, 0) + count
    longest = max(several, key=lambda each: each.longest, default=Counts())
    return Counts(
        bins,
        sum(each.watched for each in several),
        longest.longest,
        longest.longest_at,
        sum(each.outages for each in several),
    )


def share(counts: Counts, part: float) -> float:
    """Return the time that `part` of all counted ones exceed (0.001: one of a thousand); 0.0 when there is none."""
    left = part * sum(counts.bins.values())
    for number, count in sorted(((int(name), count) for name, count in counts.bins.items()), reverse=True):
        if count > left:
            return min(end_of(number), counts.longest)
        left -= count
    return 0.0
