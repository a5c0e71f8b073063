"""Ask the agent, and read its answer as the value it is.

This is apart from `client`, which scripts wait for and which must be quick to load.
"""

from __future__ import annotations

from typing import TypeVar

from appliance.control.client import AgentSilent, ask
from appliance.core.as_json import read_as
from appliance.host.agent_socket import SOCKET

_T = TypeVar("_T")


def ask_as(
    kind: type[_T], verb: str, *, deadline: float = 5.0, path: str = SOCKET, **arguments: object
) -> _T:
    """Ask the agent for `verb` and return its answer, a `kind` of core.answers.

    Args:
        kind: What the verb answers with.
        verb: What is asked.
        deadline: For each of connecting, sending and being answered, in seconds.
        path: The agent's socket.
        arguments: The arguments of the verb.

    Raises:
        AgentAbsent: No agent took the question.
        AgentSilent: It did not answer in time, or what it says is no `kind`: another version of asha runs there.
        AshaError: What the agent answered instead.
    """
    return as_answer(kind, ask(verb, deadline=deadline, path=path, **arguments))


def as_answer(kind: type[_T], answer: object) -> _T:
    """Return the `kind` in an agent's `answer`. Raises AgentSilent when it is none."""
    try:
        return read_as(kind, answer)
    except ValueError as problem:
        raise another_version(problem) from None


def another_version(problem: ValueError) -> AgentSilent:
    """Return the error for an answer that is not what this version of asha expects, as `problem` says."""
    return AgentSilent(f"The agent speaks another language than this asha: {problem}.")
