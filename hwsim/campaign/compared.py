"""The events by which model and rack are compared, and what is measured of them."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Sequence


class Event(enum.Enum):
    """An event, the same in the model and on the rack; the primary serves before."""

    POWER_CUT = "the primary loses power"
    ASTERISK_KILLED = "Asterisk is killed on the primary"
    SPLIT = "both cables of the primary are out for 20 s"
    APART = "the primary boots behind cut cables, serves, they heal"

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return 20.0 if self is Event.SPLIT else 0.0

    @property
    def watched(self) -> float:
        """For how long it is watched after the heal."""
        return 40.0


class Measure(enum.Enum):
    """What is measured, in seconds."""

    GRANTED = "detected: the other node is granted service after"
    ANSWERS = "taken over: telephones are answered there after"
    TWO = "both serve after the heal for"
    SETTLED = "exactly one serves after the heal from"


Measures = dict[Measure, float]


def overlap(looks: Sequence[tuple[float, int]], healed: float) -> Measures:
    """Return how long two served after the heal, and from when on it was always one.

    Args:
        looks: At which time how many nodes served, in order.
        healed: When the cables were put back.
    """
    two = sum(after[0] - one[0] for one, after in itertools.pairwise(looks) if one[1] > 1)
    wrong = [after[0] for one, after in itertools.pairwise(looks) if one[1] != 1]
    return {Measure.TWO: two, Measure.SETTLED: max(wrong, default=healed) - healed}
