"""The base of the agent's components: what a component adds for those who ask at the control socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from appliance.control.protocol import ControlRequest
from appliance.core.alerts import one_line
from appliance.core.status import Status

Handler = Callable[[ControlRequest], Awaitable[Any]]
Verbs = Mapping[str, Handler]
# More than the panel may say (control/access.py), so that its mark behind the name stays.
_NAME_LENGTH = 160


class Component:
    """A part of the agent that answers requests and reports to the status document.

    `verbs`: the handlers of the component by verb. A component leaves out the members that it has no use for. It
    takes a context (agent/context.py), and becomes a part of the agent by a line in `AgentParts.components`.
    """

    verbs: Verbs = MappingProxyType({})

    async def first_look(self) -> None:
        """Look once at what people are told of, before anybody is told."""

    async def run(self) -> None:
        """Do the regular work of the component until cancelled; without any, wait."""
        await asyncio.Event().wait()

    def close(self) -> None:
        """End what the component has begun, when the agent ends; nothing here may wait."""

    def report(self, status: Status) -> Status:
        """Return `status` with what this component knows, and with the problems that somebody is to see to."""
        return status.with_problems(self.problems())

    def problems(self) -> list[str]:
        """Return what somebody is to see to, in sentences."""
        return []


def who(request: ControlRequest) -> str:
    """Return the name that the asker gives, fit for the journal."""
    return one_line(request.by, _NAME_LENGTH)
