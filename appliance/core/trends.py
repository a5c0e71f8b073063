"""Samples of a day, one a minute, and of a week, one in ten minutes: age of the data, answer times, place of the line.

A point of the week is the worst of its ten samples, so that nothing that stood out in the day is smoothed away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.core.answers import TrendsAnswer, WeekAnswer
from appliance.core.as_json import read_as

STEP = 60.0
KEPT = 1440
# Samples that are one point of the week, and how many such points are kept.
POOLED = 10
WEEK_KEPT = 1008


@dataclass(frozen=True, slots=True)
class Sample:
    """The sample of one minute; None stands for not known.

    `data_age` is in seconds; `probes` holds the slowest answer of each probe in milliseconds.
    """

    data_age: float | None = None
    probes: Mapping[str, float | None] = field(default_factory=dict)
    line: str | None = None


NOTHING = Sample()


class Trends:
    """A ring of samples. `end`: when the last sample was taken, in seconds since the epoch."""

    def __init__(self) -> None:
        self._ages: deque[float | None] = deque(maxlen=KEPT)
        self._lines: deque[str | None] = deque(maxlen=KEPT)
        self._probes: dict[str, deque[float | None]] = {}
        self._week = _Week()
        self.end = 0.0

    def add(self, sample: Sample, wall: float) -> None:
        """Add the sample taken at `wall` (epoch seconds).

        Minutes in which no sample was taken are filled with empty ones; a clock set back leaves no gap.
        """
        missed = round((wall - self.end) / STEP) - 1 if self._lines else 0
        for _ in range(min(missed, WEEK_KEPT * POOLED)):
            self.append(NOTHING)
        self.append(sample)
        self.end = wall

    def append(self, sample: Sample) -> None:
        """Append a sample as the next one, whenever it was taken."""
        self.append_to_day(sample)
        self._week.append(sample)

    def append_to_day(self, sample: Sample) -> None:
        """Append a sample whose point of the week is there already."""
        for name in sample.probes:
            self._probes.setdefault(name, deque([None] * len(self._lines), KEPT))
        for name, row in self._probes.items():
            row.append(sample.probes.get(name))
        self._ages.append(sample.data_age)
        self._lines.append(sample.line)

    def take_week(self, week: WeekAnswer) -> None:
        """Put `week` in the place of the points so far. Raises ValueError when its rows are not of one length."""
        self._week = _Week(week)

    def document(self) -> TrendsAnswer:
        """Return every row, oldest sample first, all rows of a day or of a week of the same length.

        Of the probes only those are included that answered within the time.
        """
        ages, lines = tuple(self._ages), tuple(self._lines)
        return TrendsAnswer(STEP, self.end, ages, _answered(self._probes), lines, self._week.document())


class _Week:
    """A ring of points, each of POOLED samples; the newest may still grow. `kept`: what it begins with."""

    def __init__(self, kept: WeekAnswer | None = None) -> None:
        kept = kept or WeekAnswer()
        if any(len(row) != len(kept.data_age) for row in kept.probes.values()):
            raise ValueError("the rows of the week are not of one length")
        self._ages: deque[float | None] = deque(kept.data_age, WEEK_KEPT)
        self._probes = {name: deque(row, WEEK_KEPT) for name, row in kept.probes.items()}
        # Without any point the next sample begins one.
        self._newest = min(max(kept.newest, 1), POOLED) if kept.data_age else POOLED

    def append(self, sample: Sample) -> None:
        for name in sample.probes:
            self._probes.setdefault(name, deque([None] * len(self._ages), WEEK_KEPT))
        if self._newest == POOLED:
            for row in (self._ages, *self._probes.values()):
                row.append(None)
            self._newest = 0
        self._newest += 1
        self._ages[-1] = _worse(self._ages[-1], sample.data_age)
        for name, row in self._probes.items():
            row[-1] = _worse(row[-1], sample.probes.get(name))

    def document(self) -> WeekAnswer:
        newest = self._newest if self._ages else 0
        return WeekAnswer(STEP * POOLED, tuple(self._ages), _answered(self._probes), newest)


def _worse(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _answered(probes: Mapping[str, deque[float | None]]) -> dict[str, tuple[float | None, ...]]:
    return {name: tuple(row) for name, row in sorted(probes.items()) if row.count(None) < len(row)}


def restore(document: object) -> Trends:
    """Return the trends in a `document` that an earlier agent wrote. Raises ValueError when it holds none.

    A document without a week, as older versions wrote it, begins the week with its day.
    """
    kept, trends = read_as(TrendsAnswer, document), Trends()
    append = trends.append if kept.week is None else trends.append_to_day
    for age, line, *probes in zip(kept.data_age, kept.line, *kept.probes.values(), strict=True):
        append(Sample(age, dict(zip(kept.probes, probes, strict=True)), line))
    if kept.week is not None:
        trends.take_week(kept.week)
    trends.end = float(kept.end)
    return trends
