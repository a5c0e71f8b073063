"""A request that Heartbeat has lost: both nodes know, the standby ends it, and what must move moves (virtual time)."""

from __future__ import annotations

from functools import partial

import pytest

from appliance.core.effects import WriteEntry
from appliance.core.engine_requests import ANSWERED_WITHIN, HOUR
from appliance.core.lost_request import forced_move, is_lost
from appliance.core.model import Node, Pbx
from appliance.core.operator_actions import ActionContext, OperatorAction, permit_for
from appliance.core.pair_watch import PairFault, rule_of
from appliance.core.timing import ENGINE_SCRIPTS
from hwsim.virtual.engine import DEADTIME, LATE_DETECTION, NOTICED, STOP_HEEDED, Standby
from hwsim.virtual.node import Agent
from hwsim.virtual.operators import standby_by_force, takeover_by_force
from hwsim.virtual.world import World, served

P, S = Node.PRIMARY, Node.SECONDARY
# What the standby is away for, with what the agents' messages take.
OUT = rule_of(PairFault.REQUEST_LOST).dwell + 20.0


def agent_of(world: World, node: Node) -> Agent:
    agent = world.agents[node]
    assert agent is not None
    return agent


def rest(active: Node = P) -> World:
    """A pair at rest on which `active` serves."""
    world = served()
    if active is S:
        agent_of(world, P).hand_over()
        assert world.until_quiet(60.0)
    world.sleep(700.0)
    world.advance(2.0)
    assert world.serving() is active
    return world


def knows(world: World, node: Node) -> bool:
    agent = agent_of(world, node)
    return is_lost(agent.state, agent.seen().peer)


@pytest.mark.parametrize("both_wait", [False, True])
@pytest.mark.parametrize("active", [P, S])
@pytest.mark.parametrize("trapped", [P, S])
def test_the_model_swallows_a_takeover_as_it_does_a_standby(
    active: Node, trapped: Node, both_wait: bool
) -> None:
    for ask in (World.ask_standby, World.ask_takeover):
        world = rest(active)
        agent_of(world, P).paused_until = agent_of(world, S).paused_until = (
            world.now + HOUR
        )  # Heartbeat alone
        world.heartbeat.trap(trapped, world.now)
        if both_wait:
            world.heartbeat.trap(trapped.other, world.now)
        ask(world, active if ask is World.ask_standby else active.other)
        world.advance(60.0)
        assert world.holders() == [active]


@pytest.mark.parametrize("active", [P, S])
def test_in_the_model_one_that_waits_is_freed_by_a_death_and_by_no_restart(active: Node) -> None:
    for until_dead in (False, True):
        world = rest(active)
        world.heartbeat.trap(active, world.now)
        world.heartbeat.restart_engine(active.other, world.now, until_dead=until_dead)
        world.advance(30.0)
        assert world.holders() == [active]
        assert (world.heartbeat.engines[active].seconds_dropped(world.now) == 0.0) is until_dead


def heal_apart(seed: int) -> World:
    """A pair whose masters hear each other again, after each has called the other one dead and serves."""
    world = served(seed=seed)
    world.advance(2.0)
    world.links.cut_all()
    world.advance(DEADTIME + LATE_DETECTION + 0.2)
    world.links.heal()
    world.advance(0.2)
    assert all(engine.back_at > world.now - NOTICED for engine in world.heartbeat.engines.values())
    return world


def waits_an_hour(world: World, node: Node) -> bool:
    return world.heartbeat.engines[node].seconds_dropped(world.now) > HOUR - 60.0


@pytest.mark.parametrize("seed", range(4))
def test_the_model_cancels_a_request_of_the_instant_in_which_two_hear_each_other_again(seed: int) -> None:
    world = heal_apart(seed)
    agent_of(world, P).paused_until = agent_of(world, S).paused_until = world.now + 8.0  # nobody else asks
    world.ask_standby(P)
    world.advance(5.0)
    assert world.heartbeat.engines[S].standby is Standby.NOT
    assert waits_an_hour(world, P)


@pytest.mark.parametrize("seed", range(4))
def test_no_hand_over_is_asked_for_in_that_instant(seed: int) -> None:
    world = heal_apart(seed)
    agent_of(world, P).hand_over()
    end = world.now + 30.0
    while world.now < end:
        world.advance(0.5)
        assert not any(waits_an_hour(world, node) and world.heartbeat.engines[node].alone for node in Node)
    assert world.until_quiet(120.0)
    assert not world.audit.found


@pytest.mark.parametrize("both_wait", [False, True])
@pytest.mark.parametrize("active", [P, S])
def test_a_takeover_that_is_dropped_is_known_to_both_and_ended_by_the_standby(
    active: Node, both_wait: bool
) -> None:
    world = rest(active)
    world.heartbeat.trap(active.other, world.now)
    if both_wait:
        world.heartbeat.trap(active, world.now)
    agent_of(world, active.other).take_over()
    world.advance(2.0)
    assert knows(world, P) and knows(world, S)
    for _ in range(round(OUT * 10)):
        world.advance(0.1)
        assert world.serving() is active
    assert not knows(world, P) and not knows(world, S)
    agent_of(world, active.other).take_over()
    assert world.until_quiet(60.0)
    assert world.serving() is active.other
    assert world.violations() == []


