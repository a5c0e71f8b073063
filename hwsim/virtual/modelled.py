"""What the pair in virtual time takes for the events that `compare` measures on the rack too."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from appliance.core.model import Node, Pbx
from hwsim.campaign.compared import Event, Measure, Measures, overlap
from hwsim.virtual.links import LAN_OF, Cable
from hwsim.virtual.world import World, served

P, S = Node.PRIMARY, Node.SECONDARY
_STEP = 0.05
_PATIENCE = 60.0


def modelled(event: Event, seed: int) -> Measures:
    """Play `event` once in virtual time."""
    world = served(seed=seed)
    world.advance(Random(seed).uniform(0.5, 3.0))
    return _EVENTS[event](world)


def _power_cut(world: World) -> Measures:
    world.power_cut(P)
    return _taken(world)


def _asterisk_killed(world: World) -> Measures:
    world.pbx(P, Pbx.DEAD)
    return _taken(world)


def _split(world: World) -> Measures:
    _cut(world)
    began = world.now
    granted = _after(world, lambda: world.books[S].grant.held)
    world.advance(began + Event.SPLIT.seconds - world.now)
    return {Measure.GRANTED: granted, **_healed(world)}


def _apart(world: World) -> Measures:
    world.power_cut(P)
    _after(world, lambda: world.answering() == [S])
    _cut(world)
    world.power_on(P)
    _after(world, lambda: _serves(world, P))
    return _healed(world)


def _taken(world: World) -> Measures:
    granted = _after(world, lambda: world.books[S].grant.held)
    return {
        Measure.GRANTED: granted,
        Measure.ANSWERS: granted + _after(world, lambda: S in world.answering()),
    }


def _healed(world: World) -> Measures:
    world.links.heal()
    began, looks = world.now, [(world.now, tuple(node for node in Node if _serves(world, node)))]
    while world.now - began < Event.SPLIT.watched:
        world.advance(_STEP)
        looks.append((world.now, tuple(node for node in Node if _serves(world, node))))
    return overlap([(at, len(serving)) for at, serving in looks], began)


def _cut(world: World) -> None:
    """Cut both cables of the primary."""
    world.links.cut(LAN_OF[P])
    world.links.cut(Cable.DIRECT)


def _serves(world: World, node: Node) -> bool:
    """Tell whether a node serves, as the rack counts it: it has the address, and an Asterisk that may still boot."""
    server = world.servers[node]
    return server.address and server.pbx.state is not Pbx.DEAD


def _after(world: World, condition: Callable[[], bool]) -> float:
    """Return the seconds until `condition` holds. Raises AssertionError when it never does."""
    began = world.now
    while not condition():
        assert world.now - began < _PATIENCE, world.in_words()
        world.advance(_STEP)
    return world.now - began


_EVENTS: dict[Event, Callable[[World], Measures]] = {
    Event.POWER_CUT: _power_cut,
    Event.ASTERISK_KILLED: _asterisk_killed,
    Event.SPLIT: _split,
    Event.APART: _apart,
}
