"""HAAUTOFAILBACK=on in virtual time: the shipped rule, looked at once a second by whoever lets the time go by."""

from __future__ import annotations

from appliance.core.auto_failback import FailbackPolicy, follow, why_not_back
from appliance.core.auto_failback import WayBack as Wait
from appliance.core.data_policy import Home
from appliance.core.model import Node
from hwsim.virtual.node import Agent
from hwsim.virtual.world import World

SYNC_STALE = 300.0  # SYNCSTALE


class WayBack:
    """The job of the primary's agent that asks for service when everything has been in order for long enough.

    It begins anew with each life of the agent, as the product's does. `waits`: for how many seconds it had waited each
    time that it asked.
    """

    def __init__(self, policy: FailbackPolicy) -> None:
        self._policy = policy
        self._agent: Agent | None = None
        self._wait = Wait()
        self.waits: list[float] = []

    def look(self, world: World) -> None:
        """Look once, and ask for service when it is due."""
        agent, peer = world.agents[Node.PRIMARY], world.agents[Node.SECONDARY]
        if agent is not self._agent:
            self._agent, self._wait = agent, Wait()
        if agent is None or not agent.answers or not world.servers[Node.PRIMARY].runs:
            return
        blocked = "the other node has no agent" if peer is None else self._why_not(world, agent, peer)
        self._wait, due = follow(self._wait, blocked, agent.state.moves, self._policy, world.now)
        if due:
            self.waits.append(world.now - (self._wait.since or world.now))
            world.audit.cause_at = world.now
            agent.take_over()

    def _why_not(self, world: World, agent: Agent, peer: Agent) -> str:
        seen, merged_at, maintained = agent.seen(), world.mailboxes.merged_at, world.servers.values()
        home = Home(
            node=Node.PRIMARY,
            role=agent.role,
            fit=not agent.fitness(seen).unfit,
            peer_alive=seen.peer.alive,
            peer_role=agent.heard[1].role if agent.heard is not None else "",
            synch=True,
            duty=world.mailboxes.duty(agent, peer, world.now),
            merged_ago=None if merged_at is None else world.now - merged_at,
            conflicts=0,
        )
        stands_down = any(server.maintenance for server in maintained)
        return why_not_back(agent.state, seen.peer, home, SYNC_STALE, stands_down=stands_down)
