"""A day of samples, one a minute: age of the data, answer times of Asterisk, place of the line."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.core.answers import TrendsAnswer
from appliance.core.as_json import read_as

STEP = 60.0
KEPT = 1440


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
        self.end = 0.0

    def add(self, sample: Sample, wall: float) -> None:
        """Add the sample taken at `wall` (epoch seconds).

        Minutes in which no sample was taken are filled with empty ones; a clock set back leaves no gap.
        """
        missed = round((wall - self.end) / STEP) - 1 if self._lines else 0
        for _ in range(min(missed, KEPT)):
            self.append(NOTHING)
        self.append(sample)
        self.end = wall

    def append(self, sample: Sample) -> None:
        """Append a sample as the next one, whenever it was taken."""
        for name in sample.probes:
            self._probes.setdefault(name, deque([None] * len(self._lines), KEPT))
        for name, row in self._probes.items():
            row.append(sample.probes.get(name))
        self._ages.append(sample.data_age)
        self._lines.append(sample.line)

    def document(self) -> TrendsAnswer:
        """Return every row, oldest sample first, all rows of the same length.

        Of the probes only those are included that answered within the day.
        """
        answered = {
            name: tuple(row) for name, row in sorted(self._probes.items()) if row.count(None) < len(row)
        }
        return TrendsAnswer(STEP, self.end, tuple(self._ages), answered, tuple(self._lines))


def restore(document: object) -> Trends:
    """Return the trends in a `document` that an earlier agent wrote. Raises ValueError when it holds none."""
    kept, trends = read_as(TrendsAnswer, document), Trends()
    for age, line, *probes in zip(kept.data_age, kept.line, *kept.probes.values(), strict=True):
        trends.append(Sample(age, dict(zip(kept.probes, probes, strict=True)), line))
    trends.end = float(kept.end)
    return trends
