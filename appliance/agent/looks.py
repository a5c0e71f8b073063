"""What people look at beside the status: the journal and what is made of it; and maintenance, which they switch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any

from appliance.agent.journal import Journal, JournalFile
from appliance.agent.maintenance import MaintenanceRoom
from appliance.agent.recorder import Recorder
from appliance.agent.rules import Rules, who
from appliance.control.protocol import Message
from appliance.core.chronicle import KINDS, chronicle
from appliance.core.errors import UserError
from appliance.core.maintenance import USUAL
from appliance.core.model import Node
from appliance.core.permits import Wish
from appliance.host.clock import Clock
from appliance.host.usage import own_usage

MOST_ENTRIES = 500
MOST_TRANSFERS = 50
# An answer must fit the longest line of the control socket (control.protocol), in bytes.
_ROOM = 200_000
_LINKS = frozenset({"prev", "hash"})


class Looks:
    """The verbs, by name, and their part of the status document. `notify`: how the ways out of alerts do."""

    def __init__(
        self,
        *,
        rules: Rules,
        maintenance: MaintenanceRoom,
        journal: Journal,
        file: JournalFile,
        recorder: Recorder,
        node: Node,
        clock: Clock,
        notify: Callable[[], Message],
    ) -> None:
        self._rules = rules
        self._maintenance = maintenance
        self._journal = journal
        self._file = file
        self._recorder = recorder
        self._node = node
        self._clock = clock
        self._notify = notify
        self._began = clock.now()
        self.verbs: Mapping[str, Callable[[Message], Awaitable[Any]]] = {
            "events": self._events,
            "journal": self._written,
            "history": self._history,
            "trends": self._trends,
            "meters": self._meters,
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

    async def _written(self, request: Message) -> list[Message]:
        count = _count(request, MOST_ENTRIES)
        return await asyncio.to_thread(lambda: newest_entries(self._settled(), count))

    async def _history(self, request: Message) -> list[Message]:
        count = _count(request, MOST_TRANSFERS)
        return await asyncio.to_thread(lambda: newest_transfers(self._settled(), count, self._node))

    def _settled(self) -> JournalFile:
        """The file with all that the status has shown already. Blocking, for a second at the most."""
        self._journal.settle()
        return self._file

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


def newest_entries(file: JournalFile, count: int) -> list[Message]:
    """The newest entries of the journal, oldest first: at most `count`, and not more than an answer holds."""
    found: list[Message] = []
    room = _ROOM
    for entry in islice(file.backwards(), count):
        shown = {key: value for key, value in entry.items() if key not in _LINKS}
        room -= len(json.dumps(shown))
        if room < 0:
            break
        found.append(shown)
    return found[::-1]


def newest_transfers(file: JournalFile, count: int, node: Node) -> list[Message]:
    """The newest transfers in the journal of this node, newest first (see core/chronicle.py)."""
    entries: list[Message] = []
    for entry in file.backwards(KINDS):
        entries.append(entry)
        count -= entry["kind"] == "transfer"
        if count <= 0:
            break
    return chronicle(reversed(entries), node.value)


def _count(request: Message, most: int) -> int:
    """How many are wanted. Raises UserError for what is no number."""
    newest = request.get("newest", most)
    if isinstance(newest, bool) or not isinstance(newest, int):
        raise UserError("How many? 'newest' is a whole number.")
    return max(1, min(newest, most))


def notify_problems(notify: Message) -> list[str]:
    """Which ways out do not work, in sentences."""
    return [f"alerts do not go out by {way}: {problem}" for way, problem in notify["problems"].items()]
