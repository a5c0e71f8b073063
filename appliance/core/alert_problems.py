"""The problems in a status document that people must be told of for as long as they last.

Each problem is told by one node: by the node that has it. A problem that both nodes see, such as a lost link,
is told by the node that serves, and a dead peer by the living node. In a split brain both nodes tell, since
neither can know whether the other one can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from appliance.core.alert import Alert, AlertKind, Severity, one_line, plain
from appliance.core.alert_memory import Condition
from appliance.core.held_back import HeldBack
from appliance.core.roles import Role
from appliance.core.status import Status
from appliance.core.transfer import Goal, Phase

# How long each must stand, in seconds: longer than what an ordinary move or restart makes of it.
_AT_ONCE = 3.0
_SOON = 10.0
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
    parts = (_line, _service, _split, _peer, _own_fitness, _card, _links, _data, _maintenance, _files)
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
    """Yield the trouble that the serving node sees in its service and cannot mend."""
    if status.trouble:
        yield _problem("service", AlertKind.SERVICE_TROUBLED, Severity.CRITICAL, status.trouble, _SOON)


def _split(status: Status) -> Iterator[Condition]:
    peer = status.peer
    # A dead peer's last word is still fresh for a while, and says that it serves.
    both = status.role in _SERVING and peer.alive.value is True and peer.granted.value is True
    signs = [
        f"the cluster address is also at {status.address.duplicate}" if status.address.duplicate else "",
        "both nodes hold a grant" if both else "",
        "Asterisk runs here without a grant" if status.ungranted else "",
    ]
    if any(signs):
        text = f"split brain suspected: {'; '.join(filter(None, signs))}"
        yield _problem("split", AlertKind.SPLIT_BRAIN, Severity.CRITICAL, text, _AT_ONCE)


def _peer(status: Status) -> Iterator[Condition]:
    peer = status.peer
    if status.role not in _ENGINE_RUNS:
        return
    if peer.alive.value is False:
        text = f"the {peer.node} ({peer.name}) is gone: no standby is there"
        yield _problem("peer", AlertKind.PEER_LOST, Severity.CRITICAL, text, _AT_ONCE)
    elif peer.alive.value and peer.fit.value is None and status.role in _SERVING:
        text = f"the {peer.node}'s Heartbeat lives and its agent does not speak: {peer.fit.why}"
        yield _problem("peer agent", AlertKind.PEER_SILENT, Severity.WARNING, text, _STAYING)


def _own_fitness(status: Status) -> Iterator[Condition]:
    if status.role == Role.STANDBY.value and not status.fit:
        text = f"this standby could not take over: {'; '.join(status.unfit_because)}"
        yield _problem("unfit", AlertKind.NODE_UNFIT, Severity.CRITICAL, text, _SOON)


def _card(status: Status) -> Iterator[Condition]:
    card = status.relay.card
    if card is not None and card.value is False:
        text = "the relay card is gone: the line is at the secondary until it is plugged in again"
        yield _problem("card", AlertKind.CARD_LOST, Severity.CRITICAL, text, _AT_ONCE)


def _links(status: Status) -> Iterator[Condition]:
    """Yield the lost Heartbeat links; both nodes see them, and only the serving node tells.

    Links to a dead peer are all down and are told of as its death.
    """
    if status.role not in _SERVING or not status.peer.alive.value:
        return
    for name, state in status.peer.links.items():
        if state != "up":
            text = f"Heartbeat link {name} is lost"
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
        text = f"the peer's DAHDI configuration does not fit here: {data.telephony}"
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
            f"maintenance (by {maintenance.by}{why}): for {max(1, round(maintenance.left / 60))} min at the most "
            "this node neither hands over nor restarts Asterisk by itself"
        )
        yield _problem("maintenance", AlertKind.MAINTENANCE, Severity.WARNING, text, _AT_ONCE)


def _files(status: Status) -> Iterator[Condition]:
    """Yield the trouble with asha's own files; each node tells of those on its own disk."""
    for trouble in status.files:
        yield _problem(
            f"file {trouble.path}", AlertKind.FILE_SPOILT, Severity.WARNING, trouble.says, _AT_ONCE
        )
