"""What a room of the agent brings to those who ask at the control socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from appliance.control.protocol import Message
from appliance.core.alert import one_line
from appliance.core.status import Status

Handler = Callable[[Message], Awaitable[Any]]
Verbs = Mapping[str, Handler]
# More than the panel may say (control/guests.py), so that its mark behind the name stays.
_NAME_LENGTH = 160


class Room:
    """`verbs`: what it answers, by name. Whoever has nothing of a kind leaves that out."""

    verbs: Verbs = MappingProxyType({})

    def report(self, status: Status) -> Status:
        """Return `status` with what this room knows, and with the problems that somebody is to see to."""
        return status.with_problems(self.problems())

    def problems(self) -> list[str]:
        """Return what somebody is to see to, in sentences."""
        return []


def who(request: Message) -> str:
    """Who asks, as the asker says; fit for the journal."""
    return one_line(str(request.get("by", "")), _NAME_LENGTH)
