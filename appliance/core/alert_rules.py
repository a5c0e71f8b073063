"""The problems in a status document that people must be told of for as long as they last.

Each problem is told by one node: by the node that has it. A problem that both nodes see, such as a lost link,
is told by the node that serves, and a dead peer by the living node. Of a split brain, and of a pair in which nobody
serves, both nodes tell, since neither can know whether the other one can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from appliance.core.alerts import Alert, AlertKind, Condition, Severity, one_line, plain
from appliance.core.engine_traits import ENGINE
from appliance.core.health import KEPT_OFF_REMEDY
from appliance.core.held_back import HeldBack
from appliance.core.journal_entry import (
    AgentEntry,
    DoneEntry,
    FenceEntry,
    GapEntry,
    JournalEntry,
    PeerEntry,
    PhaseEntry,
    RoleEntry,
    TransferEntry,
)
from appliance.core.pair_watch import in_words
from appliance.core.peer_hearing import deaf_here, one_way
from appliance.core.roles import Event, Role
from appliance.core.status import Status
from appliance.core.stray import persistence, presence
from appliance.core.transfer import Goal, Order, Phase

# How long each must stand, in seconds: longer than what an ordinary move or restart makes of it.
_AT_ONCE = 3.0
_SOON = 10.0
_MOVED = 30.0  # a split that heals costs 17 s, a cold start 12
_STAYING = 60.0
_ITEMS_TOLD = 5
_SERVING = frozenset({Role.ACQUIRING.value, Role.ACTIVE.value})
_ENGINE_RUNS = frozenset({Role.STANDBY.value, *_SERVING})
# Named problems of the data that nobody but an operator can end; the others must have stayed for a while.
_SERIOUS = frozenset({"host key changed", "sick source", "damaged record", "disk full"})
# They are what the peer's death, told of already, looks like from the data's side.
_OF_A_DEAD_PEER = frozenset({"unreachable", "interrupted"})
_PASSING = frozenset({"not now", "busy"})


def problems(status: Status) -> tuple[Condition, ...]:
    """Return everything in `status` that this node is to tell of."""
    parts = (
        _line,
        _service,
        _address,
        _lan,
        _split,
        _pair,
        _moves,
        _strays,
        _peer,
        _own_fitness,
        _engine,
        _name,
        _card,
        _links,
        _data,
        _maintenance,
        _drill,
        _files,
    )
    return tuple(found for part in parts for found in part(status))


def _problem(key: str, kind: AlertKind, severity: Severity, text: str, dwell: float) -> Condition:
    return Condition(Alert(key, kind, severity, one_line(text), plain(text)), dwell)


def _line(status: Status) -> Iterator[Condition]:
    transfer = status.transfer
    if transfer is None:
        return
    if transfer.phase == Phase.BLOCKED.value:
        acquiring = transfer.goal == Goal.ACQUIRE.value
        what = "service cannot come here" if acquiring else "service cannot be let go here"
        yield _problem(
            "blocked", AlertKind.LINE_BLOCKED, Severity.CRITICAL, f"{what}: {transfer.note}", _AT_ONCE
        )
    elif transfer.phase == Phase.UNVERIFIABLE.value:
        text = f"nobody can say whether the line is here: {transfer.note}"
        yield _problem("unverifiable", AlertKind.LINE_UNVERIFIABLE, Severity.WARNING, text, _AT_ONCE)


def _service(status: Status) -> Iterator[Condition]:
    """Yield the trouble that the serving node sees in its service and cannot mend, and what it cannot look at."""
    if status.trouble:
        yield _problem("service", AlertKind.SERVICE_TROUBLED, Severity.CRITICAL, status.trouble, _SOON)
    if status.pbx.kept_off:
        text = f"{status.pbx.kept_off}. {KEPT_OFF_REMEDY}"
        yield _problem("kept off", AlertKind.SERVICE_TROUBLED, Severity.CRITICAL, text, _SOON)


def _address(status: Status) -> Iterator[Condition]:
    """Yield the trouble that a serving node has with the cluster address; an address put back once is none."""
    if status.address.trouble:
        text = status.address.trouble
        yield _problem("address", AlertKind.ADDRESS_TAKEN, Severity.CRITICAL, text, _AT_ONCE)


def _lan(status: Status) -> Iterator[Condition]:
    """Yield what is wrong with the LAN: a node without it tells of itself, and of the service the node that serves.

    What a serving node does when it is cut off is among its troubles; a standby's is why it is not fit.
    """
    if status.role == Role.ACTIVE.value and status.peer.calls.value is False:
        # The standby's message says "no" alone; it tells itself which address it is.
        one_of = "one of " if "," in status.address.ip else ""
        through = f"through {one_of}{status.address.ip or 'the cluster address'}"
        text = f"seen from the standby, a telephone on the LAN cannot call {through}"
        yield _problem("calls", AlertKind.LAN_LOST, Severity.CRITICAL, text, _SOON)
    if status.role == Role.STANDBY.value and status.lan.calls.value is False:
        # The node that serves may not know, or may not be able to tell.
        text = f"seen from this standby, a telephone on the LAN cannot call: {status.lan.calls.why}"
        yield _problem("calls", AlertKind.LAN_LOST, Severity.CRITICAL, text, _MOVED)
    if status.role not in (*_SERVING, Role.STANDBY.value) and status.lan.reached.value is False:
        text = f"this node is cut off from the LAN: {status.lan.reached.why}"
        yield _problem("lan", AlertKind.LAN_LOST, Severity.WARNING, text, _SOON)


def _split(status: Status) -> Iterator[Condition]:
    peer = status.peer
    # A dead peer's last word is still fresh for a while, and says that it serves.
    both = status.role in _SERVING and peer.alive.value is True and peer.granted.value is True
    signs = [
        f"the cluster address is also at {status.address.duplicate}" if status.address.duplicate else "",
        "both nodes hold a grant" if both else "",
        presence(status.strays),
    ]
    if any(signs):
        text = f"split brain suspected: {'; '.join(filter(None, signs))}"
        yield _problem("split", AlertKind.SPLIT_BRAIN, Severity.CRITICAL, text, _AT_ONCE)


def _pair(status: Status) -> Iterator[Condition]:
    """Yield what is wrong with the pair and has outlasted its bound (docs/pair-states.md); each node tells of it."""
    for fault in status.pair:
        if fault.overdue:
            text = in_words(fault.says, fault.todo, fault.since)
            yield _problem(f"pair {fault.fault}", AlertKind.PAIR_TROUBLED, Severity.CRITICAL, text, _AT_ONCE)


def _moves(status: Status) -> Iterator[Condition]:
    """Yield that service has moved so often that it waits for somebody who has looked."""
    if status.moves.held:
        yield _problem("moves", AlertKind.SERVICE_TROUBLED, Severity.CRITICAL, status.moves.says, _AT_ONCE)


def _strays(status: Status) -> Iterator[Condition]:
    if text := persistence(status.strays):
        yield _problem("stray", AlertKind.SPLIT_BRAIN, Severity.CRITICAL, text, _AT_ONCE)


def _peer(status: Status) -> Iterator[Condition]:
    peer = status.peer
    if status.role not in _ENGINE_RUNS:
        return
    if peer.alive.value is False:
        text = f"the {peer.node} ({peer.name}) is gone: no standby is there"
        yield _problem("peer", AlertKind.PEER_LOST, Severity.CRITICAL, text, _AT_ONCE)
    elif peer.alive.value and peer.fit.value is None and status.role in _SERVING:
        text = f"{ENGINE} lives on the {peer.node}, and the agent there does not speak: {peer.fit.why}"
        yield _problem("peer agent", AlertKind.PEER_SILENT, Severity.WARNING, text, _STAYING)


def _own_fitness(status: Status) -> Iterator[Condition]:
    if status.role == Role.STANDBY.value and not status.fit:
        text = f"this standby could not take over: {'; '.join(status.unfit_because)}"
        yield _problem("unfit", AlertKind.NODE_UNFIT, Severity.CRITICAL, text, _SOON)
    elif status.role == Role.STANDBY.value and status.doubts:
        text = f"this standby is not known to be ready to take over: {'; '.join(status.doubts)}"
        yield _problem("doubtful", AlertKind.NODE_UNFIT, Severity.WARNING, text, _STAYING)


def _engine(status: Status) -> Iterator[Condition]:
    if status.engine.lost:
        text = (
            "the HA engine does not run on this node, and nobody has stopped it by 'asha ha stop': this node cannot "
            "serve until 'asha ha start'"
        )
        # A machine that boots starts the engine after the agent, and not before the network is up.
        yield _problem("engine", AlertKind.NODE_UNFIT, Severity.CRITICAL, text, _STAYING)
    for text in status.engine.troubles:
        # Each has its own end, so it is known by what it says, without the particulars in brackets, not by its place.
        yield _problem(
            f"engine trouble {text.partition(' (')[0]}",
            AlertKind.PAIR_TROUBLED,
            Severity.WARNING,
            text,
            _STAYING,
        )


def _name(status: Status) -> Iterator[Condition]:
    if status.misnamed:
        yield _problem("name", AlertKind.NODE_UNFIT, Severity.CRITICAL, status.misnamed, _AT_ONCE)


def _card(status: Status) -> Iterator[Condition]:
    card = status.relay.card
    if card is not None and card.value is False:
        text = "the relay card is gone: the line is at the secondary until it is plugged in again"
        yield _problem("card", AlertKind.CARD_LOST, Severity.CRITICAL, text, _AT_ONCE)
    if status.relay.trouble:
        text = status.relay.trouble
        yield _problem("relay", AlertKind.RELAY_MOVED, Severity.CRITICAL, text, _AT_ONCE)


def _links(status: Status) -> Iterator[Condition]:
    """Yield the lost Heartbeat links; both nodes see them, and only the serving node tells.

    Links to a dead peer are all down and are told of as its death. A link that works one way only is lost to one node
    alone, and so is a peer that hears nothing at all: it takes this node for dead, so this node tells in any role.
    """
    peer = status.peer
    if peer.hears_us.value is False and status.role in _ENGINE_RUNS:
        (text,) = one_way(peer)
        yield _problem("deaf peer", AlertKind.LINK_LOST, Severity.CRITICAL, text, _SOON)
    if status.role not in _SERVING or not peer.alive.value:
        return
    lost = [(name, f"link {name} of {ENGINE} is lost") for name, state in peer.links.items() if state != "up"]
    for name, text in (*lost, *zip(deaf_here(peer), one_way(peer), strict=False)):
        yield _problem(f"link {name}", AlertKind.LINK_LOST, Severity.WARNING, text, _AT_ONCE)


def _data(status: Status) -> Iterator[Condition]:
    data, alone = status.data, status.peer.alive.value is False
    kind = data.kind
    if data.problem and kind not in _PASSING and not (alone and kind in _OF_A_DEAD_PEER):
        dwell = _AT_ONCE if kind in _SERIOUS else _STAYING
        text = f"the data do not follow ({kind}): {data.problem}"
        yield _problem(f"data {kind}", AlertKind.DATA_TROUBLED, Severity.WARNING, text, dwell)
    if data.stale and not alone:
        text = "the data here are stale: 'asha sync status' says why"
        yield _problem("stale", AlertKind.DATA_STALE, Severity.WARNING, text, _STAYING)
    yield from _held_back(data.held_back, data.held_back_more)
    if data.telephony:
        text = f"the other node's DAHDI configuration does not fit here: {data.telephony}"
        yield _problem("telephony", AlertKind.TELEPHONY_MISFIT, Severity.WARNING, text, _AT_ONCE)
    for name, text in (("unsettled", data.unsettled), ("postsync", data.postsync)):
        if text:
            yield _problem(f"data {name}", AlertKind.DATA_TROUBLED, Severity.WARNING, text, _AT_ONCE)
    if data.conflicts:
        text = "files were changed on both nodes and wait for a choice: 'asha conflicts' shows them"
        yield _problem("conflicts", AlertKind.DATA_TROUBLED, Severity.WARNING, text, _AT_ONCE)


def _held_back(items: Sequence[HeldBack], more: int) -> Iterator[Condition]:
    """Yield one problem for each item held back, so that the end of each is told too.

    Of a heap of items, which usually has one cause, only the first few are told by name.
    """
    for item in items[:_ITEMS_TOLD]:
        yield _problem(
            f"held back {item.path}", AlertKind.ITEM_HELD_BACK, Severity.WARNING, str(item), _AT_ONCE
        )
    left = len(items[_ITEMS_TOLD:]) + more
    if left:
        text = f"{left} more items are held back: 'asha sync status' names them"
        yield _problem("held back more", AlertKind.ITEM_HELD_BACK, Severity.WARNING, text, _AT_ONCE)


def _maintenance(status: Status) -> Iterator[Condition]:
    """Yield the maintenance that an operator declared.

    The text names the duration that was left when the alert was made; a running alert is not sent again as
    time passes.
    """
    maintenance = status.maintenance
    if maintenance is not None:
        why = f": {maintenance.why}" if maintenance.why else ""
        text = (
            f"maintenance (by {maintenance.by}{why}): for at most {max(1, round(maintenance.left / 60))} min "
            "this node neither hands over nor restarts Asterisk automatically"
        )
        yield _problem("maintenance", AlertKind.MAINTENANCE, Severity.WARNING, text, _AT_ONCE)


def _drill(status: Status) -> Iterator[Condition]:
    """Yield the last drill if it did not go as it should; the next that does ends the alert."""
    if status.drill is not None and status.drill.failed:
        text = f"the last drill {status.drill.outcome}: {status.drill.says}"
        yield _problem("drill", AlertKind.DRILL_FAILED, Severity.WARNING, text, _AT_ONCE)


def _files(status: Status) -> Iterator[Condition]:
    """Yield the trouble with asha's own files; each node tells of those on its own disk."""
    for trouble in status.files:
        yield _problem(
            f"file {trouble.path}", AlertKind.FILE_SPOILT, Severity.WARNING, trouble.says, _AT_ONCE
        )


