"""The base of the agent's components: what a component adds for those who ask at the control socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from appliance.control.protocol import Message
from appliance.core.alerts import one_line
from appliance.core.status import Status

Handler = Callable[[Message], Awaitable[Any]]
Verbs = Mapping[str, Handler]
# More than the panel may say (control/access.py), so that its mark behind the name stays.
_NAME_LENGTH = 160


class Component:
    """A part of the agent that answers requests and reports to the status document.

    `verbs`: the handlers of the component by verb. A component that has no verbs, document or problems leaves that
    member out.
    """

    verbs: Verbs = MappingProxyType({})

    def report(self, status: Status) -> Status:
        """Return `status` with what this component knows, and with the problems that somebody is to see to."""
        return status.with_problems(self.problems())

    def problems(self) -> list[str]:
        """Return what somebody is to see to, in sentences."""
        return []


def who(request: Message) -> str:
    """Return the name that the asker gives, fit for the journal."""
    return one_line(str(request.get("by", "")), _NAME_LENGTH)
