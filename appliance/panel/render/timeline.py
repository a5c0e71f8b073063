"""Timeline: the last transfers of service with their milliseconds, and the journal with its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from appliance.core.journal_entry import JournalEntry
from appliance.core.journal_words import in_words
from appliance.core.transfer_history import PastTransfer

_WIDTH = 100.0
_GOALS = {"acquire": "service taken", "release": "service let go", "leave": "everything let go"}
_TONES = {"done": "good", "blocked": "bad", "unverifiable": "doubt"}


@dataclass(frozen=True, slots=True)
class Mark:
    """Phase of a transfer, which `lasted` so many seconds; None for the last one.

    `left` and `wide` place its piece of the bar, in percent.
    """

    phase: str
    lasted: float | None
    left: float
    wide: float
    note: str


@dataclass(frozen=True, slots=True)
class Move:
    """Transfer of service: `began` in epoch seconds, `took` in seconds, or None while it goes on."""

    began: float
    title: str
    reason: str
    ended: str
    tone: str
    took: float | None
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Entry of the journal, in words. `node`: which node wrote it; "" when only one node's are shown."""

    wall: float
    kind: str
    says: str
    node: str = ""


def moves(history: Iterable[PastTransfer], *, of_service: bool = False) -> tuple[Move, ...]:
    """Return the transfers, newest first.

    `of_service` leaves out the transfers whose goal is `leave`, which clear a node whose HA engine does not
    run.
    """
    return tuple(_move(past) for past in history if not (of_service and past.goal == "leave"))


def _move(past: PastTransfer) -> Move:
    whole = max([past.took or 0.0, *(phase.after for phase in past.phases)]) or 1.0
    return Move(
        began=past.began,
        title=f"{_GOALS.get(past.goal, past.goal)} on the {past.node}",
        reason=past.reason,
        ended=past.ended,
        tone=_TONES.get(past.ended, "doubt"),
        took=past.took,
        marks=tuple(_marks(past, whole)),
    )


def _marks(past: PastTransfer, whole: float) -> Iterator[Mark]:
    for phase, lasted in past.lasted():
        wide = (lasted or 0.0) / whole * _WIDTH
        yield Mark(phase.phase, lasted, phase.after / whole * _WIDTH, wide, phase.note)


def node_entries(
    journal: Iterable[tuple[str, JournalEntry]], names: Mapping[str, str]
) -> tuple[TimelineEntry, ...]:
    """Return the entries of several nodes in words, in the order in which they come.

    `names`: how a node is called here, if not by its own name.
    """
    return tuple(
        TimelineEntry(entry.wall, entry.kind, in_words(entry), names.get(node, node))
        for node, entry in journal
    )


def entries(journal: Sequence[JournalEntry]) -> tuple[TimelineEntry, ...]:
    """Return the journal in words, newest first."""
    return tuple(
        TimelineEntry(entry.wall, entry.kind, in_words(entry))
        for entry in reversed(journal)
        if entry.kind != "skipped"
    )