# The events in the journal that people must be told of as they happen: failovers and agent restarts.
#
# The journal is read as it grows. The node that gives service up tells that a failover has begun, with the
# reason; the node that gets service tells that the failover is done, with its phases. When the node that served
# is dead, the other node tells both.


_CONFIRMED = frozenset({Phase.DONE.value, Phase.UNVERIFIABLE.value})


@dataclass(frozen=True, slots=True)
class FailoverTracker:
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


def read_on(
    story: FailoverTracker, entries: Iterable[JournalEntry]
) -> tuple[FailoverTracker, tuple[Alert, ...]]:
    """Return the story after `entries` (see agent/journal.py), and the alerts to send for them."""
    news: list[Alert] = []
    for entry in entries:
        story, alert = _read(story, entry)
        if alert is not None:
            news.append(alert)
    return story, tuple(news)


def _read(story: FailoverTracker, entry: JournalEntry) -> tuple[FailoverTracker, Alert | None]:
    match entry.detail:
        case PeerEntry(alive):
            return replace(story, peer_alive=alive is True), None
        case RoleEntry(was=was, event=event):
            return replace(story, was=was, event=event), None
        case TransferEntry() as begun:
            return _transfer(story, begun)
        case PhaseEntry(goal=Goal.ACQUIRE.value) as reached:
            return _phase(story, reached)
        case GapEntry() | AgentEntry() | DoneEntry() | FenceEntry() as said:
            return story, _of_the_node(story.node, said)
    return story, None


