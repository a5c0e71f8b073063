"""The agents' process group: its members, and the messages between them (see `cpg_bridge.py`)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from appliance.core.document import parse_object
from appliance.core.errors import HostError
from appliance.host.stream import Stream

PROGRAM = Path(__file__).with_name("cpg_bridge.py")
_LINE = 4000  # bytes that a pipe takes whole


class AgentGroup:
    """A running bridge to the process group.

    `nodes`: the ids of the nodes that Corosync sees; `agents`: of those where an agent is a member; None until told.
    Raises HostError when the bridge cannot be started.
    """

    def __init__(self, python: Path, program: Path = PROGRAM) -> None:
        # Without `-S`, a distribution's site would be read; with threads here the bridge binds itself to this process.
        self._stream = Stream([python, "-I", "-S", program], bound=False)
        self.nodes: frozenset[int] | None = None
        self.agents: frozenset[int] | None = None

    @property
    def closed(self) -> bool:
        """True when the bridge has ended."""
        return self._stream.ended

    def fileno(self) -> int:
        """Return a descriptor that is readable when the bridge has said something or has ended."""
        return self._stream.fileno()

    def drain(self) -> tuple[list[tuple[int, dict[str, str]]], bool]:
        """Return the messages that have come, each with its sender's node, and whether the members have changed."""
        messages: list[tuple[int, dict[str, str]]] = []
        changed = False
        while line := self._stream.line(0.0):
            word, _, rest = line.decode("ascii", "replace").partition(" ")
            if word == "message":
                messages += _message(rest)
            else:
                changed |= self._learn(word, rest)
        return messages, changed or self.closed

    def send(self, fields: Mapping[str, str]) -> None:
        """Send `fields` to all agents, this one included; a bridge that does not read gets nothing."""
        line = json.dumps(dict(fields), separators=(",", ":")).encode("ascii")
        if len(line) < _LINE:
            with contextlib.suppress(OSError, ValueError):
                self._stream.offer(line)

    def complaint(self) -> str:
        """Return what the bridge has said of its end."""
        return self._stream.complaint()

    def close(self) -> None:
        """End the bridge."""
        with contextlib.suppress(HostError, OSError):
            self._stream.close()

    def _learn(self, word: str, rest: str) -> bool:
        ids = frozenset(int(number) for number in rest.split() if number.isdigit())
        before = (self.nodes, self.agents)
        if word == "nodes":
            self.nodes = ids
        elif word == "agents":
            self.agents = ids
        return before != (self.nodes, self.agents)


def _message(text: str) -> list[tuple[int, dict[str, str]]]:
    """Return the message in `text`, or nothing when it is none of an agent's."""
    number, _, body = text.partition(" ")
    try:
        fields = parse_object(body)
    except ValueError:
        return []
    if not number.isdigit():
        return []
    if not all(isinstance(value, str) for value in fields.values()):
        return []
    return [(int(number), fields)]
