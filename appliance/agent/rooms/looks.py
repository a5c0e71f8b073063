"""The views that people have besides the status, made from the journal, and the switch for maintenance.

The views are history, trends and meters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from appliance.agent.journal import Journal, JournalFile
from appliance.agent.rooms.hands import Hands
from appliance.agent.rooms.maintenance import MaintenanceRoom
from appliance.agent.rooms.recorder import Recorder
from appliance.agent.rooms.room import Room, who
from appliance.agent.rooms.written import wanted
from appliance.agent.rules import Rules
from appliance.control.protocol import Message
from appliance.core.chronicle import KINDS, chronicle
from appliance.core.errors import UserError
from appliance.core.maintenance import USUAL
from appliance.core.model import Node
from appliance.core.permits import Wish
from appliance.core.status import AgentUsage, NotifyStatus, Status
from appliance.host.clock import Clock
from appliance.host.usage import own_usage

MOST_TRANSFERS = 50


class Looks(Room):
    """The room with the verbs for these views, and its part of the status document.

    `notify`: returns how the notification ways are doing.
    """

    def __init__(
        self,
        *,
        rules: Rules,
        maintenance: MaintenanceRoom,
        journal: Journal,
        recorder: Recorder,
        node: Node,
        clock: Clock,
        notify: Callable[[], NotifyStatus],
    ) -> None:
        self._rules = rules
        self._maintenance = maintenance
        self._journal = journal
        self._recorder = recorder
        self._node = node
        self._clock = clock
        self._notify = notify
        self._began = clock.now()
        self._hands = Hands("looks", "The look at the journal")
        self.verbs = {
            "history": self._history,
            "trends": self._trends,
            "meters": self._meters,
            "maintenance on": self._maintenance_on,
            "maintenance off": self._maintenance_off,
        }

    def report(self, status: Status) -> Status:
        """Add what may be done now, what the agent uses, and how alerts go out."""
        usage, notify = own_usage(), self._notify()
        added = replace(
            status,
            permits=self._rules.permits(),
            agent=AgentUsage(
                cpu=round(usage.seconds, 2),
                memory=usage.resident,
                up=round(self._clock.now() - self._began, 1),
            ),
            notify=notify,
        )
        return added.with_problems(notify_problems(notify))

    async def _history(self, request: Message) -> list[Message]:
        count = wanted(request, MOST_TRANSFERS)
        return await self._hands.do(lambda: newest_transfers(self._journal.settled(), count, self._node))

    async def _trends(self, request: Message) -> Message:
        return self._recorder.trends()

    async def _meters(self, request: Message) -> Message:
        return self._recorder.meters()

    async def _maintenance_on(self, request: Message) -> Message:
        seconds = request.get("seconds", USUAL)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise UserError("For how long? 'seconds' is a number.")
        permit = self._rules.permitted(Wish.MAINTENANCE_ON, request)
        await self._maintenance.begin(float(seconds), who(request), str(request.get("why", "")))
        return {"says": f"Maintenance is on for {seconds / 60:.0f} min: {permit.says}."}

    async def _maintenance_off(self, request: Message) -> Message:
        permit = self._rules.permitted(Wish.MAINTENANCE_OFF, request)
        await self._maintenance.end(who(request))
        return {"says": f"Maintenance is off: {permit.says}."}


def newest_transfers(file: JournalFile, count: int, node: Node) -> list[Message]:
    """Return the newest transfers in the journal of this node, newest first (see core/chronicle.py)."""
    entries: list[Message] = []
    for entry in file.backwards(KINDS):
        entries.append(entry)
        count -= entry["kind"] == "transfer"
        if count <= 0:
            break
    return chronicle(reversed(entries), node.value)


def notify_problems(notify: NotifyStatus) -> list[str]:
    """Return which ways out do not work, in sentences."""
    return [f"alerts do not go out by {way}: {problem}" for way, problem in notify.problems.items()]
