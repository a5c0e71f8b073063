"""What a room of the agent brings to those who ask at the control socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from appliance.control.protocol import Message
from appliance.core.alert import one_line

Handler = Callable[[Message], Awaitable[Any]]
Verbs = Mapping[str, Handler]
# More than the panel may say (control/guests.py), so that its mark behind the name stays.
_NAME_LENGTH = 160


class Room:
    """`verbs`: what it answers, by name. Whoever has nothing of a kind leaves that out."""

    verbs: Verbs = MappingProxyType({})

    def document(self) -> Message:
        """Its part of the status document."""
        return {}

    def problems(self) -> list[str]:
        """What somebody is to see to, in sentences, for the status document."""
        return []

    def report(self) -> tuple[Message, list[str]]:
        """Both, for a room whose problems are in its part."""
        return self.document(), self.problems()


def who(request: Message) -> str:
    """Who asks, as the asker says; fit for the journal."""
    return one_line(str(request.get("by", "")), _NAME_LENGTH)
