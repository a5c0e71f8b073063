"""What an entry of the journal says, in words for people; a search in the journal looks in the same words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def in_words(entry: JournalEntry) -> str:
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
