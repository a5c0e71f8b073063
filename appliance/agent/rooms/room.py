"""The base of the agent's rooms: what a room adds for those who ask at the control socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from appliance.control.protocol import Message
from appliance.core.alert import one_line

Handler = Callable[[Message], Awaitable[Any]]
Verbs = Mapping[str, Handler]
# Longer than what the panel may say (control/guests.py), so that its mark behind the name is not cut off.
_NAME_LENGTH = 160


class Room:
    """A part of the agent that answers requests and reports to the status document.

    `verbs`: the handlers of the room by verb. A room that has no verbs, document or problems leaves that
    member out.
    """

    verbs: Verbs = MappingProxyType({})

    def document(self) -> Message:
        """Return this room's part of the status document."""
        return {}

    def problems(self) -> list[str]:
        """Return what needs an operator's attention, in sentences, for the status document."""
        return []

    def report(self) -> tuple[Message, list[str]]:
        """Return both the part and the problems; overridden by a room whose problems follow from its part."""
        return self.document(), self.problems()


def who(request: Message) -> str:
    """Return the name that the asker gives, fit for the journal."""
    return one_line(str(request.get("by", "")), _NAME_LENGTH)
