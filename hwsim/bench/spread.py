"""Least, median and most of a few measurements, and how two medians compare."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """The spread of `count` measurements, in the unit of the measurements."""

    least: float
    median: float
    most: float
    count: int

    def minus(self, part: float) -> Spread:
        """Return the spread of the same measurements, each without a fixed `part`."""
        return Spread(self.least - part, self.median - part, self.most - part, self.count)

    def rounded(self) -> dict[str, float | int]:
        """Return the values for a report: four decimals, 0.1 ms of a second."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def spread(values: Iterable[float | None]) -> Spread | None:
    """Return the spread of the values that were seen at all; None when none was."""
    seen = [value for value in values if value is not None]
    return Spread(min(seen), statistics.median(seen), max(seen), len(seen)) if seen else None


def once(value: float) -> Spread:
    """Return the spread of a single measurement."""
    return Spread(value, value, value, 1)


def ratio(other: Spread | None, ours: Spread | None) -> float | None:
    """Return how many times longer the other's median is; None where there is nothing to compare."""
    return other.median / ours.median if other and ours and ours.median > 0 else None
