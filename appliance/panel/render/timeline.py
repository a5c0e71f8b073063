"""Timeline: the last transfers of service with their milliseconds, and the journal with its reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
_WIDTH = 100.0
_GOALS = {"acquire": "service taken", "release": "service let go", "leave": "everything let go"}
_TONES = {"done": "good", "blocked": "bad", "unverifiable": "doubt"}


@dataclass(frozen=True, slots=True)
class Mark:
    """Phase of a transfer, reached `after` seconds.

    `left` and `wide` place the piece of the bar before the phase, in percent.
    """

    phase: str
    after: float
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


def moves(history: Iterable[Document], *, of_service: bool = False) -> tuple[Move, ...]:
    """Return the transfers, newest first.

    `of_service` leaves out the transfers whose goal is `leave`, which clear a node whose HA engine does not
    run.
    """
    return tuple(_move(document) for document in history if not (of_service and document["goal"] == "leave"))


def _move(document: Document) -> Move:
    phases = document["phases"]
    took = document["took"]
    whole = max([took or 0.0, *(phase["after"] for phase in phases)]) or 1.0
    return Move(
        began=document["began"],
        title=f"{_GOALS.get(document['goal'], document['goal'])} on the {document['node']}",
        reason=document["reason"],
        ended=document["ended"],
        tone=_TONES.get(document["ended"], "doubt"),
        took=took,
        marks=tuple(_marks(phases, whole)),
    )


def _marks(phases: Sequence[Document], whole: float) -> Iterable[Mark]:
    before = 0.0
    for phase in phases:
        after = phase["after"]
        wide = max(0.0, after - before) / whole * _WIDTH
        yield Mark(phase["phase"], after, before / whole * _WIDTH, wide, phase["note"])
        before = after


def entries(journal: Sequence[Document]) -> tuple[TimelineEntry, ...]:
    """Return the journal in words, newest first."""
    return tuple(
        TimelineEntry(float(entry.get("wall", 0.0)), str(entry.get("kind", "?")), _said(entry))
        for entry in reversed(journal)
        if entry.get("kind") != "skipped"
    )


def _said(entry: Document) -> str:
    """Return an entry in words.

    An entry written by another version of asha may lack fields that this version writes.
    """
    try:
        return _WORDS.get(str(entry["kind"]), _rest)(entry)
    except (LookupError, TypeError):
        return _rest(entry)


def _phase(entry: Document) -> str:
    note = f": {entry['note']}" if entry["note"] else ""
    return f"{entry['goal']} {entry['phase']} after {entry['after'] * 1000:.0f} ms{note}"


def _wish(entry: Document) -> str:
    refused = "" if entry["allowed"] else f" refused: {entry['says']}"
    return f"{entry['wish']}{refused}, by {entry['by'] or 'somebody'}"


def _order(entry: Document) -> str:
    return str(entry["order"]).lower().replace("_", " ")


_WORDS: Mapping[str, Callable[[Document], str]] = {
    "role": lambda entry: f"{entry['role']} ({entry['event']})",
    "transfer": lambda entry: f"{entry['goal']}: {entry['reason']}",
    "phase": _phase,
    "order": lambda entry: f"{_order(entry)}: {entry['reason']}",
    "done": lambda entry: f"{_order(entry)}: {entry['problem'] or str(entry['ms']) + ' ms'}",
    "wish": _wish,
    "grant": lambda entry: (
        f"{'held' if entry['held'] else 'not held'} ({entry['verdict']}): {entry['reason']}"
    ),
    "decision": lambda entry: f"{entry['act']}: {entry['reason']}",
    "peer": lambda entry: "the peer is there" if entry["alive"] else "the peer is gone",
}
_KNOWN = frozenset({"number", "at", "wall", "kind", "hash", "prev", "generation"})


def _rest(entry: Document) -> str:
    words = [
        f"{name} {value}" for name, value in entry.items() if name not in _KNOWN and value not in ("", None)
    ]
    says = str(entry.get("says", ""))
    return says if says and len(words) == 1 else ", ".join(words)
