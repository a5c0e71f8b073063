"""The views that people have besides the status, made from the journal, and the switch for maintenance.

The views are history, trends and meters.
"""

from __future__ import annotations

import json
from itertools import islice

from appliance.agent.components.alerts import Alerts
from appliance.agent.components.component import Component, who
from appliance.agent.components.maintenance import MaintenanceSwitch
from appliance.agent.components.samples import Samples
from appliance.agent.context import Context, NodeContext
from appliance.agent.journal import JournalFile
from appliance.agent.operator_policy import OperatorPolicy
from appliance.control.protocol import ControlRequest
from appliance.core.answers import MetersAnswer, Said, TrendsAnswer
from appliance.core.journal_rules import Entry
from appliance.core.maintenance import USUAL
from appliance.core.operator_actions import OperatorAction
from appliance.core.status import AgentUsage, NotifyStatus, Status
from appliance.core.transfer_history import KINDS, PastTransfer, newest_transfers
from appliance.host.process import own_usage
from appliance.host.worker_thread import WorkerThread

# The entries of the journal, for those who look at it; also before the node is set up.


MOST_ENTRIES = 500
# An answer must fit the longest line of the control socket (control/protocol.py), in bytes.
_ROOM = 200_000
_LINKS = frozenset({"prev", "hash"})


class Written(Component):
    """The component with the verbs `events` (entries of this agent's life) and `journal` (entries of the file)."""

    def __init__(self, context: Context) -> None:
        self._journal = context.journal
        self._worker = WorkerThread("written", "The look at the journal")
        self.verbs = {"events": self._events, "journal": self._newest}

    async def _events(self, request: ControlRequest) -> list[Entry]:
        return [entry.fields for entry in self._journal.since(request.whole("since", 0))]

    async def _newest(self, request: ControlRequest) -> list[Entry]:
        count = wanted(request, MOST_ENTRIES)
        return await self._worker.do(lambda: newest_entries(self._journal.settled(), count))


def newest_entries(file: JournalFile, count: int) -> list[Entry]:
    """Return the newest entries of the journal, oldest first.

    There are at most `count` of them, and no more than one answer holds.
    """
    found: list[Entry] = []
    left = _ROOM
    for entry in islice(file.backwards(), count):
        shown = {key: value for key, value in entry.fields.items() if key not in _LINKS}
        left -= len(json.dumps(shown))
        if left < 0:
            break
        found.append(shown)
    return found[::-1]


def wanted(request: ControlRequest, most: int) -> int:
    """Return how many entries are asked for, between 1 and `most`.

    Raises UserError when `newest` is not a whole number.
    """
    return max(1, min(request.whole("newest", most), most))


MOST_TRANSFERS = 50


class History(Component):
    """The component with the verbs for these views, and its part of the status document."""

    def __init__(
        self,
        context: NodeContext,
        *,
        policy: OperatorPolicy,
        maintenance: MaintenanceSwitch,
        samples: Samples,
        alerts: Alerts,
    ) -> None:
        self._policy = policy
        self._maintenance = maintenance
        self._journal = context.journal
        self._samples = samples
        self._node = context.this_node.node
        self._clock = context.clock
        self._alerts = alerts
        self._began = context.clock.now()
        self._worker = WorkerThread("looks", "The look at the journal")
        self.verbs = {
            "history": self._history,
            "trends": self._trends,
            "meters": self._meters,
            "maintenance on": self._maintenance_on,
            "maintenance off": self._maintenance_off,
        }

    def report(self, status: Status) -> Status:
        """Add what may be done now, what the agent uses, and how alerts go out."""
        usage, notify = own_usage(), self._alerts.ways_status()
        added = status._replace(
            permits=self._policy.permits(),
            agent=AgentUsage(
                cpu=round(usage.seconds, 2),
                memory=usage.resident,
                up=round(self._clock.now() - self._began, 1),
            ),
            notify=notify,
        )
        return added.with_problems(notify_problems(notify))

    async def _history(self, request: ControlRequest) -> list[PastTransfer]:
        count = wanted(request, MOST_TRANSFERS)
        return await self._worker.do(
            lambda: newest_transfers(self._journal.settled().backwards(KINDS), count, self._node)
        )

    async def _trends(self, request: ControlRequest) -> TrendsAnswer:
        return self._samples.trends()

    async def _meters(self, request: ControlRequest) -> MetersAnswer:
        return self._samples.meters()

    async def _maintenance_on(self, request: ControlRequest) -> Said:
        seconds, why = request.number("seconds", USUAL), request.text("why")
        permit = self._policy.permitted(OperatorAction.MAINTENANCE_ON, request)
        await self._maintenance.begin(seconds, who(request), why)
        return Said(f"Maintenance is on for {seconds / 60:.0f} min: {permit.says}.")

    async def _maintenance_off(self, request: ControlRequest) -> Said:
        permit = self._policy.permitted(OperatorAction.MAINTENANCE_OFF, request)
        await self._maintenance.end(who(request))
        return Said(f"Maintenance is off: {permit.says}.")


def notify_problems(notify: NotifyStatus) -> list[str]:
    """Return which ways out do not work, in sentences."""
    return [f"alerts do not go out by {way}: {problem}" for way, problem in notify.problems.items()]
