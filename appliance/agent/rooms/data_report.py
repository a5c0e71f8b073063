"""The state of the data, for the status document and for people."""

from __future__ import annotations

from dataclasses import replace

from appliance.agent.places import DATA
from appliance.agent.rooms.data import DataRoom
from appliance.agent.rooms.room import Room
from appliance.agent.site import Site
from appliance.core.duty import NEWER, Duty
from appliance.core.status import DataStatus, Status
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

    def report(self, status: Status) -> Status:
        """Add the data; the disk is read once."""
        data = data_status(self._data, self._site, self._clock.wall())
        return replace(status, data=data).with_problems(data_problems(data))


def data_status(room: DataRoom, site: Site, wall: float) -> DataStatus:
    """Return how the data of this node stand at `wall`, in seconds since the epoch."""
    state, duty = read_state(DATA.state), room.duty()
    seconds = age(state, wall)
    busy = duty.duty is not Duty.NONE
    return DataStatus(
        duty=duty.duty.value,
        why=duty.why,
        age=None if seconds is None else round(seconds, 1),
        stale=busy and (seconds is None or seconds > site.conf.sync_stale),
        generation=state.generation,
        problem=state.problem if busy else "",
        kind=state.kind if busy else "",
        unsettled=state.unsettled,
        warnings=(*state.warnings, *filter(None, [state.telephony])) if busy else (),
        telephony=state.telephony if busy else "",
        postsync=state.postsync if busy else "",
        phase=state.phase if is_held(DATA.lock) else "",
        done=state.done,
        total=state.total,
        served=bool(read_mark(DATA)),
        newer=room.keeps_newer,
        peer_newer=room.peer_newer,
        conflicts=state.conflicts,
        held_back=tuple(state.held) if busy else (),
        held_back_more=state.held_more if busy else 0,
    )


def data_problems(data: DataStatus) -> list[str]:
    """Return what of the data an operator is to know of, in sentences."""
    found = [data.unsettled, data.problem, *data.warnings, data.postsync]
    shown = data.held_back[:_ITEMS_SHOWN]
    found += [f"{one.path} is held back: {one.why}" for one in shown]
    if more := len(data.held_back) - len(shown) + data.held_back_more:
        found.append(f"{more} more items are held back: 'asha sync status' names them")
    if data.stale:
        old = "never" if data.age is None else f"{data.age:.0f} s ago"
        found.append(f"the data here are stale: last in step with the peer {old} ('asha sync status')")
    if data.newer:
        found.append(NEWER)
    if data.conflicts:
        found.append(f"{data.conflicts} files were changed on both nodes: 'asha conflicts' shows them")
    return [text for text in found if text]
