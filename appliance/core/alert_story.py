"""The events in the journal that people must be told of as they happen: failovers and agent restarts.

The journal is read as it grows. The node that gives service up tells that a failover has begun, with the
reason; the node that gets service tells that the failover is done, with its phases. When the node that served
is dead, the other node tells both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from appliance.core.alert import Alert, AlertKind, Severity, one_line, plain
from appliance.core.roles import Event, Role
from appliance.core.transfer import Goal, Phase

Entry = Mapping[str, Any]
_SERVING = frozenset({Role.ACQUIRING.value, Role.ACTIVE.value})
_CONFIRMED = frozenset({Phase.DONE.value, Phase.UNVERIFIABLE.value})


@dataclass(frozen=True, slots=True)
class Story:
    """How far the journal has been told.

    Holds the last change of role, the transfer under way, and whether the end of that transfer is still to be
    told.
    """

    node: str
    was: str = ""
    event: str = ""
    peer_alive: bool = True
    acquiring: bool = False
    untold: bool = False
    reason: str = ""
    phases: tuple[str, ...] = ()


def read_on(story: Story, entries: Iterable[Entry]) -> tuple[Story, tuple[Alert, ...]]:
    """Return the story after `entries` (see agent/journal.py), and the alerts to send for them."""
    news: list[Alert] = []
    for entry in entries:
        story, alert = _read(story, entry)
        if alert is not None:
            news.append(alert)
    return story, tuple(news)


def _read(story: Story, entry: Entry) -> tuple[Story, Alert | None]:
    match entry["kind"]:
        case "peer":
            return replace(story, peer_alive=entry["alive"] is True), None
        case "role":
            return replace(story, was=entry.get("was", ""), event=entry["event"]), None
        case "transfer":
            return _transfer(story, entry)
        case "phase" if entry["goal"] == Goal.ACQUIRE.value:
            return _phase(story, entry)
    return story, _of_the_node(story.node, entry)


def _of_the_node(node: str, entry: Entry) -> Alert | None:
    if entry["kind"] == "gap":
        text = f"the {node} stood still for {entry['seconds']:.1f} s"
        why = f"{text}: it is overloaded, or its disk or its host hangs."
        return _event(AlertKind.NODE_STOOD_STILL, Severity.WARNING, text, why)
    if entry["kind"] == "agent" and entry["says"] == "started":
        text = f"the agent on the {node} was started"
        return _event(AlertKind.AGENT_STARTED, Severity.NOTICE, text, f"{text} (version {entry['version']}).")
    return None


def _transfer(story: Story, entry: Entry) -> tuple[Story, Alert | None]:
    acquiring, reason = entry["goal"] == Goal.ACQUIRE.value, str(entry["reason"])
    resumed = story.event == "agent started"  # the agent was restarted while service went on: no failover
    after = replace(story, acquiring=acquiring, untold=acquiring and not resumed, reason=reason, phases=())
    return replace(after, event="", was=""), _begun(story, acquiring=acquiring, reason=reason)


def _begun(story: Story, *, acquiring: bool, reason: str) -> Alert | None:
    if acquiring:
        told_by_nobody_else = story.was == Role.STANDBY.value and not story.peer_alive
        if story.event != Event.GRANTED.value or not told_by_nobody_else:
            return None
        reason = f"the peer is dead; {reason}"
    elif story.was not in _SERVING:
        return None
    way = f"to the {story.node}" if acquiring else f"from the {story.node}"
    text = f"A failover {way} has begun: {reason}."
    return _event(AlertKind.FAILOVER_BEGUN, Severity.WARNING, f"failover {way} begun: {reason}", text)


def _phase(story: Story, entry: Entry) -> tuple[Story, Alert | None]:
    phase, after, note = entry["phase"], float(entry["after"]), entry.get("note", "")
    story = replace(story, phases=(*story.phases, f"{after:.3f} s: {phase}{f': {note}' if note else ''}"))
    if phase not in _CONFIRMED or not story.untold:
        return story, None
    subject = f"failover done: the {story.node} serves"
    text = f"The {story.node} serves after {after:.1f} s ({story.reason}).\n\n" + "\n".join(story.phases)
    return replace(story, untold=False), _event(AlertKind.FAILOVER_DONE, Severity.NOTICE, subject, text)


def _event(kind: AlertKind, severity: Severity, subject: str, text: str) -> Alert:
    return Alert(kind.word, kind, severity, one_line(subject), plain(text))
