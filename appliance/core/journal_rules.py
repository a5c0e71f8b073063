"""The hash chain of the journal.

Each entry carries the hash of the entry before it, so that no entry can be changed or lost unnoticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from appliance.core.journal_entry import DecisionEntry, GrantEntry, JournalEntry, OrderEntry
from appliance.core.model import Node, Relay

Entry: TypeAlias = Mapping[str, object]

START = "0" * 64


# The key that marks the first entry behind a spoilt stretch, at which the chain restarts.
AFTER_SPOILT = "after_spoilt"


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place at which the chain does not hold: the line number, from 1, and the reason."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """The result of following the whole chain.

    `named`: the lines at which the writer itself found the part before spoilt (by a crash or a full disk),
    said so, and restarted the chain. `broken`: the first spoilt place that no writer has named; there
    somebody has changed the journal. `unfinished`: how many bytes stand behind the last end of line; they are no entry,
    and the next one takes their place.
    """

    broken: Broken | None
    named: tuple[int, ...] = ()
    unfinished: int = 0


def digest(previous: str, entry: Entry) -> str:
    """Return the hash of `entry` (without its own `hash`) after `previous`: SHA-256 as 64 hex digits."""
    body = {key: value for key, value in entry.items() if key != "hash"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


def link(previous: str, entry: Entry) -> dict[str, object]:
    """Return `entry` with its `prev` and `hash`, ready to be appended."""
    linked = {**entry, "prev": previous}
    return {**linked, "hash": digest(previous, linked)}


def verify(lines: Iterable[str], first: str | None = None) -> Broken | None:
    """Return the first break of the chain, or None when every line follows from the one before.

    `first` is the expected `prev` of the first line, if it is known.
    """
    return look_through(lines, first).broken


def look_through(lines: Iterable[str], first: str | None = None) -> ChainCheck:
    """Follow the chain through `lines`; `first` is the expected `prev` of the first line, if it is known."""
    previous = first
    spoilt: Broken | None = None
    named: list[int] = []
    for number, line in enumerate(lines, 1):
        entry = _entry(line)
        if isinstance(entry, str):
            spoilt = spoilt or Broken(number, entry)
            continue
        if spoilt is not None or AFTER_SPOILT in entry:
            if AFTER_SPOILT not in entry or entry.get("prev") != START:
                return ChainCheck(spoilt or Broken(number, _MISSING), tuple(named))
            named.append(number)
            spoilt, previous = None, START
        if previous is not None and entry.get("prev") != previous:
            return ChainCheck(Broken(number, _MISSING), tuple(named))
        if entry.get("hash") != digest(str(entry.get("prev")), entry):
            return ChainCheck(Broken(number, "it was changed after it was written"), tuple(named))
        previous = str(entry["hash"])
    return ChainCheck(spoilt, tuple(named))


_MISSING = "an entry before it is missing or was changed"


def _entry(line: str) -> dict[str, object] | str:
    """Return the entry on `line`, or the reason why the line holds none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return "not a whole entry"
    if not isinstance(entry, dict):
        return "not an entry"
    return entry if "hash" in entry else "it was changed after it was written"


# Invariants that must hold in every run, checked on journals of real runs and on simulated worlds.


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold: its name, the time, and what was seen."""

    rule: str
    at: float
    seen: str


@dataclass(frozen=True, slots=True)
class Moment:
    """The true state of the pair at one time, as an outside observer sees it."""

    at: float
    relay: Relay
    granted: Mapping[Node, bool]
    claims_line: Mapping[Node, bool]  # the node reports the line in service


def two_owners(moments: Iterable[Moment], grace: float = 1.0) -> Iterator[Violation]:
    """Yield the moments at which the line has a wrong owner.

    Both nodes must never claim the line at the same time, and a node to which the relay does not lead must
    not claim it for more than `grace` seconds: so long a node may need to notice that the line has left.
    """
    wrong_since: float | None = None
    for moment in moments:
        owners = [node for node, claims in moment.claims_line.items() if claims]
        if len(owners) > 1:
            yield Violation("never two owners of the line", moment.at, "both nodes claim it")
        if not any(node is not _leads_to(moment.relay) for node in owners):
            wrong_since = None
            continue
        wrong_since = moment.at if wrong_since is None else wrong_since
        if moment.at - wrong_since > grace:
            said = f"{owners[0].value} claims it, the relay is {moment.relay.value} since {wrong_since:.2f}"
            yield Violation("only the owner claims the line", moment.at, said)


def _leads_to(relay: Relay) -> Node:
    return Node.PRIMARY if relay is Relay.ENERGISED else Node.SECONDARY


def energised_without_grant(moments: Sequence[Moment], grace: float) -> Iterator[Violation]:
    """Yield the moments at which the relay is energised without a grant of the primary.

    `grace` seconds are allowed for releasing the relay after the grant has ended.
    """
    bare_since: float | None = None
    for moment in moments:
        bare = moment.relay is Relay.ENERGISED and not moment.granted[Node.PRIMARY]
        if not bare:
            bare_since = None
            continue
        bare_since = moment.at if bare_since is None else bare_since
        if moment.at - bare_since > grace:
            yield Violation("energised only under a grant", moment.at, f"without one since {bare_since:.2f}")


def audit_journal(entries: Iterable[JournalEntry]) -> Iterator[Violation]:
    """Yield the violations in the journal of one node.

    The journal may span agent restarts and hold entries of the resource script. Every relay order has a
    reason and a generation; the generation never falls; the relay is energised only while a grant is held; no
    decision to act rests on Unknown readings alone.
    """
    held = False
    generation = 0
    for entry in entries:
        at, detail = entry.at, entry.detail
        number = generation if entry.generation is None else entry.generation
        if number < generation:
            yield Violation("the generation never falls", at, f"{number} after {generation}")
        generation = max(generation, number)
        if isinstance(detail, GrantEntry):
            held = detail.held
        elif isinstance(detail, OrderEntry):
            yield from _audit_order(entry, detail, held)
        elif isinstance(detail, DecisionEntry) and detail.act != "stay" and not detail.evidence:
            yield Violation("Unknown alone moves nothing", at, detail.reason)


def _audit_order(entry: JournalEntry, given: OrderEntry, held: bool) -> Iterator[Violation]:
    order, at = given.order, entry.at
    if not given.reason:
        yield Violation("every order has a reason", at, order)
    if entry.generation is None:
        yield Violation("every order has a generation", at, order)
    if order == "ENERGISE" and not held:
        yield Violation("energised only under a grant", at, "ENERGISE while no grant was held")
