"""The agent, as the panel asks it: over the control socket, each question with its deadline."""

from __future__ import annotations

from typing import Any

from appliance.control.client import ask
from appliance.control.protocol import SOCKET
from appliance.control.status import read_status
from appliance.core.status import Status

Document = dict[str, Any]
# Looking must be quick; a wish may wait for Asterisk's stop or Heartbeat's start. Seconds.
_LOOK = 2.0
_DEED = 60.0


class AgentLink:
    """Questions and wishes. Each raises AgentAbsent, AgentSilent, or the error the agent answered with."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path

    def look(self, verb: str, **arguments: object) -> Any:
        """Ask for something that is only shown."""
        return ask(verb, deadline=_LOOK, path=self._path, **arguments)

    def status(self) -> Status:
        """Ask how things stand."""
        return read_status(self.look("status"))

    def do(self, verb: str, by: str, **arguments: object) -> Document:
        """Ask for something to be done, in the name of `by`. The answer's `says` is for people."""
        answer = ask(verb, deadline=_DEED, path=self._path, by=by, **arguments)
        return answer if isinstance(answer, dict) else {"says": str(answer)}