def _of_the_node(node: str, entry: GapEntry | AgentEntry | DoneEntry | FenceEntry) -> Alert | None:
    if isinstance(entry, FenceEntry):
        severity = Severity.WARNING if entry.confirmed else Severity.CRITICAL
        return _event(AlertKind.PEER_FENCED, severity, entry.says, f"{entry.says} (told by the {node}).")
    if isinstance(entry, DoneEntry):
        return _put_back(node) if entry.order == Order.PUT_ADDRESS.name and not entry.problem else None
    if isinstance(entry, GapEntry):
        text = f"the {node} was frozen for {entry.seconds:.1f} s"
        why = f"{text}: it is overloaded, or its disk or its host hangs."
        return _event(AlertKind.NODE_STOOD_STILL, Severity.WARNING, text, why)
    if entry.says == "started":
        text = f"the agent on the {node} was started"
        return _event(AlertKind.AGENT_STARTED, Severity.NOTICE, text, f"{text} (version {entry.version}).")
    return None


def _put_back(node: str) -> Alert:
    text = f"the cluster address was not on the {node} while it served, and was put back"
    return _event(AlertKind.ADDRESS_TAKEN, Severity.WARNING, text, f"{text}.")


def _transfer(story: FailoverTracker, entry: TransferEntry) -> tuple[FailoverTracker, Alert | None]:
    acquiring, reason = entry.goal == Goal.ACQUIRE.value, entry.reason
    resumed = story.event == "agent started"  # the agent was restarted while service went on: no failover
    after = replace(story, acquiring=acquiring, untold=acquiring and not resumed, reason=reason, phases=())
    return replace(after, event="", was=""), _begun(story, acquiring=acquiring, reason=reason)


