"""An agent killed at any step of a transfer, and started again with nothing but its grant, ends in the same place."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from pair_world import World, served

from appliance.core.model import Node, Pbx

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


def transfer(name: str, kills: dict[float, Node], *, with_hands: bool) -> World:
    """Run one, killing agents at the given times after its cause."""
    begin, cause = TRANSFERS[name]
    world = begin()
    began = world.now
    cause(world)
    for at, node in sorted(kills.items()):
        world.advance(began + at - world.now)
        world.kill_agent(node, with_hands=with_hands)
    world.advance(began + END - world.now)
    return world


def steps(name: str) -> list[float]:
    """When, after its cause, something happens in an undisturbed one: an order given, a phase entered."""
    begin, cause = TRANSFERS[name]
    world = begin()
    began, times, last = world.now, [0.0], object()
    cause(world)
    while world.now < began + END:
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


@pytest.mark.parametrize("with_hands", [False, True], ids=["orders go on", "orders die too"])
@pytest.mark.parametrize("name", TRANSFERS)
def test_the_end_is_the_same(name: str, with_hands: bool) -> None:
    whole = transfer(name, {}, with_hands=False)
    assert whole.violations() == []
    assert len(whole.holders()) == 1
    times = [tenth / 10 for tenth in range(round(END * 7))] if EVERY else steps(name)
    for at in times:
        for node in Node:
            cut = transfer(name, {at: node}, with_hands=with_hands)
            assert cut.violations() == [], (at, node)
            if _killed_the_request(name, at):
                # The wish died with the agent that had heard it: service stays where it was, whole.
                assert len(cut.holders()) == 1
                assert cut.serving() is cut.holders()[0]
            else:
                assert cut.picture() == whole.picture(), (at, node)


def _killed_the_request(name: str, at: float) -> bool:
    return name.startswith("standby") and at < 0.5
