"""The limit on moves of service: what flaps waits longer each time, and in the end for a person.

A fault that comes and goes on both nodes would have service move for ever, each time with a gap and lost calls. Three
things hold it up, from the weakest to the strongest:

- MOVEDWELL, which doubles with each recent hand-over that no person has acknowledged (`core/decide.py`).
- A node that got service back and lost it again waits longer before it asks for it by itself (`failback_wait`): what
  has just come back is trusted later each time.
- MOVELIMIT: after so many moves within an hour, service moves by itself only when the node that has it cannot serve at
  all. That ends when a person has looked and says so ('asha cleanup', as Pacemaker's `crm_resource --cleanup` after
  migration-threshold), or has service moved by hand, or when the moves are an hour old (its failure-timeout).

A node counts what it knows itself: each time service left it by its own decision, and each time it came. Of two nodes
between which service goes back and forth, each counts all moves but those that a crash of its own has begun. The
journal keeps the count over a restart of the agent or the node.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.core.engine_traits import ENGINE
from appliance.core.journal_entry import DecisionEntry, JournalEntry, TransferEntry
from appliance.core.transfer import Goal

# Moves are counted over so many seconds, and so long a wait for the way back lasts at the most.
WINDOW = 3600.0
# The wait for the way back grows by this factor with each time that service came here within the window.
_GROWTH = 4.0
# What a person has asked for comes within so many seconds, and counts no more than the moves before it: Pacemaker only
# notes the wish, and moves service seconds later when a node has just joined (docs/facts/pacemaker.md).
_BY_HAND = 10.0
# What the journal says of a grant by the engine, of a decision to give service up, and of an acknowledgement.
GRANTED = f"granted by {ENGINE}"
_GRANTED_BY = "granted by "  # any engine: the pair may have had another one then
HANDED_OVER = "hand over"
CLEANUP = "cleanup"
KINDS = frozenset({"transfer", "decision", CLEANUP})


@dataclass(frozen=True, slots=True)
class MoveRecord:
    """When service left this node by its decision, when it came here, and when a person acknowledged that.

    Times are monotonic seconds, oldest first; those of an earlier life of the node may be negative.
    """

    left: tuple[float, ...] = ()
    came: tuple[float, ...] = ()
    acknowledged_at: float = float("-inf")

    def count(self, now: float) -> int:
        """Return the number of moves within the last hour that nobody has acknowledged."""
        return len(self._recent(self.left, now)) + len(self._recent(self.came, now))

    def hand_overs(self) -> tuple[float, ...]:
        """Return when service left this node by its decision since a person last acknowledged the moves.

        What has been acknowledged holds up nothing: after a takeover by hand a first fault moves service at once.
        """
        return tuple(at for at in self.left if at > self.acknowledged_at)

    def failback_wait(self, wait: float, now: float) -> float:
        """Return for how many seconds this node must be fit before it asks for service; `wait` is FAILBACKWAIT."""
        came = len(self._recent(self.came, now))
        return max(wait, min(wait * _GROWTH ** max(0, came - 1), WINDOW))

    def _recent(self, times: tuple[float, ...], now: float) -> list[float]:
        return [at for at in times if now - at < WINDOW and at > self.acknowledged_at + _BY_HAND]


NO_MOVES = MoveRecord()


def reached(limit: int, count: int) -> bool:
    """Tell whether `count` moves are as many as `limit` (MOVELIMIT; 0: no limit) allows."""
    return 0 < limit <= count


def says(limit: int, count: int) -> str:
    """Return what people are told of a limit that is reached; "" when it is not."""
    if not reached(limit, count):
        return ""
    return (
        f"service has moved {count} times within an hour (MOVELIMIT is {limit}): it now moves automatically only when "
        "the node that has it cannot serve at all, until 'asha cleanup' says that somebody has looked, or until the "
        "moves are an hour old"
    )


def remembered(newest_first: Iterable[JournalEntry], wall: float, now: float) -> MoveRecord:
    """Return the moves that the journal knows of, for an agent that starts.

    Args:
        newest_first: Its entries of `KINDS`.
        wall: The time of day, in seconds since the epoch; an entry from the future is not believed.
        now: Monotonic seconds.
    """
    left, came, acknowledged = [], [], [float("-inf")]
    for entry in newest_first:
        age = wall - entry.wall
        if age >= WINDOW:
            break
        if age < 0:
            continue
        match entry.detail:
            case TransferEntry(Goal.ACQUIRE.value, reason) if reason.startswith(_GRANTED_BY):
                came.append(now - age)
            case DecisionEntry(act) if act == HANDED_OVER:
                left.append(now - age)
        if entry.kind == CLEANUP:
            acknowledged.append(now - age)
    return MoveRecord(tuple(reversed(left)), tuple(reversed(came)), max(acknowledged))
