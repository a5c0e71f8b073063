"""Timeline: the last transfers of service with their milliseconds, and the journal with its reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.core.journal_entry import (
    DecisionEntry,
    DoneEntry,
    GrantEntry,
    JournalEntry,
    OrderEntry,
    PeerEntry,
    PhaseEntry,
    RoleEntry,
    TransferEntry,
    WishEntry,
)
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
    """Entry of the journal, in words."""

    wall: float
    kind: str
    says: str


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


def entries(journal: Sequence[JournalEntry]) -> tuple[TimelineEntry, ...]:
    """Return the journal in words, newest first."""
    return tuple(
        TimelineEntry(entry.wall, entry.kind, _said(entry))
        for entry in reversed(journal)
        if entry.kind != "skipped"
    )


def _said(entry: JournalEntry) -> str:
    """Return an entry in words.

    An entry written by another version of asha may lack fields that this version writes: its fields are then shown
    as they are.
    """
    detail = entry.detail
    words = _WORDS.get(type(detail))
    return (words(detail) if words is not None else "") or _rest(entry)


def _phase(entry: PhaseEntry) -> str:
    if entry.after is None:
        return ""
    note = f": {entry.note}" if entry.note else ""
    return f"{entry.goal} {entry.phase} after {entry.after * 1000:.0f} ms{note}"


def _wish(entry: WishEntry) -> str:
    refused = "" if entry.allowed else f" refused: {entry.says}"
    return entry.wish and f"{entry.wish}{refused}, by {entry.by or 'somebody'}"


def _order(entry: OrderEntry) -> str:
    return entry.order and f"{_plain(entry.order)}: {entry.reason}"


def _done(entry: DoneEntry) -> str:
    if entry.ms is None and not entry.problem:
        return ""
    return f"{_plain(entry.order)}: {entry.problem or f'{entry.ms} ms'}"


def _plain(order: str) -> str:
    return order.lower().replace("_", " ")


def _grant(entry: GrantEntry) -> str:
    held = "held" if entry.held else "not held"
    return entry.verdict and f"{held} ({entry.verdict}): {entry.reason}"


def _peer(entry: PeerEntry) -> str:
    return {True: "the other node is there", False: "the other node is gone", None: ""}[entry.alive]


# The words for the kinds of entries that are not shown as they are; "" when what they would need is missing.
_WORDS: Mapping[type, Callable[[Any], str]] = {
    RoleEntry: lambda entry: entry.role and f"{entry.role} ({entry.event})",
    TransferEntry: lambda entry: entry.goal and f"{entry.goal}: {entry.reason}",
    PhaseEntry: _phase,
    OrderEntry: _order,
    DoneEntry: _done,
    WishEntry: _wish,
    GrantEntry: _grant,
    DecisionEntry: lambda entry: entry.act and f"{entry.act}: {entry.reason}",
    PeerEntry: _peer,
}
_KNOWN = frozenset({"number", "at", "wall", "kind", "hash", "prev", "generation"})


def _rest(entry: JournalEntry) -> str:
    words = [
        f"{name} {value}"
        for name, value in entry.fields.items()
        if name not in _KNOWN and value not in ("", None)
    ]
    return entry.says if entry.says and len(words) == 1 else ", ".join(words)
