"""Ask the agent how things stand, and read its answer as a `Status`.

This is apart from `answers`, because the status is the largest of them and the slowest to load.
"""

from __future__ import annotations

from appliance.control.answers import another_version
from appliance.control.client import ask
from appliance.core.status import Status, from_json
from appliance.host.agent_socket import SOCKET


def ask_status(*, deadline: float = 5.0, path: str = SOCKET) -> Status:
    """Return the agent's status.

    Args:
        deadline: For each of connecting, sending and being answered, in seconds.
        path: The agent's socket.

    Raises:
        AgentAbsent: No agent took the question.
        AgentSilent: It did not answer in time, or what it says is no status: another version of asha runs there.
    """
    return read_status(ask("status", deadline=deadline, path=path))


def read_status(answer: object) -> Status:
    """Return the status in an agent's `answer`. Raises AgentSilent when it is none."""
    try:
        return from_json(answer)
    except ValueError as problem:
        raise another_version(problem) from None
