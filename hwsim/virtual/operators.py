"""What people do to the pair, at random moments.

What an operator asks of asha is asked only where the shipped rules permit it: the product refuses it elsewhere.
"""

from __future__ import annotations

import dataclasses
from functools import partial

from appliance.core.grant import Verb
from appliance.core.model import Node
from appliance.core.operator_actions import ActionContext, OperatorAction, permit_for
from hwsim.virtual.node import Agent
from hwsim.virtual.site import EPOCH
from hwsim.virtual.world import World

# For so long the agent tells its peer that service is demanded, in seconds.
DEMANDED = 10.0


def standby(world: World, node: Node, _: float) -> None:
    """Ask for a hand-over on the node that serves."""
    for each in (node, node.other):
        agent = world.agents[each]
        if agent is not None and agent.answers and agent.role.holds and world.servers[each].runs:
            agent.hand_over()
            agent.acknowledge_moves()
            return


def standby_cut_short(world: World, node: Node, seconds: float) -> None:
    """Ask for a hand-over, and a moment later cut all cables."""
    standby(world, node, 0.0)
    world.later(world.dice.uniform(0.05, 2.5), world.links.cut_all)
    world.later(seconds + 2.5, world.links.heal)


def standby_and_dark(world: World, node: Node, seconds: float) -> None:
    """Ask for a hand-over, and take the power from the node that is to take over."""
    holders = world.holders()
    standby(world, node, 0.0)
    if holders:
        world.later(seconds, partial(world.power_cut, holders[0].other))
        world.later(seconds + 20.0, partial(world.power_on, holders[0].other))


def ha_stop(world: World, node: Node, seconds: float) -> None:
    """Stop the HA engine, and start it again later."""
    world.stop_engine(node)
    world.later(seconds, partial(world.engine_on, node))


def ha_restart(world: World, node: Node, _: float) -> None:
    """Restart the HA engine."""
    world.restart_engine(node)


def script_stop_by_hand(world: World, node: Node, _: float) -> None:
    """Run the resource script's stop by hand."""
    world.heartbeat.by_hand(node, Verb.STOP, world.now)


def address_taken(world: World, node: Node, _: float) -> None:
    """Take the cluster address off the node."""
    world.servers[node].address = False


def grant_lost(world: World, node: Node, _: float) -> None:
    """Lose the grant's file, and the agent with it."""
    world.lose_grant(node)
    world.kill_agent(node, with_hands=False)


def script_start_by_hand(world: World, node: Node, _: float) -> None:
    """Run the resource script's start by hand."""
    world.heartbeat.by_hand(node, Verb.START, world.now)


def pbx_stop(world: World, node: Node, _: float) -> None:
    """Say 'asha pbx stop', which is a failover on a node that serves."""
    agent = _permitted(world, node, OperatorAction.STOP_PBX)
    if agent is not None and agent.role.holds:
        agent.hand_over("an operator stopped Asterisk")


def line_release(world: World, node: Node, _: float) -> None:
    """Say 'asha line release'."""
    agent = _permitted(world, node, OperatorAction.RELEASE_LINE)
    if agent is not None and agent.role.holds:
        agent.hand_over("an operator released the line")


def takeover(world: World, node: Node, _: float) -> None:
    """Say 'asha takeover'."""
    agent = _permitted(world, node, OperatorAction.TAKEOVER)
    if agent is not None:
        agent.take_over()
        agent.acknowledge_moves()


def standby_by_force(world: World, node: Node, _: float) -> None:
    """Say 'asha standby --force' on the node that serves."""
    agent = _permitted(world, node, OperatorAction.STANDBY)
    if agent is not None:
        agent.hand_over("an operator asked for standby", force=True)
        agent.acknowledge_moves()


def takeover_by_force(world: World, node: Node, _: float) -> None:
    """Say 'asha takeover --force' on the standby, whose peer is told so for a while."""
    agent = _permitted(world, node, OperatorAction.TAKEOVER)
    if agent is not None:
        agent.demands, agent.turn_at = int(EPOCH + world.now), world.now
        agent.acknowledge_moves()
        world.later(DEMANDED, partial(setattr, agent, "demands", 0))


def failback(world: World, _: Node, __: float) -> None:
    """Say 'asha failback' on the primary."""
    agent = _permitted(world, Node.PRIMARY, OperatorAction.FAILBACK)
    if agent is not None and not agent.role.holds:
        agent.take_over()


def maintenance(world: World, node: Node, seconds: float) -> None:
    """Declare maintenance, which ends by itself."""
    if _permitted(world, node, OperatorAction.MAINTENANCE_ON) is not None:
        world.servers[node].maintenance = True
        world.later(seconds, partial(setattr, world.servers[node], "maintenance", False))


def reload(world: World, node: Node, seconds: float) -> None:
    """Have the agent take over another conf file, and the former one later."""
    site = world.sites[node]
    before = site.watch
    site.watch = dataclasses.replace(before, restart_allowed=True)
    world.later(seconds, partial(setattr, site, "watch", before))


def _permitted(world: World, node: Node, action: OperatorAction) -> Agent | None:
    """Return the agent of `node` if it answers and permits `action` now."""
    agent = world.agents[node]
    if agent is None or not agent.answers or not world.servers[node].runs:
        return None
    seen = agent.seen()
    case = ActionContext(
        node=node,
        peer_role=agent.heard[1].role if agent.heard is not None else "",
        unfit="; ".join(agent.fitness(seen).unfit),
    )
    return agent if permit_for(action, agent.role, seen.peer, case).allowed else None
