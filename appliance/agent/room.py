"""What a room of the agent brings to those who ask at the control socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from appliance.control.protocol import Message

Handler = Callable[[Message], Awaitable[Any]]
Verbs = Mapping[str, Handler]


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