def _begun(story: FailoverTracker, *, acquiring: bool, reason: str) -> Alert | None:
    if acquiring:
        told_by_nobody_else = story.was == Role.STANDBY.value and not story.peer_alive
        if story.event != Event.GRANTED.value or not told_by_nobody_else:
            return None
        reason = f"the other node is dead; {reason}"
    elif story.was not in _SERVING:
        return None
    way = f"to the {story.node}" if acquiring else f"from the {story.node}"
    text = f"A failover {way} has begun: {reason}."
    return _event(AlertKind.FAILOVER_BEGUN, Severity.WARNING, f"failover {way} begun: {reason}", text)


def _phase(story: FailoverTracker, entry: PhaseEntry) -> tuple[FailoverTracker, Alert | None]:
    phase, after, note = entry.phase, entry.after or 0.0, entry.note
    story = replace(story, phases=(*story.phases, f"{after:.3f} s: {phase}{f': {note}' if note else ''}"))
    if phase not in _CONFIRMED or not story.untold:
        return story, None
    subject = f"failover done: the {story.node} serves"
    text = f"The {story.node} serves after {after:.1f} s ({story.reason}).\n\n" + "\n".join(story.phases)
    return replace(story, untold=False), _event(AlertKind.FAILOVER_DONE, Severity.NOTICE, subject, text)


def _event(kind: AlertKind, severity: Severity, subject: str, text: str) -> Alert:
    return Alert(kind.word, kind, severity, one_line(subject), plain(text))
