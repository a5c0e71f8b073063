"""An agent killed at any step of a transfer, and started again with nothing but its grant, ends in the same place."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable

import pytest

from appliance.core.model import Node, Pbx
from hwsim.virtual.world import World, served

P, S = Node.PRIMARY, Node.SECONDARY
END = 45.0


def first_start() -> World:
    return World()


def secondary_serves() -> World:
    world = served()
    world.pbx(P, Pbx.DEAD)
    assert world.until_quiet(60.0)
    assert world.serving() is S
    return world


def ask_standby(node: Node) -> Callable[[World], None]:
    """An operator's `asha standby` on `node`; an agent that is just being killed does not hear it."""

    def ask(world: World) -> None:
        agent = world.agents[node]
        assert agent is not None
        agent.hand_over()

    return ask


TRANSFERS: dict[str, tuple[Callable[[], World], Callable[[World], None]]] = {
    "both start together": (first_start, lambda world: None),
    "asterisk dies on the primary": (served, lambda world: world.pbx(P, Pbx.DEAD)),
    "asterisk hangs on the primary": (served, lambda world: world.pbx(P, Pbx.HUNG)),
    "the primary loses its power": (served, lambda world: world.power_cut(P)),
    "heartbeat dies on the primary": (served, lambda world: world.kill_engine(P)),
    "standby on the secondary": (secondary_serves, ask_standby(S)),
    "asterisk dies on the secondary": (secondary_serves, lambda world: world.pbx(S, Pbx.DEAD)),
}


def transfer(name: str, killed: Node | None = None, at: float = 0.0, *, with_hands: bool = False) -> World:
    """Run one to its end, killing one node's agent `at` seconds after its cause."""
    begin, cause = TRANSFERS[name]
    world = begin()
    cause(world)
    world.advance(at)
    if killed is not None:
        world.kill_agent(killed, with_hands=with_hands)
        world.advance(1.0)
    assert world.until_quiet(END), world.picture()
    return world


def steps(name: str) -> list[float]:
    """When, after its cause, something happens in an undisturbed one: an order given, a phase entered."""
    begin, cause = TRANSFERS[name]
    world = begin()
    began, times, last = world.now, [0.0], object()
    cause(world)
    while world.now < began + 12.0:
        world.advance(0.1)
        state = [
            agent and (len(agent.given), len(agent.busy), agent.role, agent.transfer and agent.transfer.phase)
            for agent in world.agents.values()
        ]
        if state != last:
            times.append(round(world.now - began, 1))
        last = state  # type: ignore[assignment]
    return times


EVERY = os.environ.get("ASHA_HYPOTHESIS") == "long"
# Until Heartbeat's stop has spoken, what an agent has just decided or been asked for may die with it.
UNSPOKEN = 0.6


@pytest.mark.parametrize("name", TRANSFERS)
def test_the_end_is_the_same(name: str) -> None:
    whole = transfer(name)
    assert whole.violations() == []
    assert len(whole.holders()) == 1
    times = [tenth / 10 for tenth in range(120)] if EVERY else steps(name)
    for number, (at, node) in enumerate(itertools.product(times, Node)):
        for with_hands in (False, True) if EVERY else (number // 2 % 2 == 0,):
            cut = transfer(name, node, at, with_hands=with_hands)
            assert cut.violations() == [], (at, node, with_hands)
            if at < UNSPOKEN and cut.picture() != whole.picture():
                assert cut.holders() == [cut.serving()], (at, node, with_hands)
            else:
                assert cut.picture() == whole.picture(), (at, node, with_hands)
