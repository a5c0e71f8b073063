"""Counters and histograms made from the journal: transfers, their phases, relay moves, failed orders."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.core.answers import HistogramAnswer, MetersAnswer
from appliance.core.journal_entry import DoneEntry, JournalEntry, PhaseEntry, TransferEntry
from appliance.core.transfer import FIRST, Goal, Order, Phase

# Upper bounds in seconds. The driver of a span settles for 5.0 to 5.1 s, so there is a bound on either side
# of that.
BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 5.5, 7.5, 10.0, 30.0, 60.0)
_ENDINGS = frozenset({Phase.DONE.value, Phase.BLOCKED.value, Phase.UNVERIFIABLE.value})
_RELAY = frozenset({Order.ENERGISE.name, Order.RELEASE.name})


class Histogram:
    """A histogram of durations."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0

    def take(self, seconds: float) -> None:
        """Count one duration of `seconds`."""
        place = next((number for number, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
        self._counts[place] += 1
        self._sum += seconds

    def document(self) -> HistogramAnswer:
        """Return the histogram with cumulative counts, by upper bound."""
        buckets: dict[str, int] = {}
        count = 0
        for bound, more in zip((*map("{:g}".format, BOUNDS), "+Inf"), self._counts, strict=True):
            count += more
            buckets[bound] = count
        return HistogramAnswer(buckets, round(self._sum, 4), count)


class Meters:
    """The counters since `wall` (seconds since the epoch).

    A transfer counts once for each way in which it has ended, however often it ended in that way.
    """

    def __init__(self, wall: float) -> None:
        self._since = wall
        self._transfers = {goal.value: dict.fromkeys(sorted(_ENDINGS), 0) for goal in Goal}
        self._phases: dict[str, dict[str, Histogram]] = {goal.value: {} for goal in Goal}
        self._relay = ""
        self._relay_moves = 0
        self._orders_failed = 0
        self._goal = self._phase = ""
        self._phase_at = 0.0
        self._ended: set[str] = set()

    def read_on(self, entries: Iterable[JournalEntry]) -> None:
        """Count the events in `entries` (see agent/journal.py)."""
        for entry in entries:
            match entry.detail:
                case TransferEntry(goal=goal) if goal in self._transfers:
                    self._begin(goal)
                case PhaseEntry(goal=goal, phase=phase, after=float() | int() as after):
                    self._follow(goal, phase, after)
                case DoneEntry(order=order, problem=problem, tries=tries):
                    self._done(order, problem, tries)

    def document(self, alerts: int) -> MetersAnswer:
        """Return all counters for machines to read. `alerts`: how many alerts were made."""
        return MetersAnswer(
            since=self._since,
            transfers={goal: dict(ended) for goal, ended in self._transfers.items()},
            phases={
                goal: {phase: histogram.document() for phase, histogram in phases.items()}
                for goal, phases in self._phases.items()
            },
            relay_moves=self._relay_moves,
            orders_failed=self._orders_failed,
            alerts=alerts,
        )

    def _begin(self, goal: str) -> None:
        self._goal, self._phase, self._phase_at = goal, FIRST[Goal(goal)].value, 0.0
        self._ended = set()

    def _follow(self, goal: str, phase: str, after: float) -> None:
        if goal != self._goal or phase == self._phase:
            return
        if self._phase not in _ENDINGS and Phase.DONE.value not in self._ended:
            self._phases[goal].setdefault(self._phase, Histogram()).take(after - self._phase_at)
        self._phase, self._phase_at = phase, after
        if phase in _ENDINGS and phase not in self._ended:
            self._ended.add(phase)
            self._transfers[goal][phase] += 1

    def _done(self, order: str, problem: str, tries: int) -> None:
        self._orders_failed += tries if problem else tries - 1
        if not problem and order in _RELAY:
            # The first order of an agent may only repeat what the card was told before, so it is not counted
            # as a move.
            self._relay_moves += self._relay not in ("", order)
            self._relay = order
