"""An entry of the journal as a value, and what the entries of each kind say.

On disk and on the wire an entry is one JSON object. `JournalEntry` keeps that object as it is, because the hash
chain and the display need every field of it, also those of another version of asha. Whoever wants to know what an
entry says reads the attributes that all entries share, or `detail`, which is a class of its own for each kind that
some part of asha understands.

The journal is read most often when something went wrong. Reading an entry therefore never raises: a field that is
missing or has the wrong type reads as its default, and an entry of a kind that is not listed in `DETAILS` has no
detail.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from appliance.core.text import printable

# No counter, generation or number of seconds that asha writes is as large; a larger one is spoilt.
_MOST = 2**53
# The last time of day that is taken for one, in seconds since the epoch: about the year 5000.
_LAST_WALL = 1e11


# These fields of an entry are shown first and in this order, by value; the other fields follow as name=value.
_FIRST = ("act", "order", "goal", "phase", "role", "wish", "verdict", "held")
_HIDDEN = frozenset({"at", "wall", "kind", "hash", "prev", "number", "evidence"})
# What systemd's journal has in its own way.
_CLOCKS = frozenset({"at", "wall", "number"})
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TransferEntry:
    """The kind `transfer`: a transfer with this goal has begun.

    `channels`: how many Asterisk had in calls, as counted `channels_ago` seconds before; None when that is not known.
    """

    goal: str = ""
    reason: str = ""
    channels: int | None = None
    channels_ago: float | None = None


@dataclass(frozen=True, slots=True)
class PhaseEntry:
    """The kind `phase`: a transfer has reached a phase, `after` so many seconds (None when the script wrote it).

    `line_free`: whether the line was let go; only the resource script says it.
    """

    goal: str = ""
    phase: str = ""
    note: str = ""
    after: float | None = None
    line_free: bool | None = None


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """The kind `role`: the role has changed from `was` by `event`."""

    role: str = ""
    was: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True)
class OrderEntry:
    """The kind `order`: an order was given."""

    order: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DoneEntry:
    """The kind `done`: an order has ended after `ms` milliseconds. `problem`: why it failed; "" when it did not.

    `tries`: for how many ends it stands, of which those before had the same problem (`agent/repeated_failures.py`).
    """

    order: str = ""
    problem: str = ""
    ms: float | None = None
    tries: int = 1


@dataclass(frozen=True, slots=True)
class GrantEntry:
    """The kind `grant`: how the grant stands now."""

    held: bool = False
    verdict: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DecisionEntry:
    """The kind `decision`: what the controller decided, and the readings that led to it."""

    act: str = ""
    reason: str = ""
    evidence: Sequence[object] = ()


@dataclass(frozen=True, slots=True)
class PeerEntry:
    """The kind `peer`: the engine says that the peer has come or gone."""

    alive: bool | None = None


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """The kind `agent`: what an agent says of its own life."""

    says: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class GapEntry:
    """The kind `gap`: the agent stood still for so many seconds."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class WokeEntry:
    """The kind `woke`: the machine stood still for so many seconds. `restarts`: its engine is started afresh."""

    seconds: float = 0.0
    restarts: bool = False
    says: str = ""


@dataclass(frozen=True, slots=True)
class FenceEntry:
    """The kind `fence`: HAFENCE was begun or has ended, or an engine was told whether the peer is gone.

    `confirmed`: the peer is off, or was told to be gone.
    """

    says: str = ""
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class WishEntry:
    """The kind `wish`: an operator asked for something. `says`: what came of it, or why it was refused."""

    wish: str = ""
    allowed: bool = False
    says: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class DataEntry:
    """The kind `data`: what became of the data. `merged`: how many messages came from the other node's mailboxes."""

    says: str = ""
    merged: int = 0


@dataclass(frozen=True, slots=True)
class DrillEntry:
    """The kind `drill`: what became of a drill (a value of `core.drill.Outcome`), why, and its phases in words."""

    outcome: str = ""
    says: str = ""
    by: str = ""
    steps: Sequence[object] = ()


