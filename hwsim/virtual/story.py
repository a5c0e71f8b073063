"""A story of the campaign: faults at gaps, then everything is repaired and the pair settles.

A story is a value: played twice it ends the same. One that a seed makes can be made smaller, and printed as the line
that keeps it as a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from appliance.core.fitness import START_FAILURE_COUNTS_FOR
from appliance.core.model import Node
from appliance.core.transfer import Witness
from hwsim.virtual.alarm import alerts
from hwsim.virtual.audit import Finding, Kind
from hwsim.virtual.faults import Fault, any_fault
from hwsim.virtual.mailboxes import IN_STEP
from hwsim.virtual.twin import twin
from hwsim.virtual.world import World, served

SETTLES = 240.0  # a settled split costs 27 s, a moved service waits for dwell times of a minute and more
STAYS = 30.0
LOOKS = 5.0
# A node on which Asterisk failed to start says so for a while (`core/fitness.py`); no other alarm outlives its cause.
ALARMS_LAST = START_FAILURE_COUNTS_FOR + LOOKS
GAPS = (0.05, 0.3, 1.0, 2.0, 4.0, 10.0, 25.0)
LINGERS = (5.0, 25.0, 90.0)
WITNESSES = (Witness.OFF, Witness.OFF, Witness.PREFER, Witness.REQUIRE)


@dataclass(frozen=True)
class Story:
    """Faults, each `gap` seconds after the one before. `linger`: seconds from the last one to the repair.

    `chance`: what decides where the world is left to chance. `boots`: the pair has only just got its power.
    """

    faults: tuple[tuple[float, Fault], ...]
    linger: float = 25.0
    chance: int = 0
    witness: str = "OFF"
    boots: bool = False

    def __str__(self) -> str:
        begin = "Both nodes get their power" if self.boots else "The primary serves"
        lines = [f"{begin} (HAWITNESS={self.witness})."]
        lines += [f"After {gap:g} s {fault}." for gap, fault in self.faults]
        return "\n".join([*lines, f"After {self.linger:g} s everything is repaired."])

    @property
    def literal(self) -> str:
        """The story as it is kept in a test."""
        faults = ", ".join(f"({gap:g}, {fault!r})" for gap, fault in self.faults)
        more = [f"linger={self.linger:g}", f"chance={self.chance}"]
        more += [f'witness="{self.witness}"'] if self.witness != "OFF" else []
        more += ["boots=True"] if self.boots else []
        return f"Story(({faults},), {', '.join(more)})".replace("'", '"')


def from_seed(seed: int) -> Story:
    """Return the story of a seed: one to five faults."""
    dice = Random(seed)
    faults = tuple((dice.choice(GAPS), any_fault(dice)) for _ in range(dice.randint(1, 5)))
    witness = dice.choice(WITNESSES).value
    return Story(faults, dice.choice(LINGERS), seed, witness, boots=dice.random() < 0.1)


def play(story: Story, world: World | None = None) -> tuple[Finding, ...]:
    """Play the story in a `world` in which it begins; return everything that was found wrong."""
    world = begin(story) if world is None else world
    for gap, fault in story.faults:
        world.advance(gap)
        fault.happen(world)
    world.advance(story.linger)
    world.heal()
    _settle(world)
    world.audit.read_journals()
    found = list(world.audit.found)
    for broken in world.violations():
        at, says = (
            (world.now, broken) if isinstance(broken, str) else (broken.at, f"{broken.rule}: {broken.seen}")
        )
        found.append(Finding(_kind_of(says), at, says))
    return tuple(found)


def begin(story: Story) -> World:
    """Return the world in which the story begins."""
    if story.boots:
        return World(Witness(story.witness), seed=story.chance)
    original = _served(story.witness)
    return twin(original, {original.dice: Random(story.chance)})


@cache
def _served(witness: str) -> World:
    return served(Witness(witness))


def _settle(world: World) -> None:
    """Give everything its time to end well, and look whether it has: whole, and nothing moves any more."""
    world.advance(LOOKS)
    whole_since, end = world.now, world.now + SETTLES
    moves = -1
    while world.now < end and world.now - whole_since < STAYS:
        world.advance(LOOKS, at_once=False)
        if not _whole(world) or moves != world.card.moves:
            whole_since, moves = world.now, world.card.moves
    if world.now - whole_since < STAYS:
        world.audit.find(Kind.NEVER_WHOLE, world.in_words())
    elif late := [node for node in _followers(world) if world.mailboxes.missing(node) > IN_STEP]:
        names = " and ".join(node.value for node in late)
        world.audit.find(Kind.APART, f"messages are missing on the {names}")
    if world.now - whole_since >= STAYS and _standing(world):
        world.advance(ALARMS_LAST, at_once=False)
        if standing := _standing(world):
            world.audit.find(Kind.ALARM, standing)


def _standing(world: World) -> str:
    """Return which critical alerts each node has out, in words; "" when there are none."""
    out = {node: alerts(agent) for node, agent in world.agents.items() if agent is not None}
    return ", ".join(
        f"{kind.name} on the {node.value}"
        for node, kinds in out.items()
        for kind in sorted(kinds, key=lambda kind: kind.name)
    )


def _followers(world: World) -> list[Node]:
    """Return the nodes that must have every message by now: a secondary that serves takes none in."""
    return [Node.PRIMARY] if world.holders() == [Node.SECONDARY] else list(Node)


def _whole(world: World) -> bool:
    """Tell whether one node has everything: the only grant, the line, the telephones."""
    serving = world.serving()
    granted = [node for node in world.servers if world.granted(node)]
    return serving is not None and [serving] == world.holders() == world.answering() == granted


def _kind_of(says: str) -> Kind:
    if says.startswith("energised only"):
        return Kind.RELAY
    return Kind.OWNERS if "owner" in says else Kind.GHOST


# -- making a story smaller ---------------------------------------------------------------------------------


def shrink(story: Story, kind: Kind, limit: int = 200) -> Story:
    """Return a smaller story that still ends in a violation of `kind`. At most `limit` plays."""
    plays = 0
    again = True
    while again:
        again = False
        for smaller in _smaller(story):
            plays += 1
            if plays > limit:
                return story
            if any(found.kind is kind for found in play(smaller)):
                story, again = smaller, True
                break
    return story


def _smaller(story: Story) -> Iterator[Story]:
    faults = story.faults
    for place in range(len(faults) if len(faults) > 1 else 0):
        yield replace(story, faults=faults[:place] + faults[place + 1 :])
    if story.boots:
        yield replace(story, boots=False)
    if story.witness != "OFF":
        yield replace(story, witness="OFF")
    for place, (gap, fault) in enumerate(faults):
        for shorter in (x for x in (0.3, 2.0) if x < gap):
            yield replace(story, faults=(*faults[:place], (shorter, fault), *faults[place + 1 :]))
    for linger in (x for x in LINGERS if x < story.linger):
        yield replace(story, linger=linger)
