"""The state of the data, for the status document and for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from appliance.agent.places import DATA
from appliance.agent.rooms.data import DataRoom
from appliance.agent.rooms.room import Room
from appliance.agent.site import Site
from appliance.control.protocol import Message
from appliance.core.duty import NEWER, Duty
from appliance.host.clock import Clock
from appliance.host.disk import is_held
from appliance.sync.served import read_mark
from appliance.sync.state import age, read_state

_ITEMS_SHOWN = 5


class DataReport(Room):
    """The room that reports the state of the data to those who ask."""

    def __init__(self, data: DataRoom, site: Site, clock: Clock) -> None:
        self._data = data
        self._site = site
        self._clock = clock

    def report(self) -> tuple[Message, list[str]]:
        """Return the data's part of the status document, read from the disk once, and its problems."""
        data = data_document(self._data, self._site, self._clock.wall())
        return {"data": data}, data_problems(data)


def data_document(room: DataRoom, site: Site, wall: float) -> dict[str, Any]:
    """Return the data's part of the status document.

    `wall`: epoch seconds. In the result, `age`: seconds since this node was last known to have all the peer's
    data. `why`: a note on what is done, not a problem: LOOSE, for instance, is the site's choice, and the
    same on both nodes. `newer`: this node stands by and has data that its peer has not got, so nothing is
    fetched over them. `peer_newer`: the peer has such data. `served`: the mark of such data is on the disk,
    whether or not anybody is to fetch them. `held_back`: the first hundred items left out of the passes (see
    `HeldBack`); `held_back_more`: how many more there are.
    """
    state, duty = read_state(DATA.state), room.duty()
    seconds = age(state, wall)
    busy = duty.duty is not Duty.NONE
    return {
        "duty": duty.duty.value,
        "why": duty.why,
        "age": None if seconds is None else round(seconds, 1),
        "stale": busy and (seconds is None or seconds > site.conf.sync_stale),
        "generation": state.generation,
        "problem": state.problem if busy else "",
        "kind": state.kind if busy else "",
        "unsettled": state.unsettled,
        "warnings": [*state.warnings, *filter(None, [state.telephony])] if busy else [],
        "telephony": state.telephony if busy else "",
        "postsync": state.postsync if busy else "",
        "phase": state.phase if is_held(DATA.lock) else "",
        "done": state.done,
        "total": state.total,
        "served": bool(read_mark(DATA)),
        "newer": room.keeps_newer,
        "peer_newer": room.peer_newer,
        "conflicts": state.conflicts,
        "held_back": [asdict(one) for one in state.held] if busy else [],
        "held_back_more": state.held_more if busy else 0,
    }


def data_problems(data: dict[str, Any]) -> list[str]:
    """Return what an operator must know about the data, in sentences."""
    found = [data["unsettled"], data["problem"], *data["warnings"], data["postsync"]]
    shown = data["held_back"][:_ITEMS_SHOWN]
    found += [f"{one['path']} is held back: {one['why']}" for one in shown]
    if more := len(data["held_back"]) - len(shown) + data["held_back_more"]:
        found.append(f"{more} more items are held back: 'asha sync status' names them")
    if data["stale"]:
        old = "never" if data["age"] is None else f"{data['age']:.0f} s ago"
        found.append(f"the data here are stale: last in step with the peer {old} ('asha sync status')")
    if data["newer"]:
        found.append(NEWER)
    if data["conflicts"]:
        found.append(f"{data['conflicts']} files were changed on both nodes: 'asha conflicts' shows them")
    return [text for text in found if text]