@pytest.mark.parametrize("active", [P, S])
def test_a_takeover_that_is_lost_on_its_way_is_made_once_more(active: Node) -> None:
    world = rest(active)
    agent_of(world, active.other).take_over()
    world.heartbeat.letters.clear()
    world.advance(ANSWERED_WITHIN - 1.0)
    assert world.serving() is active
    world.advance(10.0)
    assert world.serving() is active.other
    assert not knows(world, P) and not knows(world, S), "nobody was stuck"
    assert world.until_quiet(60.0)
    assert world.violations() == []


@pytest.mark.parametrize("active", [P, S])
def test_one_that_is_lost_twice_is_taken_for_a_stuck_engine_from_when_it_was_made(active: Node) -> None:
    world = rest(active)
    asker = agent_of(world, active.other)
    asker.take_over()
    while asker.state.lost.peers is None:
        world.heartbeat.letters.clear()
        world.advance(0.1)
        assert world.now - asker.asked.takeover_at < ANSWERED_WITHIN + 1.0
    world.advance(1.5)
    assert knows(world, P) and knows(world, S)
    assert asker.state.lost.peers.until == pytest.approx(asker.asked.takeover_at + HOUR, abs=0.5)
    assert world.serving() is active
    world.advance(OUT)
    assert not knows(world, P) and not knows(world, S)
    assert world.violations() == []


@pytest.mark.parametrize("active", [P, S])
def test_a_hand_over_that_is_dropped_here_comes_back_at_once(active: Node) -> None:
    world = rest(active)
    world.heartbeat.trap(active, world.now)
    agent_of(world, active).hand_over()
    world.advance(
        ANSWERED_WITHIN - 0.5
    )  # one that waits calls itself in transition, and is asked last of all
    assert agent_of(world, active).role.holds
    assert world.until_quiet(60.0)
    assert world.holders() == [active]
    assert world.violations() == []


@pytest.mark.parametrize("both_wait", [False, True])
@pytest.mark.parametrize("active", [P, S])
def test_a_node_that_cannot_serve_is_not_stuck(active: Node, both_wait: bool) -> None:
    world = rest(active)
    world.heartbeat.trap(active.other, world.now)
    if both_wait:
        world.heartbeat.trap(active, world.now)
    world.pbx(active, Pbx.DEAD)
    began = world.now
    while world.servers[active.other].pbx.state is not Pbx.RUNNING:
        world.advance(0.1)
        assert world.now - began < 25.0
    assert world.until_quiet(60.0)
    assert world.serving() is active.other
    said = [e.fields.get("says", "") for e in agent_of(world, active).journal if isinstance(e, WriteEntry)]
    assert any("so that the other node takes over" in str(one) for one in said)
    assert world.violations() == []


@pytest.mark.parametrize("active", [P, S])
def test_an_asterisk_that_dies_while_requests_are_dropped_is_started_where_it_is(active: Node) -> None:
    world = rest(active)
    world.heartbeat.trap(active, world.now)
    agent_of(world, active.other).take_over()  # which is dropped, and makes it known
    world.heartbeat.trap(active.other, world.now)
    agent_of(world, active.other).take_over()
    world.advance(1.5)
    assert knows(world, active)
    world.pbx(active, Pbx.DEAD)
    world.advance(1.5)
    assert world.holders() == [active] and not agent_of(world, active).state.cannot_serve
    assert world.until_quiet(60.0)
    assert world.serving() is active
    assert world.violations() == []


@pytest.mark.parametrize("ask", [standby_by_force, takeover_by_force])
@pytest.mark.parametrize("trap", [True, False])
@pytest.mark.parametrize("active", [P, S])
def test_by_force_service_moves_in_the_time_that_is_told(active: Node, trap: bool, ask: object) -> None:
    world = rest(active)
    if trap:
        world.heartbeat.trap(active, world.now)
        world.heartbeat.trap(active.other, world.now)
    began = world.now
    (standby_by_force if ask is standby_by_force else takeover_by_force)(
        world, active if ask is standby_by_force else active.other, 0.0
    )
    while not world.servers[active.other].address:
        world.advance(0.1)
        assert world.now - began < 20.0
    lets_go = 4.0  # the peer is told, Asterisk stops, and Heartbeat notices a death late
    assert world.now - began < forced_move(DEADTIME) + LATE_DETECTION + ENGINE_SCRIPTS + lets_go
    assert world.until_quiet(60.0)
    assert world.serving() is active.other
    agent_of(world, active).take_over()
    assert world.until_quiet(60.0)
    assert world.serving() is active, "it obeys again"
    assert world.violations() == []


@pytest.mark.parametrize("active", [P, S])
@pytest.mark.parametrize("stopped", [P, S])
def test_a_stop_is_not_for_ever(active: Node, stopped: Node) -> None:
    world = rest(active)
    world.heartbeat.trap(stopped, world.now)
    world.stop_engine(stopped)
    world.advance(STOP_HEEDED - 1.0)
    assert world.heartbeat.identity(stopped) is not None
    world.advance(15.0)
    assert world.heartbeat.identity(stopped) is None
    assert world.until_quiet(60.0)
    assert world.serving() is stopped.other
    assert world.violations() == []


def test_what_is_refused_names_the_way_out_and_the_time() -> None:
    world = rest()
    case = ActionContext(dropped_minutes=58)
    for action, node in ((OperatorAction.STANDBY, P), (OperatorAction.TAKEOVER, S)):
        agent = agent_of(world, node)
        ask = partial(permit_for, action, agent.role, agent.seen().peer)
        refused = ask(case)
        assert ask().allowed and not refused.allowed
        assert "58 more min" in refused.says and f"'asha {action.value} --force'" in refused.says
