"""What people look at beside the status: the journal and what can be made of it; and maintenance, which they switch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from appliance.agent.journal import Journal
from appliance.agent.maintenance import MaintenanceRoom
from appliance.agent.rules import Rules, who
from appliance.control.protocol import Message
from appliance.core.errors import UserError
from appliance.core.maintenance import USUAL
from appliance.core.permits import Wish
from appliance.host.clock import Clock
from appliance.host.usage import own_usage


class Looks:
    """The verbs, by name, and their part of the status document. `notify`: how the ways out of alerts do."""

    def __init__(
        self,
        *,
        rules: Rules,
        maintenance: MaintenanceRoom,
        journal: Journal,
        clock: Clock,
        notify: Callable[[], Message],
    ) -> None:
        self._rules = rules
        self._maintenance = maintenance
        self._journal = journal
        self._clock = clock
        self._notify = notify
        self._began = clock.now()
        self.verbs: Mapping[str, Callable[[Message], Awaitable[Any]]] = {
            "events": self._events,
            "maintenance on": self._maintenance_on,
            "maintenance off": self._maintenance_off,
        }

    def document(self) -> Message:
        """What these rooms add to the status document."""
        usage = own_usage()
        return {
            "permits": self._rules.document(),
            "agent": {
                "cpu": round(usage.seconds, 2),
                "memory": usage.resident,
                "up": round(self._clock.now() - self._began, 1),
            },
            "notify": self._notify(),
        }

    async def _events(self, request: Message) -> list[Message]:
        return self._journal.since(int(request.get("since", 0)))

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


def notify_problems(notify: Message) -> list[str]:
    """Which ways out do not work, in sentences."""
    return [f"alerts do not go out by {way}: {problem}" for way, problem in notify["problems"].items()]
