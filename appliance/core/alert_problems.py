"""The problems in a status document that people must be told of for as long as they last.

Each problem is told by one node: by the node that has it. A problem that both nodes see, such as a lost link,
is told by the node that serves, and a dead peer by the living node. In a split brain both nodes tell, since
neither can know whether the other one can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from appliance.core.alert import Alert, Kind, Severity, one_line, plain
from appliance.core.alert_memory import Standing
from appliance.core.roles import Role

Document = Mapping[str, Any]

# How many seconds a problem must last before it is told: longer than an ordinary move or restart shows it.
_AT_ONCE = 3.0
_SOON = 10.0
_STAYING = 60.0
_ITEMS_TOLD = 5
_SERVING = frozenset({Role.ACQUIRING.value, Role.ACTIVE.value})
_ENGINE_RUNS = frozenset({Role.STANDBY.value, *_SERVING})
# Problems with the data that only an operator can end are told at once; all others must have lasted a while.
_SERIOUS = frozenset({"host key changed", "sick source", "damaged record", "disk full"})
# The data's view of a dead peer, whose death has been told already.
_OF_A_DEAD_PEER = frozenset({"unreachable", "interrupted"})
_PASSING = frozenset({"not now", "busy"})


def problems(document: Document) -> tuple[Standing, ...]:
    """Return every problem in `document` (see agent/status.py) that this node must tell people of."""
    parts = (_line, _service, _split, _peer, _own_fitness, _card, _links, _data, _maintenance, _files)
    return tuple(found for part in parts for found in part(document))


def _problem(key: str, kind: Kind, severity: Severity, text: str, dwell: float) -> Standing:
    return Standing(Alert(key, kind, severity, one_line(text), plain(text)), dwell)


def _line(document: Document) -> Iterator[Standing]:
    transfer = document["transfer"] or {}
    note, doing = transfer.get("note", ""), transfer.get("goal", "")
    if transfer.get("phase") == "blocked":
        what = "service cannot come here" if doing == "acquire" else "service cannot be let go here"
        yield _problem("blocked", Kind.LINE_BLOCKED, Severity.CRITICAL, f"{what}: {note}", _AT_ONCE)
    elif transfer.get("phase") == "unverifiable":
        text = f"nobody can say whether the line is here: {note}"
        yield _problem("unverifiable", Kind.LINE_UNVERIFIABLE, Severity.WARNING, text, _AT_ONCE)


def _service(document: Document) -> Iterator[Standing]:
    """Yield the trouble that the serving node sees in its service and cannot mend."""
    if document["trouble"]:
        yield _problem("service", Kind.SERVICE_TROUBLED, Severity.CRITICAL, document["trouble"], _SOON)


def _split(document: Document) -> Iterator[Standing]:
    peer = document["peer"]
    # The last report of a dead peer stays fresh for a while and says that the peer serves; so `alive` counts
    # too.
    both = (
        document["role"] in _SERVING and peer["alive"]["value"] is True and peer["granted"]["value"] is True
    )
    signs = [
        f"the cluster address is also at {document['address']['duplicate']}"
        if document["address"]["duplicate"]
        else "",
        "both nodes hold a grant" if both else "",
        "Asterisk runs here without a grant" if document["ungranted"] else "",
    ]
    if any(signs):
        text = f"split brain suspected: {'; '.join(filter(None, signs))}"
        yield _problem("split", Kind.SPLIT_BRAIN, Severity.CRITICAL, text, _AT_ONCE)


def _peer(document: Document) -> Iterator[Standing]:
    peer = document["peer"]
    if document["role"] not in _ENGINE_RUNS:
        return
    if peer["alive"]["value"] is False:
        text = f"the {peer['node']} ({peer['name']}) is gone: no standby is there"
        yield _problem("peer", Kind.PEER_LOST, Severity.CRITICAL, text, _AT_ONCE)
    elif peer["alive"]["value"] and peer["fit"]["value"] is None and document["role"] in _SERVING:
        text = f"the {peer['node']}'s Heartbeat lives and its agent does not speak: {peer['fit']['why']}"
        yield _problem("peer agent", Kind.PEER_SILENT, Severity.WARNING, text, _STAYING)


def _own_fitness(document: Document) -> Iterator[Standing]:
    if document["role"] == Role.STANDBY.value and not document["fit"]:
        text = f"this standby could not take over: {'; '.join(document['unfit_because'])}"
        yield _problem("unfit", Kind.NODE_UNFIT, Severity.CRITICAL, text, _SOON)


def _card(document: Document) -> Iterator[Standing]:
    card = document["relay"]["card"]
    if card is not None and card["value"] is False:
        text = "the relay card is gone: the line is at the secondary until it is plugged in again"
        yield _problem("card", Kind.CARD_LOST, Severity.CRITICAL, text, _AT_ONCE)


def _links(document: Document) -> Iterator[Standing]:
    """Yield the lost Heartbeat links; both nodes see them, and only the serving node tells.

    Links to a dead peer are all down and are told of as its death.
    """
    if document["role"] not in _SERVING or not document["peer"]["alive"]["value"]:
        return
    for name, state in document["peer"]["links"].items():
        if state != "up":
            text = f"Heartbeat link {name} is lost"
            yield _problem(f"link {name}", Kind.LINK_LOST, Severity.WARNING, text, _AT_ONCE)


def _data(document: Document) -> Iterator[Standing]:
    data, alone = document["data"], document["peer"]["alive"]["value"] is False
    kind = data["kind"]
    if data["problem"] and kind not in _PASSING and not (alone and kind in _OF_A_DEAD_PEER):
        dwell = _AT_ONCE if kind in _SERIOUS else _STAYING
        text = f"the data do not follow ({kind}): {data['problem']}"
        yield _problem(f"data {kind}", Kind.DATA_TROUBLED, Severity.WARNING, text, dwell)
    if data["stale"] and not alone:
        text = "the data here are stale: 'asha sync status' says why"
        yield _problem("stale", Kind.DATA_STALE, Severity.WARNING, text, _STAYING)
    yield from _held_back(data["held_back"], data["held_back_more"])
    if data["telephony"]:
        text = f"the peer's DAHDI configuration does not fit here: {data['telephony']}"
        yield _problem("telephony", Kind.TELEPHONY_MISFIT, Severity.WARNING, text, _AT_ONCE)
    for name in ("unsettled", "postsync"):
        if data[name]:
            yield _problem(f"data {name}", Kind.DATA_TROUBLED, Severity.WARNING, data[name], _AT_ONCE)
    if data["conflicts"]:
        text = "files were changed on both nodes and wait for a choice: 'asha conflicts' shows them"
        yield _problem("conflicts", Kind.DATA_TROUBLED, Severity.WARNING, text, _AT_ONCE)


def _held_back(items: list[dict[str, Any]], more: int) -> Iterator[Standing]:
    """Yield one problem for each item held back, so that the end of each is told too.

    Of a heap of items, which usually has one cause, only the first few are told by name.
    """
    for item in items[:_ITEMS_TOLD]:
        text = f"{item['path']} is held back: {item['why']}. {item['todo']}".strip()
        yield _problem(f"held back {item['path']}", Kind.ITEM_HELD_BACK, Severity.WARNING, text, _AT_ONCE)
    left = len(items[_ITEMS_TOLD:]) + more
    if left:
        text = f"{left} more items are held back: 'asha sync status' names them"
        yield _problem("held back more", Kind.ITEM_HELD_BACK, Severity.WARNING, text, _AT_ONCE)


def _maintenance(document: Document) -> Iterator[Standing]:
    """Yield the maintenance that an operator declared.

    The text names the duration that was left when the alert was made; a running alert is not sent again as
    time passes.
    """
    maintenance = document["maintenance"]
    if maintenance is not None:
        why = f": {maintenance['why']}" if maintenance["why"] else ""
        text = (
            f"maintenance (by {maintenance['by']}{why}): for {max(1, round(maintenance['left'] / 60))} min at the most "
            "this node neither hands over nor restarts Asterisk by itself"
        )
        yield _problem("maintenance", Kind.MAINTENANCE, Severity.WARNING, text, _AT_ONCE)


def _files(document: Document) -> Iterator[Standing]:
    """Yield the trouble with asha's own files; each node tells of those on its own disk."""
    for trouble in document["files"]:
        yield _problem(
            f"file {trouble['path']}", Kind.FILE_SPOILT, Severity.WARNING, trouble["says"], _AT_ONCE
        )
