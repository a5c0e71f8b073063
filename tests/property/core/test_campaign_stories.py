"""The fault campaign in virtual time: a few hundred seeds, and the stories that were kept because they once failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.model import Node, Pbx
from appliance.core.service_state import NOT_PREPARED
from hwsim.virtual import story as stories
from hwsim.virtual.audit import Finding, Kind
from hwsim.virtual.campaign import outcome
from hwsim.virtual.faults import KINDS, Fault
from hwsim.virtual.story import Story, from_seed, play, shrink
from hwsim.virtual.world import World, served

P, S = Node.PRIMARY, Node.SECONDARY

SEEDS = 200
STORIES: dict[str, Story] = {
    "the active node reboots behind cut cables": Story(
        ((1, Fault("cold start apart", "primary", 20)),), linger=90
    ),
    "the standby reboots behind cut cables": Story(
        ((1, Fault("cold start apart", "secondary", 20)),), linger=90
    ),
    "both boot before the switch": Story(((1, Fault("both start apart", "primary", 20)),), linger=90),
    "a split of running nodes": Story(((1, Fault("all links cut", "primary", 20)),), linger=60),
    "the active node stands still": Story(((1, Fault("frozen", "primary", 60)),), linger=90),
    "a request is cut short": Story(((1, Fault("standby cut short", "primary", 1.5)),), linger=60),
    "the target of a hand-over loses power": Story(
        ((1, Fault("standby and dark", "primary", 1)),), linger=90
    ),
    "the script is stopped by hand": Story(((1, Fault("script stop by hand", "primary")),), linger=60),
    "the address is taken away": Story(((1, Fault("address taken", "primary")),), linger=90),
    "the LAN of the active node is cut": Story(((1, Fault("lan cut", "primary", 200)),), linger=90),
    "the standby is deaf": Story(((1, Fault("deaf", "secondary", 60)),), linger=90),
    "the standby is deaf and the direct cable blinks": Story(
        ((0.05, Fault("deaf", "secondary", 20)), (10, Fault("direct cut", "primary", 3))),
        linger=5,
        chance=434,
    ),
    "all cables are out and the active node has stood still": Story(
        ((0.3, Fault("frozen", "primary", 60)), (0.3, Fault("all links cut", "secondary", 60))),
        linger=90,
        chance=313,
    ),
    "both boot apart, and the one that yields has no agent": Story(
        ((0.3, Fault("both start apart", "secondary", 60)), (10, Fault("agent dies", "secondary", 20))),
        linger=5,
        chance=349,
    ),
    "the active node stands still, and the agent of the other dies": Story(
        ((0.3, Fault("frozen", "primary", 10)), (0.3, Fault("agent dies", "secondary"))),
        linger=25,
        chance=414,
    ),
    "Asterisk cannot be seen on either node, and the LAN of the active one is cut": Story(
        (
            (1, Fault("blind", "primary")),
            (25, Fault("blind", "secondary")),
            (10, Fault("lan deaf", "primary", 20.0)),
        ),
        linger=90,
        chance=12088,
        witness="PREFER",
    ),
    "the LAN comes back where nobody serves": Story(
        (
            (0.3, Fault("lan cut", "secondary", 200.0)),
            (0.3, Fault("lan cut", "primary", 60.0)),
            (0.3, Fault("power cycle", "primary", 1.5)),
        ),
        linger=90,
        chance=565,
    ),
    "two that started apart, and Asterisk dies on both": Story(
        (
            (0.3, Fault("cold start apart", "primary", 20.0)),
            (10, Fault("asterisk dies", "secondary")),
            (2, Fault("asterisk dies", "primary")),
        ),
        linger=5,
        chance=2985,
    ),
    "two that started apart, and one has given up": Story(
        (
            (0.3, Fault("deaf", "primary", 20)),
            (25, Fault("frozen, heartbeat killed", "secondary", 30)),
        ),
        linger=25,
        chance=536,
    ),
    "the engine that is restarted because nobody serves": Story(
        ((0.3, Fault("lan cut", "primary", 200)), (2, Fault("standby cut short", "primary", 0.3))),
        linger=5,
        chance=467,
    ),
    "Asterisk hangs after a start of the standby was broken off": Story(
        (
            (0.3, Fault("agent stops", "secondary", 3)),
            (0.3, Fault("agent stops", "primary", 1.5)),
            (0.3, Fault("standby cut short", "primary", 0.3)),
            (25, Fault("asterisk hangs", "primary")),
        ),
        linger=90,
        chance=171,
    ),
    "the LAN cable of the only node carries nothing to it": Story(
        (
            (0.3, Fault("power cut", "primary")),
            (0.3, Fault("power cycle", "secondary", 8)),
            (10, Fault("lan deaf", "secondary", 60)),
        ),
        linger=90,
        chance=250,
    ),
    "both engines end, and nobody starts them": Story(
        ((0.05, Fault("heartbeat dies", "primary")), (10, Fault("heartbeat dies", "secondary"))), linger=90
    ),
    "the script is started by hand, and two serve again soon after": Story(
        (
            (25, Fault("messages late", "secondary", 0.3)),
            (0.3, Fault("script start by hand", "secondary")),
            (2, Fault("deaf", "secondary", 60)),
        ),
        linger=5,
        chance=1392,
    ),
    "the engine's word restores a grant whose address was taken off": Story(
        (
            (4, Fault("line flickers", "primary", 20)),
            (0.05, Fault("agent stops", "primary", 20)),
            (0.05, Fault("standby", "primary")),
            (4, Fault("ha restart", "primary")),
            (1, Fault("frozen", "secondary", 10)),
        ),
        linger=5,
        chance=95,
    ),
    "the address is taken away twice": Story(
        (
            (0.3, Fault("address taken", "primary")),
            (4, Fault("address taken", "primary")),
            (10, Fault("maintenance", "secondary", 60)),
        ),
        linger=90,
        chance=460,
    ),
    "the active node stands still, and loses its agent, its engine and its grant's file": Story(
        (
            (0.3, Fault("frozen, heartbeat killed", "primary", 30)),
            (0.05, Fault("grant lost", "primary")),
        ),
        linger=90,
        chance=4875,
    ),
    "Heartbeat reboots a primary whose card does not let go": from_seed(2203),
    "the script works alone while the agent stands still, and then its engine dies": Story(
        (
            (10, Fault("takeover", "primary")),
            (0.3, Fault("agent stops", "primary", 20)),
            (10, Fault("reload", "secondary", 60)),
            (0.3, Fault("heartbeat dies and returns", "primary", 20)),
        ),
        linger=5,
        chance=7678,
        boots=True,
    ),
    "Asterisk dies on both while they are apart, and each gives service up to the other": from_seed(9509),
    "a node cut off with the address and a hung Asterisk meets the one that serves": from_seed(9142),
    "a link that was being restarted is not restarted at once in the next service": from_seed(10524),
    "the engine takes a standby for one that serves, and leaves the address there": from_seed(11378),
    "the other node keeps its grant, and the start of the other is lost": from_seed(11707),
    "both engines believe that they serve, and the standby has the address": from_seed(12626),
    "scripts work alone, and the next one finds the agent again": from_seed(13207),
    "an engine that dies before the agent of this boot has seen it run": from_seed(63525),
    "an engine that has died, and an agent that never saw it run": from_seed(30045),
    "a link was being restarted when its service ended, and the next one begins": from_seed(34254),
    "Asterisk hangs in the moment in which service is taken back": from_seed(37891),
    "the other node joins while the engine's word restores a lost grant": from_seed(30011),
    "the line is away at the first look of an agent only": from_seed(40411),
    "an agent that was stopped goes on where two serve": from_seed(41093),
    "a node that stood still goes on, and its card does not answer": from_seed(41565),
    "a card that did not hear the release is repaired while the other node serves": from_seed(97566),
    "an agent was stopped while its link went down and came back": from_seed(97992),
    "the line flickers while the D-channel cannot be seen": from_seed(55979),
    "an agent is stopped after it has started Asterisk ahead": Story(
        ((0.3, Fault("script stop by hand", "primary")), (2, Fault("agent stops", "secondary", 60))),
        chance=102488,
    ),
    "a script works alone while an agent starts that is to let go at once": Story(
        (
            (0.3, Fault("asterisk dies", "primary")),
            (0.3, Fault("all links cut", "secondary", 3)),
            (0.3, Fault("frozen", "primary", 10)),
            (0.3, Fault("agent dies", "primary", 0.5)),
            (1, Fault("script start by hand", "primary")),
        ),
        linger=5,
        chance=106547,
    ),
    "an agent dies after it has started Asterisk ahead": Story(
        (
            (0.3, Fault("script stop by hand", "primary")),
            (0.05, Fault("address taken", "secondary")),
            (1, Fault("agent dies", "secondary")),
        ),
        linger=25,
        chance=122688,
    ),
    "both nodes give service up, and hear that of each other late": Story(
        (
            (0.3, Fault("messages late", "secondary", 4)),
            (0.3, Fault("nodes apart", "primary", 60)),
        ),
        linger=90,
        chance=113794,
    ),
    "service is taken back, and the one that prepares hears that late": Story(
        (
            (0.3, Fault("messages late", "secondary", 4)),
            (0.3, Fault("script stop by hand", "primary")),
            (25, Fault("disk full", "secondary", 20)),
        ),
        linger=5,
        chance=115362,
    ),
    "a node that has left the line to the other one takes it back when that has let go": Story(
        (
            (0.3, Fault("all links cut", "primary", 60)),
            (25, Fault("card mute", "primary")),
            (4, Fault("standby and dark", "secondary", 2.5)),
            (1, Fault("script stop by hand", "secondary")),
        ),
        linger=25,
        chance=120476,
    ),
    "Asterisk dies without a card": Story(
        ((1, Fault("card out", "primary", 200)), (25, Fault("asterisk dies", "secondary"))), linger=90
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story_that_was_kept(name: str) -> None:
    kinds = {found.kind for found in play(STORIES[name])}
    assert not kinds, STORIES[name]


@pytest.mark.parametrize(
    "blow", [Fault("agent stops", "secondary", 20), Fault("agent dies", "secondary", 20)]
)
def test_what_was_started_ahead_ends_as_soon_as_its_agent_can(blow: Fault) -> None:
    """The observer does not count the time in which nobody could: then it is to be short."""
    world = served()
    Fault("script stop by hand", "primary").happen(world)
    while world.servers[S].pbx.state is Pbx.DEAD:
        world.advance(0.1)
    assert world.books[S].journal[-2].kind == "prepared"
    blow.happen(world)
    world.advance(20.0)
    assert world.servers[S].pbx.state is Pbx.RUNNING and world.holders() == [P], "the primary serves again"
    world.advance(2.0)
    assert world.servers[S].pbx.state is Pbx.DEAD and world.answering() == [P]


def begun_ahead(world: World, node: Node) -> set[Kind]:
    """Have the agent of `node` start Asterisk ahead of a grant now, and return what the observer finds in it."""
    agent = world.agents[node]
    assert agent is not None
    agent.state = replace(agent.state, prepared=replace(NOT_PREPARED, since=world.now))
    world.audit.look_at_service(world.answering())
    return {found.kind for found in world.audit.found}


def test_the_observer_finds_a_start_ahead_beside_an_asterisk_that_runs_whoever_is_away_meanwhile() -> None:
    world = served()
    world.advance(10.0)
    Fault("agent dies", "primary", 20).happen(world)
    world.advance(0.5)
    assert world.agents[P] is None and begun_ahead(world, S) == {Kind.BESIDE}


def test_the_observer_finds_none_beside_one_that_is_dead() -> None:
    world = served()
    world.advance(10.0)
    world.pbx(P, Pbx.DEAD)
    world.advance(0.1)
    assert begun_ahead(world, S) == set()


def test_a_few_hundred_seeds() -> None:
    found = {(seed, one.kind.name, one.says) for seed in range(SEEDS) for one in outcome(seed).found}
    assert found == set()


def test_a_story_ends_the_same_when_it_is_played_again() -> None:
    for seed in range(3):
        assert play(from_seed(seed)) == play(from_seed(seed))


def test_every_fault_is_told_in_a_sentence() -> None:
    for name in KINDS:
        told = str(Fault(name, "primary", 3.0))
        assert "{" not in told and len(told) > 15


def test_a_story_is_printed_as_it_is_kept() -> None:
    story = from_seed(7)
    assert eval(story.literal, {"Story": Story, "Fault": Fault}) == story


def test_a_story_is_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five faults the one remains without which nothing goes wrong."""

    def wrong_with_power_cut(told: Story) -> tuple[Finding, ...]:
        cut = any(fault.name == "power cut" for _, fault in told.faults)
        return (Finding(Kind.TWO, 0.0, "wrong"),) if cut else ()

    monkeypatch.setattr(stories, "play", wrong_with_power_cut)
    others = tuple((10.0, Fault("asterisk dies")) for _ in range(4))
    big = Story((*others, (25.0, Fault("power cut", "secondary"))), linger=90.0, boots=True)
    small = shrink(big, Kind.TWO)
    assert small.faults == ((0.3, Fault("power cut", "secondary")),)
    assert small.linger == 5.0 and not small.boots
