"""The slope of a series, so that a few spikes do not tilt it: Theil and Sen's estimate, with its interval."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# Of more points, every so manieth is taken: the estimate looks at each pair of them.
_MOST_POINTS = 600
_95_PERCENT = 1.959964


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope per hour, and the interval in which it lies with 95 % probability, were the points independent.

    `hours`: how far apart the first and the last of the `count` points were. Points that follow each other closely are
    not independent, so the true interval is wider than that.
    """

    per_hour: float
    low: float
    high: float
    hours: float
    count: int

    @property
    def surely_grown(self) -> float:
        """By how much the series has grown over its hours at least, by the low end of the interval; 0 when not."""
        return max(0.0, self.low * self.hours)


def slope_of(points: Sequence[tuple[float, float]]) -> Slope | None:
    """Return the median of the slopes between all pairs of `points` (seconds, value); None of fewer than three.

    The interval is Sen's (1968), from the variance of Kendall's S without ties.
    """
    kept = sorted(points)[:: math.ceil(len(points) / _MOST_POINTS) or 1]
    slopes = sorted(
        3600 * (later[1] - earlier[1]) / (later[0] - earlier[0])
        for earlier, later in itertools.combinations(kept, 2)
        if later[0] > earlier[0]
    )
    count = len(kept)
    if count < 3 or not slopes:
        return None
    half = _95_PERCENT * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    first = max(0, round((len(slopes) - half) / 2) - 1)
    last = min(len(slopes) - 1, round((len(slopes) + half) / 2))
    hours = (kept[-1][0] - kept[0][0]) / 3600
    return Slope(statistics.median(slopes), slopes[first], slopes[last], hours, count)
