"""What the agents of a pair tell each other, over Heartbeat's paths.

A message is said when it is new, and again each second. What goes on being said and heard is not played: an agent that
hears the last message of the other one goes on hearing it, until one of them, or the way, is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.core.model import Node
from hwsim.virtual.links import Links
from hwsim.virtual.metal import Server
from hwsim.virtual.node import Agent
from hwsim.virtual.site import PEER_MAX_AGE, Engine, Message

TOLD_PERIOD = 1.0  # the agents tell each other what they see at least so often
SOON = 0.1  # what has just been heard is looked at after so long
NEVER = float("inf")


def _nothing() -> dict[Node, tuple[float, Message | None]]:
    return dict.fromkeys(Node, (0.0, None))


@dataclass
class Talk:
    """The messages of both agents.

    `deaf`: nodes to which none comes. `delay`: how late they come, in seconds. `said`: what each said last, and when.
    `post`: what is on its way, with the time at which it arrives and the node that it goes to. `reaches`: the nodes
    that the other one's messages reach. `unread`: an agent has just got a message that it has not looked at.
    """

    agents: Mapping[Node, Agent | None]
    servers: Mapping[Node, Server]
    heartbeat: Engine
    links: Links
    deaf: set[Node] = field(default_factory=set)
    delay: float = 0.0
    said: dict[Node, tuple[float, Message | None]] = field(default_factory=_nothing)
    post: list[tuple[float, Node, Message]] = field(default_factory=list)
    reaches: set[Node] = field(default_factory=set)
    unread: bool = False

    def look(self, now: float) -> None:
        """Look whom messages reach now; who was reached until now heard the other one until now."""
        self.go_on(now)
        self.reaches = {node for node in self.servers if self._is_told(node)}
        self.go_on(now)

    def go_on(self, now: float) -> None:
        """Have the agents hear what the other one has gone on saying until now."""
        for node in self.reaches:
            agent = self.agents[node]
            if agent is None or agent.heard is None or not self.servers[node].runs:
                continue
            if agent.heard[1] is self.said[node.other][1]:
                agent.heard = (now, agent.heard[1])

    def exchange(self, now: float) -> None:
        """Have the agents say what is new, and again what was not heard; deliver what has arrived."""
        self.unread = False
        for node, agent in self.agents.items():
            if agent is None or agent.message is None or not agent.answers or not self.servers[node].runs:
                continue
            if self.heartbeat.identity(node) is None:
                continue
            at, before = self.said[node]
            new, reader = agent.message, self.agents[node.other]
            heard = reader is not None and reader.heard is not None and reader.heard[1] is new
            if new is before and (heard or now - at < TOLD_PERIOD):
                continue
            self.said[node] = (now, new)
            if self.links.carries(node):
                self.post.append((now + self.delay, node.other, new))
        if self.post:
            self._deliver(now)

    def due(self, node: Node, agent: Agent, now: float) -> float:
        """Return when the agent of `node` hears something, or nothing any more."""
        if self.unread:
            return now + SOON
        said_at, said = self.said[node.other]
        if node not in self.reaches:
            ends = agent.heard[0] + PEER_MAX_AGE + 0.001 if agent.heard is not None else NEVER
            return ends if ends > now else NEVER
        heard = agent.heard is not None and agent.heard[1] is said
        return NEVER if heard or said is None else max(said_at + TOLD_PERIOD, now + SOON)

    def _is_told(self, node: Node) -> bool:
        """Tell whether the messages of the other node reach this one now."""
        speaker = self.agents[node.other]
        speaks = speaker is not None and speaker.answers and self.servers[node.other].runs
        return speaks and self._both_run() and node not in self.deaf and self.links.carries(node.other)

    def _both_run(self) -> bool:
        return None not in [self.heartbeat.identity(node) for node in self.servers]

    def _deliver(self, now: float) -> None:
        due = [letter for letter in self.post if letter[0] <= now]
        self.post = [letter for letter in self.post if letter[0] > now]
        for _, node, message in due:
            reader = self.agents[node]
            listens = self.heartbeat.identity(node) is not None and self.servers[node].runs
            if reader is not None and listens and node not in self.deaf:
                self.unread = self.unread or reader.heard is None or reader.heard[1] is not message
                reader.heard = (now, message)
