"""What happened last, as one paragraph: which way service moved, why, phase by phase, and what was lost by it.

It is made from this node's journal (`core/transfer_history.py`), and says what is not known there instead of guessing
it: a node that takes over from a dead one cannot know which calls that one had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from appliance.core.status import NodeNames
from appliance.core.text import format_duration
from appliance.core.transfer import Goal, Phase
from appliance.core.transfer_history import UNDER_WAY, PastTransfer

_DOES = {Goal.ACQUIRE.value: "took service over", Goal.RELEASE.value: "let service go"}


class LastMove(NamedTuple):
    """The last move of service on this node. `began`: seconds since the epoch; `says`: the paragraph."""

    began: float
    says: str


def last_move(history: Sequence[PastTransfer], names: NodeNames) -> LastMove | None:
    """Return the newest move of service in `history`, the newest first; None when there is none."""
    past = next((one for one in history if one.goal in _DOES), None)
    if past is None:
        return None
    return LastMove(past.began, " ".join([_begun(past, names), *_ended(past), *_lost(past)]))


def _begun(past: PastTransfer, names: NodeNames) -> str:
    name = names.of(past.node)
    why = f": {past.reason.rstrip('.')}" if past.reason else "; the journal has no reason for it"
    return f"The {past.node}{f' ({name})' if name else ''} {_DOES[past.goal]}{why}."


def _ended(past: PastTransfer) -> Iterator[str]:
    last = past.phases[-1] if past.phases else None
    note = f": {last.note.rstrip('.')}" if last is not None and last.note else ""
    if past.ended == Phase.DONE.value:
        took = "" if past.took is None else f" {_short(past.took)}"
        yield f"That took{took}{_phases(past)}."
    elif past.ended == Phase.BLOCKED.value:
        yield f"It has not come about{note}."
    elif past.ended == Phase.UNVERIFIABLE.value:
        yield f"Whether the line came along is not known{note}."
    elif past.ended == UNDER_WAY:
        yield f"It is still under way, {last.phase if last is not None else 'just begun'}{note}."
    else:
        yield "How it ended is not known: the next move began, or the agent was started again, before it was done."


def _phases(past: PastTransfer) -> str:
    parts = [f"{phase.phase} {_short(lasted)}" for phase, lasted in past.lasted() if lasted is not None]
    return f" ({', '.join(parts)})" if parts else ""


def _lost(past: PastTransfer) -> Iterator[str]:
    if past.goal == Goal.ACQUIRE.value:
        yield "Which calls were up on the other node is not known here."
    elif past.channels is None:
        yield "How many calls were up is not known."
    else:
        yield f"{_channels(past.channels)}{_when(past)}."
    if past.merged:
        came = "one message" if past.merged == 1 else f"{past.merged} messages"
        yield f"Since then {came} of the other node's mailboxes came here."


def _channels(count: int) -> str:
    if not count:
        return "Asterisk had no call"
    return f"Asterisk had {count} channel{'s' if count > 1 else ''} in calls, which end when it stops"


def _when(past: PastTransfer) -> str:
    ago = past.channels_ago
    return "" if ago is None else f", as counted {format_duration(ago)} before"


def _short(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
