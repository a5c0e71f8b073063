"""The journal told as a list of transfers: when, why, phase by phase, and how each one ended."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from appliance.core.as_json import read_as
from appliance.core.journal_entry import AgentEntry, DataEntry, JournalEntry, PhaseEntry, TransferEntry
from appliance.core.model import Node
from appliance.core.transfer import FIRST, Goal, Phase

# The kinds of journal entries that past transfers are made from.
KINDS = frozenset({"transfer", "phase", "agent", "data"})
_ENDINGS = frozenset({Phase.DONE.value, Phase.BLOCKED.value, Phase.UNVERIFIABLE.value})
UNDER_WAY = "under way"
SUPERSEDED = "superseded"
# A flapping line produces endless phases; the first ones are enough to tell what happened.
_MOST_PHASES = 40


@dataclass(frozen=True, slots=True)
class PastPhase:
    """A phase of a past transfer, reached `after` so many seconds, with the note of the journal."""

    phase: str
    after: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class PastTransfer:
    """A transfer as the journal tells it: what `asha history --json` and the page's API show of it.

    `began`: seconds since the epoch. `ended`: the last phase, or UNDER_WAY, or SUPERSEDED. `took`: seconds; None
    when it has not ended. `channels`: how many channels Asterisk had in calls, as counted `channels_ago` seconds
    before; None when nobody knows. `merged`: how many messages came from the other node's mailboxes between this
    transfer and the next. The names of the fields are the keys of the JSON (core/status.py).
    """

    began: float
    node: str = ""
    goal: str = ""
    reason: str = ""
    generation: int = 0
    phases: tuple[PastPhase, ...] = ()
    ended: str = UNDER_WAY
    took: float | None = None
    channels: int | None = None
    channels_ago: float | None = None
    merged: int = 0

    def lasted(self) -> Iterator[tuple[PastPhase, float | None]]:
        """Yield each phase with the seconds from when it was reached to when the next one was; None for the last."""
        ends = itertools.chain((phase.after for phase in self.phases[1:]), [None])
        for phase, end in zip(self.phases, ends, strict=False):
            yield phase, None if end is None else max(0.0, end - phase.after)


def read_transfers(answer: object) -> tuple[PastTransfer, ...]:
    """Return the transfers in an `answer` of the agent. Raises ValueError when it holds anything else."""
    return tuple(read_as(PastTransfer, one) for one in answer) if isinstance(answer, list) else ()


@dataclass(slots=True)
class _Chapter:
    """One transfer while it is being read.

    A phase is its name, the seconds since the transfer began, and its note.
    """

    began: float
    entry: TransferEntry
    generation: int
    phases: list[tuple[str, float, str]] = field(default_factory=list)
    ended: str = UNDER_WAY
    merged: int = 0

    @property
    def goal(self) -> str:
        return self.entry.goal

    @property
    def closed(self) -> bool:
        """True when no later entry belongs to this transfer.

        A loss after the transfer was done belongs to another transfer.
        """
        return self.ended in (Phase.DONE.value, SUPERSEDED)

    def add(self, phase: str, after: float, note: str) -> None:
        if self.phases and self.phases[-1][0] == phase:
            self.phases[-1] = (phase, self.phases[-1][1], note)
        elif len(self.phases) < _MOST_PHASES or phase in _ENDINGS:
            self.phases.append((phase, after, note))
        self.ended = phase if phase in _ENDINGS else UNDER_WAY

    def break_off(self) -> None:
        """Mark a transfer that has not ended as superseded.

        Another transfer has begun, or the agent was restarted. A transfer that was blocked stays reported as
        blocked.
        """
        if self.ended == UNDER_WAY:
            self.ended = SUPERSEDED

    def told(self, node: str) -> PastTransfer:
        return PastTransfer(
            began=self.began,
            node=node,
            goal=self.goal,
            reason=self.entry.reason,
            generation=self.generation,
            phases=tuple(itertools.starmap(PastPhase, self.phases)),
            ended=self.ended,
            took=self.phases[-1][1] if self.ended in _ENDINGS else None,
            channels=self.entry.channels,
            channels_ago=self.entry.channels_ago,
            merged=self.merged,
        )


def past_transfers(entries: Iterable[JournalEntry], node: str) -> list[PastTransfer]:
    """Return the transfers of `node` that begin within `entries`, newest first.

    `entries` come oldest first (see agent/journal.py). Malformed entries are skipped, because the journal is
    also read when something went wrong.
    """
    chapters: list[_Chapter] = []
    for entry in entries:
        last = chapters[-1] if chapters else None
        match entry.detail:
            case TransferEntry() as begun:
                if last is not None:
                    last.break_off()
                chapters.append(_begun(entry, begun))
            case PhaseEntry() as reached if (
                last is not None and not last.closed and reached.goal == last.goal
            ):
                last.add(reached.phase, _after(entry, reached.after, last), reached.note)
            case DataEntry(merged=merged) if last is not None:
                last.merged += merged
            case AgentEntry("started") if last is not None:
                last.break_off()
    return [chapter.told(node) for chapter in reversed(chapters)]


def _begun(entry: JournalEntry, begun: TransferEntry) -> _Chapter:
    chapter = _Chapter(began=entry.wall, entry=begun, generation=entry.generation or 0)
    if begun.goal in _FIRST:
        chapter.phases.append((_FIRST[begun.goal], 0.0, ""))
    return chapter


def _after(entry: JournalEntry, after: float | None, chapter: _Chapter) -> float:
    """Return the seconds from the beginning of `chapter` to `entry`.

    The transfer's own clock is preferred; a resource script that works alone records only the time of day.
    """
    seconds = entry.wall - chapter.began if after is None else after
    return round(max(0.0, float(seconds)), 4)


_FIRST = {goal.value: FIRST[goal].value for goal in Goal}


def newest_transfers(backwards: Iterable[JournalEntry], count: int, node: Node) -> list[PastTransfer]:
    """Return the newest `count` transfers of `node`, newest first, from its entries of KINDS, newest first."""
    entries: list[JournalEntry] = []
    for entry in backwards:
        entries.append(entry)
        count -= entry.kind == "transfer"
        if count <= 0:
            break
    return past_transfers(reversed(entries), node.value)