EntryDetail: TypeAlias = (
    TransferEntry
    | PhaseEntry
    | RoleEntry
    | OrderEntry
    | DoneEntry
    | GrantEntry
    | DecisionEntry
    | PeerEntry
    | AgentEntry
    | GapEntry
    | WokeEntry
    | FenceEntry
    | WishEntry
    | DrillEntry
    | DataEntry
)
DETAILS: Mapping[str, type[EntryDetail]] = {
    "transfer": TransferEntry,
    "phase": PhaseEntry,
    "role": RoleEntry,
    "order": OrderEntry,
    "done": DoneEntry,
    "grant": GrantEntry,
    "decision": DecisionEntry,
    "peer": PeerEntry,
    "agent": AgentEntry,
    "gap": GapEntry,
    "woke": WokeEntry,
    "fence": FenceEntry,
    "wish": WishEntry,
    "drill": DrillEntry,
    "data": DataEntry,
}


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One entry. `fields`: all of it, by the keys that are on disk."""

    fields: Mapping[str, object]

    @property
    def kind(self) -> str:
        """The kind; "?" when it is not said."""
        kind = self.fields.get("kind")
        return kind if isinstance(kind, str) else "?"

    @property
    def at(self) -> float:
        """The writer's monotonic time in seconds; 0 when it is not said."""
        return _number(self.fields.get("at"))

    @property
    def wall(self) -> float:
        """The time of day in seconds since the epoch; 0 when it is not said."""
        wall = _number(self.fields.get("wall"))
        return wall if 0.0 <= wall <= _LAST_WALL else 0.0

    @property
    def number(self) -> int:
        """The number of the entry in the life of its agent, from 1; 0 when it was read from the file."""
        return _count(self.fields.get("number")) or 0

    @property
    def generation(self) -> int | None:
        """The generation of the grant under which it was written; None when the entry does not say it."""
        return _count(self.fields.get("generation"))

    @property
    def hash(self) -> str:
        """The entry's place in the hash chain; "" when it has none."""
        found = self.fields.get("hash")
        return found if isinstance(found, str) else ""

    @property
    def says(self) -> str:
        """What the entry says in a sentence; "" when it says nothing."""
        says = self.fields.get("says")
        return says if isinstance(says, str) else ""

    @property
    def detail(self) -> EntryDetail | None:
        """What an entry of this kind says; None for a kind that no part of asha reads."""
        kind: Any = DETAILS.get(self.kind)
        if kind is None:
            return None
        fields = self.fields
        good = {name: fields[name] for name, fits in _checks(kind) if name in fields and fits(fields[name])}
        return cast(EntryDetail, kind(**good))


def entry_text(entry: JournalEntry) -> str:
    """Return what an entry says as a line for people, without its kind and time."""
    fields = entry.fields
    words = [str(fields[key]) for key in _FIRST if key in fields]
    rest = [
        f"{key}={fields[key]}"
        for key in fields
        if key not in _HIDDEN and key not in _FIRST and fields[key] != ""
    ]
    return " ".join(words) + (f"  {' '.join(rest)}" if rest else "")


def system_journal_fields(entry: JournalEntry) -> dict[str, str]:
    """Return an entry as the journal of systemd takes it: a message, its priority, and each field as ASHA_NAME.

    The priority is that of a warning (4) when something failed, else that of information (6).
    """
    fields = {
        "MESSAGE": printable(f"{entry.kind}: {entry_text(entry).strip()}"),
        "PRIORITY": "4" if entry.fields.get("problem") else "6",
        "SYSLOG_IDENTIFIER": "asha",
    }
    for name, value in entry.fields.items():
        if _FIELD_NAME.fullmatch(name) and isinstance(value, str | int | float) and name not in _CLOCKS:
            fields[f"ASHA_{name.upper()}"] = str(value)
    return fields


def read_entries(answer: object) -> list[JournalEntry]:
    """Return the entries in an `answer` of the agent. What is no entry is left out."""
    found = answer if isinstance(answer, list) else []
    return [JournalEntry(one) for one in found if isinstance(one, dict)]


def _number(value: object) -> float:
    return float(value) if _is_number(value) else 0.0  # type: ignore[arg-type]


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < _MOST else None


def _is_number(value: object) -> bool:
    # To Python a truth value is a number; in JSON it is none. NaN compares as false.
    return isinstance(value, int | float) and not isinstance(value, bool) and -_MOST < value < _MOST


def _is_count(value: object) -> bool:
    return _count(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


_Check: TypeAlias = Callable[[object], bool]
# By the annotation of the field.
_CHECKS: Mapping[str, _Check] = {
    "str": _is_text,
    "bool": _is_truth,
    "bool | None": _is_truth,
    "int": _is_count,
    "int | None": _is_count,
    "float": _is_number,
    "float | None": _is_number,
    "Sequence[object]": _is_list,
}


@functools.cache
def _checks(kind: Any) -> tuple[tuple[str, _Check], ...]:
    """Return the fields of `kind`, each with what tells whether a value is good for it."""
    return tuple((one.name, _CHECKS[str(one.type)]) for one in dataclasses.fields(kind))
