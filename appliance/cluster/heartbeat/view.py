"""The state of the cluster as Heartbeat's messages have told it so far.

The state covers nodes, links, who holds what, and whether the peer's agent is there.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from appliance.cluster.heartbeat.api import REPLY, HeartbeatApi
from appliance.cluster.heartbeat.messages import MESSAGE_TYPE, agent_event
from appliance.core.reading import Known, Reading, Unknown

Word = TypeVar("Word", bound=enum.Enum)


class NodeStatus(enum.Enum):
    """The status of a node in Heartbeat's terms."""

    INIT = "init"  # heard, still starting
    UP = "up"  # heard, not ready for resources yet
    ACTIVE = "active"
    DEAD = "dead"  # silent for deadtime on every link


class Held(enum.Enum):
    """The resources that a node holds, in Heartbeat's terms.

    This is what Heartbeat believes, not what is; see docs/facts/heartbeat.md.
    """

    NONE = "none"
    LOCAL = "local"
    FOREIGN = "foreign"
    ALL = "all"
    TRANSITION = "transition"


@dataclass(frozen=True, slots=True)
class _Said:
    word: str
    at: float


class ClusterView:
    """A picture of the cluster, made from API messages.

    Pass every API message to `learn`. The object is pure: it knows no clock and no socket.
    """

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._nodes: dict[str, _Said] = {}
        self._links: dict[str, _Said] = {}
        self._holds: dict[str, _Said] = {}
        self._agent: _Said | None = None

    def learn(self, message: Mapping[str, str], now: float) -> bool:
        """Take in one message; return True when something about the cluster changed."""
        before = self._snapshot()
        match message.get("t"):
            case "status" | "shutdone":
                self._note(self._nodes, message.get("src", ""), message.get("st", ""), now)
            case "ifstat":
                if message.get("node") == self._peer:
                    self._note(self._links, message.get("ifname", ""), message.get("st", ""), now)
            case "resource":
                self._note_hold(message, now)
            case "hbapi-clstat":
                self._note_agent(message, now)
            case kind if kind == MESSAGE_TYPE and self._agent is None and message.get("src") == self._peer:
                self._agent = _Said("join", now)  # the peer's agent signed on before this one did
            case kind if kind == REPLY:
                self._reply(message, now)
        return self._snapshot() != before

    def forget(self) -> None:
        """Forget everything, because the connection was lost."""
        for table in self._tables():
            table.clear()
        self._agent = None

    def peer_status(self, now: float) -> Reading[NodeStatus]:
        """Return Heartbeat's status of the other node."""
        return _reading(
            NodeStatus, self._nodes.get(self._peer), f"Heartbeat has not spoken of {self._peer}", now
        )

    def held(self, node: str, now: float) -> Reading[Held]:
        """Return what `node` holds, according to Heartbeat."""
        return _reading(Held, self._holds.get(node), f"Heartbeat has not said what {node} holds", now)

    def links(self) -> dict[str, bool]:
        """Return the peer's links by name; True for a link that is up."""
        return {name: said.word == "up" for name, said in self._links.items()}

    def peer_agent(self, now: float) -> Reading[bool]:
        """Return whether the other node's agent is connected to its Heartbeat."""
        if self._agent is None:
            return Unknown("no word of the other node's agent", now)
        return Known(self._agent.word == "join", self._agent.at)

    def _note(self, table: dict[str, _Said], name: str, word: str, now: float) -> None:
        if name and word:
            table[name] = _Said(word, now)
        if table is self._nodes and name == self._peer and word == "dead":
            self._agent = _Said("leave", now)

    def _note_hold(self, message: Mapping[str, str], now: float) -> None:
        # A 'mach_down' message says what is being taken over, not what is held: the full message follows.
        if message.get("rtype") == "full":
            word = message.get("rsc_hold", "") if message.get("isstable") == "1" else "transition"
            self._note(self._holds, message.get("src", ""), word, now)

    def _note_agent(self, message: Mapping[str, str], now: float) -> None:
        event = agent_event(message, own_node="")
        if event is not None and event[0] == self._peer:
            self._agent = _Said("join" if event[1] else "leave", now)

    def _reply(self, message: Mapping[str, str], now: float) -> None:
        if message.get("result") not in ("OK", "ok/more"):
            return
        match message.get("reqtype"):
            case "nodestatus" | "nodelist":
                self._note(self._nodes, message.get("node", ""), message.get("st", ""), now)
            case "ifstatus" if message.get("node") == self._peer:
                self._note(self._links, message.get("ifname", ""), message.get("st", ""), now)
            case "getrsc":
                self._note(self._holds, message.get("node", ""), message.get("rsc_hold", ""), now)

    def _snapshot(self) -> tuple[object, ...]:
        words = [{name: said.word for name, said in table.items()} for table in self._tables()]
        return (*words, self._agent.word if self._agent else None)

    def _tables(self) -> tuple[dict[str, _Said], ...]:
        return (self._nodes, self._links, self._holds)


def ask_everything(api: HeartbeatApi, node: str, peer: str, links: Iterable[str]) -> None:
    """Ask Heartbeat for the state of nodes, links and resources; the replies go to `ClusterView.learn`.

    Call this once signed on. `links` are the media by their device names. (`iflist` names them too, but the
    status that it gives is not that of a link.)
    """
    for name in (node, peer):
        api.ask("nodestatus", node=name)
    for link in links:
        api.ask("ifstatus", node=peer, ifname=link)
    api.ask("getrsc", node=node)


def _reading(kind: type[Word], said: _Said | None, silence: str, now: float) -> Reading[Word]:
    if said is None:
        return Unknown(silence, now)
    try:
        return Known(kind(said.word), said.at)
    except ValueError:
        return Unknown(f"Heartbeat says '{said.word}', a word asha does not know", now)
