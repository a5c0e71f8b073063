"""Which tries of an order the journal is to hold, when the same order fails the same way again and again.

A relay card that stays silent is told to release once a second, for as long as it is silent. Two entries for each try
would push everything else out of the journal within a night.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.transfer import Order

# So many tries are told one by one; after them one in so many seconds, with the number of those it stands for.
_TOLD = 3
_PERIOD = 60.0


@dataclass(slots=True)
class _Failing:
    """Tries of one order under one grant that have failed with the same problem.

    `tries`: how many; `untold`: how many of them the journal does not hold; `told_at`: when it was last told, in
    monotonic seconds.
    """

    reason: str
    generation: int
    problem: str
    tries: int
    untold: int
    told_at: float


class RepeatedFailures:
    """What is remembered of the last failure of each order."""

    def __init__(self) -> None:
        self._failing: dict[Order, _Failing] = {}

    def tells(self, order: Order, reason: str, generation: int, now: float) -> bool:
        """Tell whether the journal is to hold that `order` is given; if not, it may yet hold how it ended."""
        before = self._failing.get(order)
        if before is None or (before.reason, before.generation) != (reason, generation):
            self._failing.pop(order, None)
            return True
        return before.tries < _TOLD or now - before.told_at >= _PERIOD

    def ended(self, order: Order, reason: str, generation: int, problem: str, now: float) -> int:
        """Return for how many tries the entry of this end stands; 0 when the journal is not to hold it.

        Args:
            order: The order that has ended.
            reason: Why it was given.
            generation: Under which grant.
            problem: Why it failed; "" when it did not.
            now: Monotonic seconds.
        """
        before = self._failing.get(order)
        same = before is not None and before.problem == problem
        if before is None or not same:
            untold = before.untold if before is not None else 0
            self._failing.pop(order, None)
            if problem:
                self._failing[order] = _Failing(reason, generation, problem, 1, 0, now)
            return untold + 1
        before.tries += 1
        before.untold += 1
        if before.tries > _TOLD and now - before.told_at < _PERIOD:
            return 0
        told, before.untold, before.told_at = before.untold, 0, now
        return told
