"""The asking side of the control socket.

Asking blocks, with a deadline; this module is cheap to import, because scripts wait for it.
"""

from __future__ import annotations

import socket
from typing import Any

from appliance.control.protocol import LINE_LIMIT, ControlRequest, decode, encode, unwrap
from appliance.core.errors import ClusterError
from appliance.host.agent_socket import SOCKET
from appliance.host.bounded import Lines


class AgentAbsent(ClusterError):
    """The error that no agent took the request: it does not run, or the asker may not reach it."""


class AgentSilent(ClusterError):
    """The error that an agent took the request and did not answer within the deadline."""


def ask(verb: str, *, deadline: float = 5.0, path: str = SOCKET, **arguments: object) -> Any:
    """Ask the agent for `verb` and return its result.

    `deadline` is in seconds, for each of connecting, sending and being answered. Raises AgentAbsent,
    AgentSilent, or the error that the agent answered with.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(deadline)
        _connect(connection, path)
        try:
            connection.sendall(encode(ControlRequest(verb, arguments).to_json()))
            line = _read_line(connection)
        except TimeoutError:
            raise AgentSilent(f"The agent did not answer '{verb}' within {deadline:g} s.") from None
        except OSError as problem:
            raise AgentAbsent(f"The agent broke off while answering '{verb}': {problem.strerror}.") from None
    return unwrap(decode(line))


def _connect(connection: socket.socket, path: str) -> None:
    try:
        connection.connect(path)
    except PermissionError:
        raise AgentAbsent("Only root may talk to the agent.", todo="Run it as root.") from None
    except TimeoutError:
        raise AgentSilent(f"The agent at {path} does not accept connections.") from None
    except OSError:
        raise AgentAbsent(
            f"The agent is not running (nothing listens on {path}).", todo="Start it: service asha start."
        ) from None


def _read_line(connection: socket.socket) -> bytes:
    lines = Lines(LINE_LIMIT, "The agent")
    while (line := lines.take()) is None:
        piece = connection.recv(65536)
        if not piece:
            raise AgentAbsent("The agent went away before it had answered.")
        lines.feed(piece)
    return line
