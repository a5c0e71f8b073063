"""The messages that telephones leave, and whether both nodes keep them: marks instead of files.

A node that answers the telephones gets a message for every second. The passes between the nodes follow the shipped
rule of the data (`appliance.core.data_policy`); the marks are as the product's: a secondary that has got messages while
it served is not overwritten until they are merged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from appliance.core.data_policy import DataDuty, DataSeen, Duty, data_duty
from appliance.core.model import Node
from appliance.core.reading import Known
from hwsim.virtual.node import Agent

PASS_PERIOD = 5.0
IN_STEP = 40.0  # seconds of messages by which the other node may be behind in a settled pair


def _none() -> dict[Node, float]:
    return dict.fromkeys(Node, 0.0)


@dataclass
class Mailboxes:
    """`written[n]`: messages left at node n. `kept[m][n]`: how many of them node m has. `served`: the mark.

    `full`: nodes whose disk takes nothing more, so that telephones cannot leave messages there. `merged_at`: when the
    primary last had everything that the secondary had got while it served; None when that never was so.
    """

    written: dict[Node, float] = field(default_factory=_none)
    kept: dict[Node, dict[Node, float]] = field(default_factory=lambda: {node: _none() for node in Node})
    served: bool = False
    full: set[Node] = field(default_factory=set)
    passed_at: float = 0.0
    merged_at: float | None = None
    looked_at: float | None = None
    answering: tuple[Node, ...] = ()

    def look(
        self,
        answering: Collection[Node],
        agents: Mapping[Node, Agent | None],
        talk: Callable[[], bool],
        now: float,
    ) -> str:
        """Write what was left since the last look, and pass data on; return what was lost, or nothing.

        `talk`: tells whether data can go from node to node.
        """
        since = now - (self.looked_at if self.looked_at is not None else now)
        for node in set(self.answering) - self.full:
            self.written[node] += since
            self.kept[node][node] += since
            self.served = self.served or node is Node.SECONDARY
        self.looked_at, self.answering = now, tuple(answering)
        if now - self.passed_at < PASS_PERIOD or not talk():
            return ""
        self.passed_at = now
        return self._pass(agents, now)

    def missing(self, node: Node) -> float:
        """Return how many messages `node` has not got."""
        return max(self.written[other] - self.kept[node][other] for other in Node)

    def _pass(self, agents: Mapping[Node, Agent | None], now: float) -> str:
        for node in Node:
            agent, peer = agents[node], agents[node.other]
            if node in self.full or agent is None or peer is None or not agent.answers or not peer.answers:
                return ""
            if lost := self._do(node, self.duty(agent, peer, now).duty, now):
                return lost
        return ""

    def duty(self, agent: Agent, peer: Agent, now: float) -> DataDuty:
        """Return the task of the agent's node with the data, by the shipped rule."""
        secondary = agent.this_node.node is Node.SECONDARY
        seen = DataSeen(
            node=agent.this_node.node,
            role=agent.role,
            pbx=Known(agent.this_node.server.pbx.state, now),
            synch=True,
            own_served=self.served and secondary,
            peer_role=peer.role.value,
            peer_served=Known(self.served and not secondary, now),
        )
        return data_duty(seen)

    def _do(self, node: Node, duty: Duty, now: float) -> str:
        mine, theirs = self.kept[node], self.kept[node.other]
        if duty is Duty.NONE:
            return ""
        before = dict(mine)
        for origin in Node:
            mine[origin] = theirs[origin] if duty is Duty.PULL else max(mine[origin], theirs[origin])
        if duty is Duty.MERGE:
            self.served, self.merged_at = False, now
        worst = max(before[origin] - max(mine[origin], theirs[origin]) for origin in Node)
        return f"{worst:.0f} messages were overwritten on the {node.value}" if worst > 1e-6 else ""
