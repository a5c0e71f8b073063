"""The journal told as a list of transfers: when, why, phase by phase, and how each one ended."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.core.plan import FIRST
from appliance.core.transfer import Goal, Phase

Entry = Mapping[str, Any]
# The kinds of journal entries that a chronicle is made from.
KINDS = frozenset({"transfer", "phase", "agent"})
_ENDINGS = frozenset({Phase.DONE.value, Phase.BLOCKED.value, Phase.UNVERIFIABLE.value})
UNDER_WAY = "under way"
SUPERSEDED = "superseded"
# A flapping line produces endless phases; the first ones are enough to tell what happened.
_MOST_PHASES = 40


@dataclass(slots=True)
class _Chapter:
    """One transfer while it is being read.

    A phase is its name, the seconds since the transfer began, and its note.
    """

    began: float
    goal: str
    reason: str
    generation: int
    phases: list[tuple[str, float, str]] = field(default_factory=list)
    ended: str = UNDER_WAY

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

    def document(self, node: str) -> dict[str, Any]:
        return {
            "began": self.began,
            "node": node,
            "goal": self.goal,
            "reason": self.reason,
            "generation": self.generation,
            "phases": [{"phase": name, "after": after, "note": note} for name, after, note in self.phases],
            "ended": self.ended,
            "took": self.phases[-1][1] if self.ended in _ENDINGS else None,
        }


def chronicle(entries: Iterable[Entry], node: str) -> list[dict[str, Any]]:
    """Return the transfers of `node` that begin within `entries`, newest first.

    `entries` come oldest first (see agent/journal.py). Malformed entries are skipped, because the journal is
    also read when something went wrong.
    """
    chapters: list[_Chapter] = []
    for entry in entries:
        last = chapters[-1] if chapters else None
        kind = entry.get("kind")
        if kind == "transfer":
            if last is not None:
                last.break_off()
            chapters.append(_begun(entry))
        elif kind == "phase" and last is not None and not last.closed and entry.get("goal") == last.goal:
            last.add(str(entry.get("phase")), _after(entry, last), str(entry.get("note", "")))
        elif kind == "agent" and entry.get("says") == "started" and last is not None:
            last.break_off()
    return [chapter.document(node) for chapter in reversed(chapters)]


def _begun(entry: Entry) -> _Chapter:
    goal = str(entry.get("goal"))
    chapter = _Chapter(
        began=_number(entry.get("wall")),
        goal=goal,
        reason=str(entry.get("reason", "")),
        generation=int(_number(entry.get("generation"))),
    )
    if goal in _FIRST:
        chapter.phases.append((_FIRST[goal], 0.0, ""))
    return chapter


def _after(entry: Entry, chapter: _Chapter) -> float:
    """Return the seconds from the beginning of `chapter` to `entry`.

    The transfer's own clock is preferred; a resource script that works alone records only the time of day.
    """
    after = entry.get("after")
    seconds = _number(after) if after is not None else _number(entry.get("wall")) - chapter.began
    return round(max(0.0, seconds), 4)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


_FIRST = {goal.value: FIRST[goal].value for goal in Goal}
