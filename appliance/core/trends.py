"""A day in samples, one a minute: how old the data were, how slowly Asterisk answered, where the line was."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

STEP = 60.0
KEPT = 1440


@dataclass(frozen=True, slots=True)
class Sample:
    """One minute. `data_age` in seconds; `probes`: the slowest answer of each in milliseconds; None: not known."""

    data_age: float | None = None
    probes: Mapping[str, float | None] = field(default_factory=dict)
    line: str | None = None


NOTHING = Sample()


class Trends:
    """A ring of samples. `end`: when the last was taken, in seconds since the epoch."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self.end = 0.0

    def add(self, sample: Sample, wall: float) -> None:
        """The sample taken at `wall`. Minutes in which nobody looked are left empty; a clock set back leaves none."""
        missed = round((wall - self.end) / STEP) - 1 if self._samples else 0
        self._samples.extend(NOTHING for _ in range(min(max(missed, 0), KEPT)))
        self._samples.append(sample)
        self.end = wall

    def document(self) -> dict[str, Any]:
        """Every row oldest first, all of the same length."""
        names = sorted({name for sample in self._samples for name in sample.probes})
        return {
            "step": STEP,
            "end": self.end,
            "data_age": [sample.data_age for sample in self._samples],
            "probes": {name: [sample.probes.get(name) for sample in self._samples] for name in names},
            "line": [sample.line for sample in self._samples],
        }


def restore(document: Any) -> Trends:
    """The trends of a `document` from another life. Raises ValueError when it is no such thing."""
    try:
        trends = Trends()
        trends._samples.extend(_rows(document))
        trends.end = float(document["end"])
    except (KeyError, TypeError, AttributeError):
        raise ValueError("it holds no trends") from None
    return trends


def _rows(document: Mapping[str, Any]) -> Iterator[Sample]:
    names = list(document["probes"])
    columns = [document["probes"][name] for name in names]
    for age, line, *probes in zip(document["data_age"], document["line"], *columns, strict=True):
        row = {name: _number(value) for name, value in zip(names, probes, strict=True)}
        yield Sample(_number(age), row, None if line is None else str(line))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
