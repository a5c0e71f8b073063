"""Ordinary events after which a pair under plain Heartbeat stays with nobody or with two: how long that lasts here.

Each is played in virtual time at swept offsets, from a pair at rest. An observer that asks the product nothing counts
for how long no telephone of the LAN finds an Asterisk, for how long two are found, and how often the relay moves.
What is held here is the time of each story; that nothing else goes wrong meanwhile is the campaign's
(test_campaign_stories.py), whose rules are looked at as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from random import Random

import pytest

from appliance.core.alert_rules import FailoverTracker, read_on
from appliance.core.alerts import AlertKind
from appliance.core.auto_failback import FailbackPolicy
from appliance.core.model import Node, Pbx
from appliance.core.roles import Role
from appliance.core.transfer import Witness
from hwsim.virtual.alarm import alerts
from hwsim.virtual.faults import Fault
from hwsim.virtual.mailboxes import IN_STEP
from hwsim.virtual.node import Agent
from hwsim.virtual.site import WATCH
from hwsim.virtual.twin import twin
from hwsim.virtual.way_back import WayBack
from hwsim.virtual.world import World, served

P, S = Node.PRIMARY, Node.SECONDARY
LOOK = 0.1
LONG = 60.0  # longer than anything here takes to settle
REST = 700.0  # longer than moves are remembered
FOR_EVER = 1e6  # seconds that a fault lasts which does not end in the story


@dataclass
class Seen:
    """What the telephones have found: seconds without an Asterisk, seconds with two, and moves of the relay.

    `not_whole`: seconds in which the line was not in service on the one node that answers.
    """

    nobody: float = 0.0
    two: float = 0.0
    not_whole: float = 0.0
    moves: int = 0


def happen(world: World, name: str, node: Node = P, seconds: float = 0.0) -> None:
    Fault(name, node.value, seconds).happen(world)


def watch(world: World, seconds: float = LONG) -> Seen:
    """Let `seconds` go by and count."""
    seen, end, moves = Seen(), world.now + seconds, world.card.moves
    while world.now < end - 1e-6:
        world.advance(LOOK)
        answering = world.answering()
        seen.nobody += LOOK if not answering else 0.0
        seen.two += LOOK if len(answering) == 2 else 0.0
        seen.not_whole += LOOK if answering != [world.serving()] else 0.0
    seen.moves = world.card.moves - moves
    return seen


@cache
def _rested(witness: Witness) -> World:
    return served(witness)


def rest(witness: Witness = Witness.OFF, *, granted_for: float = REST) -> World:
    """A pair on which the primary serves, and has been granted so long ago."""
    original = _rested(witness)
    world = twin(original, {original.dice: Random(0)})
    world.sleep(granted_for)
    world.advance(2.0)
    world.audit.cause_at = world.now
    return world


def agent_of(world: World, node: Node) -> Agent:
    agent = world.agents[node]
    assert agent is not None
    return agent


def whole_on(world: World) -> Node:
    """Return the one node that has everything. Nothing that the campaign's observer forbids has happened."""
    (owner,) = world.holders()
    assert world.serving() is owner and world.answering() == [owner], world.in_words()
    assert world.violations() == [] and world.audit.found == []
    return owner


# -- started apart ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [0.0, 0.5, 20.0, 75.0, 340.0])
@pytest.mark.parametrize("boots", [(P,), (S,), (P, S)], ids=["primary", "secondary", "both"])
def test_nodes_that_started_apart_and_meet(boots: tuple[Node, ...], later: float) -> None:
    """Heartbeat says "Both machines own our resources!" and does nothing, for ever."""
    world = rest()
    for node in boots:
        world.power_cut(node)
    watch(world, 0.0 if len(boots) == 2 else 30.0)
    world.links.cut_all()
    for node in boots:
        world.power_on(node)
    while world.holders() != [P, S]:
        world.advance(LOOK)
        world.audit.cause_at = world.now
    world.advance(later)
    world.audit.cause_at = world.now
    world.links.heal()
    seen = watch(world)
    whole_on(world)
    assert seen.two <= 2.0 and seen.nobody <= 4.0
    behind = [node for node in Node if world.mailboxes.missing(node) > IN_STEP]
    assert behind in ([], [P] if world.holders() == [S] else []), "what both wrote meanwhile is on both"


# -- requests that Heartbeat loses ----------------------------------------------------------------------------


@pytest.mark.parametrize("granted_for", [60.0, 86_400.0, 7 * 86_400.0])
def test_service_taken_back_takes_as_long_however_old_the_grant_was(granted_for: float) -> None:
    """An Asterisk that is not started yet must not pass for one that has died: once that went on for ever."""
    world = rest(granted_for=granted_for)
    world.heartbeat.trap(S, world.now)
    happen(world, "asterisk dies")
    seen = watch(world)
    whole_on(world)
    assert seen.nobody <= 20.0 and seen.moves <= 2


@pytest.mark.parametrize("blip", [0.3, 1.0, 1.5])
@pytest.mark.parametrize("offset", [0.05, 0.3, 1.0, 2.0])
def test_a_blip_in_the_middle_of_a_hand_over_leaves_a_pair_that_obeys(offset: float, blip: float) -> None:
    """Heartbeat is left with a request under way, and drops every other one for 3598 seconds."""
    world = rest()
    agent_of(world, P).hand_over()
    world.advance(offset)
    world.links.cut_all()
    world.advance(blip)
    world.links.heal()
    seen = watch(world, 2 * LONG)
    owner = whole_on(world)
    assert seen.nobody <= 15.0 and seen.moves <= 2
    world.audit.cause_at = world.now
    agent_of(world, owner.other).take_over()
    watch(world)
    assert whole_on(world) is owner.other, "it obeys"


@pytest.mark.parametrize("offset", [0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
def test_the_target_of_a_hand_over_loses_power(offset: float) -> None:
    """Heartbeat loses its own order to take the resources back, and nobody serves although both are well."""
    world = rest()
    happen(world, "standby and dark", P, offset)
    seen = watch(world, 2 * LONG)
    whole_on(world)
    assert seen.nobody <= 15.0


@pytest.mark.parametrize("away", [0.3, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 8.0])
def test_an_agent_that_was_absent_when_the_grant_came_follows_it(away: float) -> None:
    """The script works alone, and the agent is back before, while or after it does."""
    world = rest()
    generation = world.books[S].grant.generation
    world.kill_agent(S, with_hands=False, after=away)
    agent_of(world, P).hand_over()
    watch(world, 30.0)
    assert whole_on(world) is S
    assert agent_of(world, S).role is Role.ACTIVE and world.books[S].grant.generation > generation
    happen(world, "asterisk dies", S)
    seen = watch(world, 30.0)
    assert whole_on(world) is P and seen.nobody <= 4.0, "its death is seen"


# -- the LAN --------------------------------------------------------------------------------------------------


def test_the_active_node_is_cut_off_from_the_lan() -> None:
    world = rest()
    happen(world, "lan cut", P, FOR_EVER)
    seen = watch(world)
    assert whole_on(world) is S
    assert seen.nobody <= 12.0 and seen.moves == 1


def test_asterisk_dies_while_the_standby_is_cut_off_from_the_lan() -> None:
    world = rest()
    happen(world, "lan cut", S, FOR_EVER)
    world.advance(10.0)
    happen(world, "asterisk dies")
    seen = watch(world)
    assert whole_on(world) is P
    assert seen.nobody <= 4.0 and seen.moves == 0


@pytest.mark.parametrize("seconds", [20.0, 120.0])
def test_a_standby_that_hears_nothing_takes_over_and_two_serve_for_a_moment_only(seconds: float) -> None:
    """One way only, as a firewall's rule does: one of them hears, and gives way; both tell."""
    world = rest()
    happen(world, "deaf", S, FOR_EVER)
    seen = watch(world, seconds)
    assert seen.two <= 4.0 and seen.nobody == 0.0
    assert alerts(agent_of(world, P)) and AlertKind.PEER_LOST in alerts(agent_of(world, S))
    world.heal()
    seen = watch(world)
    whole_on(world)
    assert seen.two == 0.0 and seen.nobody <= 4.0
    watch(world)
    assert not alerts(agent_of(world, P)) | alerts(agent_of(world, S)), "no alarm outlives its cause"


# -- a split, a node that stands still ------------------------------------------------------------------------


@pytest.mark.parametrize("witness", list(Witness))
def test_all_cables_out_for_twenty_seconds(witness: Witness) -> None:
    """Two serve for 17 s at plain Heartbeat's heal, and then nobody for 17 s."""
    world = rest(witness)
    world.links.cut_all()
    world.advance(20.0)
    world.audit.cause_at = world.now
    world.links.heal()
    seen = watch(world)
    whole_on(world)
    assert seen.two <= 1.0 and seen.nobody <= 4.0 and seen.not_whole <= 10.0


@pytest.mark.parametrize("witness", list(Witness))
def test_nodes_kept_apart_by_a_firewall_while_telephones_reach_both(witness: Witness) -> None:
    world = rest(witness)
    happen(world, "nodes apart", P, FOR_EVER)
    apart = watch(world, 20.0)
    assert apart.nobody == 0.0
    assert apart.two == 0.0 or witness is not Witness.REQUIRE, "one of them waits for the line"
    assert all(alerts(agent_of(world, node)) for node in Node), "both tell"
    world.audit.cause_at = world.now
    world.links.heal()
    seen = watch(world)
    whole_on(world)
    assert seen.two <= 3.0 and seen.nobody <= 4.0


@pytest.mark.parametrize("seconds", [3.0, 10.0, 60.0])
@pytest.mark.parametrize("engine_dies", [False, True])
def test_the_active_node_stands_still(seconds: float, engine_dies: bool) -> None:
    """Plain Heartbeat: no telephone for 22 s after it goes on."""
    world = rest()
    world.freeze(P)
    world.advance(seconds)
    if engine_dies:
        world.kill_engine(P)
        world.later(20.0, lambda: world.engine_on(P))
    world.audit.cause_at = world.now
    world.thaw(P)
    seen = watch(world)
    whole_on(world)
    assert seen.two <= 1.0 and seen.nobody <= 6.0 and seen.not_whole <= 15.0


def test_a_pause_shorter_than_deadtime_costs_nothing_but_itself() -> None:
    world = rest()
    world.freeze(P)
    world.advance(1.0)
    world.thaw(P)
    assert watch(world) == Seen()
    assert whole_on(world) is P


# -- a node that cannot be relied on -----------------------------------------------------------------------------


def test_asterisk_dies_while_the_interface_of_the_standby_has_another_name() -> None:
    """The address cannot be set there: service stays, and is not lost to a node that could serve nobody."""
    world = rest()
    world.servers[S].renamed = True
    world.advance(6.0)
    assert "no network interface" in str(agent_of(world, S).fitness(agent_of(world, S).seen()).unfit)
    happen(world, "asterisk dies")
    seen = watch(world)
    assert whole_on(world) is P
    assert seen.nobody <= 8.0 and seen.moves == 0
    happen(world, "takeover", S)
    assert watch(world, 10.0).nobody == 0.0, "an operator's wish is refused"
    world.servers[S].renamed = False
    watch(world)
    happen(world, "asterisk dies")
    assert watch(world).nobody <= 4.0 and whole_on(world) is S, "it is relied on again"


@pytest.mark.parametrize("off", [3.0, 8.0, 20.0])
def test_the_primary_reboots_every_minute_and_is_to_have_service_back(off: float) -> None:
    """HAAUTOFAILBACK=on, FAILBACKWAIT=10. Moves were 5 in 189 s, with 34 s without a telephone, and went on."""
    world = rest()
    way = WayBack(FailbackPolicy(wanted=True, wait=10.0, move_limit=WATCH.move_limit))
    before, nobody, outages = world.card.moves, [], 0
    for _ in range(8):
        serving = world.holders()
        world.power_cut(P)
        world.later(off, partial(world.power_on, P))
        world.audit.cause_at = world.now
        nobody.append(watch_with(way, world, 5.0))
        assert AlertKind.PEER_LOST in alerts(agent_of(world, S)), "the loss of a node is told"
        nobody[-1] += watch_with(way, world, 55.0)
        outages += serving == [P]
    moves = world.card.moves - before
    assert 2 <= outages <= 3 and moves == 2 * outages - 1, "then it stays where it is"
    assert max(nobody) <= 8.0 and nobody[3:] == [0.0] * 5
    assert [round(wait, -1) for wait in way.waits] == [10.0, 40.0][: outages - 1]
    told = [one.kind for one in read_on(FailoverTracker("secondary"), world.books[S].journal)[1]]
    assert told.count(AlertKind.FAILOVER_BEGUN) == moves and told.count(AlertKind.FAILOVER_DONE) == outages
    assert whole_on(world) is S
    watch_with(way, world, 600.0)
    assert whole_on(world) is P, "when it has kept its power for long enough it is trusted again"


def watch_with(way: WayBack, world: World, seconds: float) -> float:
    """Let `seconds` go by, with the primary's way back looked at each second; return for how long nobody served."""
    nobody = 0.0
    for _ in range(round(seconds)):
        nobody += watch(world, 1.0).nobody
        way.look(world)
    return nobody


# -- the card, what else starts Asterisk, what comes again ------------------------------------------------------


def test_asterisk_dies_on_the_secondary_that_serves_because_the_card_is_out() -> None:
    """The primary lacks nothing but its card: it serves the telephones of the LAN while nobody else can."""
    world = rest()
    happen(world, "card out", P, FOR_EVER)
    watch(world)
    assert whole_on(world) is S
    happen(world, "asterisk dies", S)
    seen = watch(world)
    assert seen.nobody <= 8.0 and len(world.answering()) == 1
    assert world.violations() == [] and world.audit.found == []


@pytest.mark.parametrize("blow", ["asterisk dies", "standby"])
def test_something_starts_asterisk_again_on_the_node_that_gave_service_up(blow: str) -> None:
    """safe_asterisk, a unit with Restart=always: service moves once, and can come back."""
    world = rest()
    happen(world, "stray starter", P, FOR_EVER)
    happen(world, blow)
    seen = watch(world)
    assert whole_on(world) is S
    assert seen.nobody <= 4.0 and seen.moves == 1 and seen.two == 0.0
    happen(world, "asterisk dies", S)
    seen = watch(world)
    assert whole_on(world) is P and seen.nobody <= 4.0


def test_init_starts_asterisk_on_both_nodes_before_anything_else() -> None:
    world = World()
    for server in world.servers.values():
        server.pbx.starter = True
    watch(world)
    owner = whole_on(world)
    for server in world.servers.values():
        server.pbx.starter = False
    watch(world)
    assert whole_on(world) is owner
    assert world.servers[owner.other].pbx.state is Pbx.DEAD, "the other one's is ended"


def test_asterisk_dies_twenty_seconds_after_each_start() -> None:
    """Four minutes of it, on both nodes: plain moves were 6, with 39 s without a telephone."""
    world = rest()
    happen(world, "flapping", P, 240.0)
    seen = watch(world, 240.0)
    assert seen.moves <= 6 and seen.nobody <= 39.0
    assert watch(world, LONG).nobody <= 10.0
    whole_on(world)


def test_the_providers_line_is_dead_for_ninety_seconds() -> None:
    world = rest()
    happen(world, "line dead", P, 90.0)
    seen = watch(world, 90.0)
    assert seen.nobody == 0.0 and seen.moves == 0
    transfer = agent_of(world, P).transfer
    assert transfer is not None and "neither node receives the line" in transfer.note
    assert watch(world).moves == 0 and whole_on(world) is P


# -- what the engine is not told ------------------------------------------------------------------------------


@pytest.mark.parametrize("node", list(Node))
def test_a_script_stopped_by_hand_or_a_grant_that_is_lost(node: Node) -> None:
    for fault in ("script stop by hand", "grant lost"):
        world = rest()
        if node is S:
            agent_of(world, P).hand_over()
            watch(world)
        happen(world, fault, node)
        seen = watch(world, 2 * LONG)
        whole_on(world)
        assert seen.nobody <= 20.0, fault


@pytest.mark.parametrize("blow", ["asterisk dies", "standby"])
def test_the_address_that_the_engine_believes_to_be_there_already(blow: str) -> None:
    """Pacemaker was seen to grant service without it, after a split: nobody was served, for ever."""
    world = rest()
    world.servers[S].believed = True
    happen(world, blow)
    seen = watch(world)
    assert whole_on(world) is S
    assert seen.nobody <= 10.0 and seen.moves == 1


def test_the_address_is_taken_away_again_and_again() -> None:
    """Put back at once, then each time after a longer while, of a minute at the most; people are told meanwhile."""
    world = rest()
    moves, waits = world.card.moves, []
    for _ in range(7):
        happen(world, "address taken")
        taken_at = world.now
        world.advance(0.5)
        assert alerts(agent_of(world, P)), "it is told"
        while not world.answering() and world.now < taken_at + 2 * LONG:
            world.advance(LOOK)
        waits.append(world.now - taken_at)
        world.advance(2.0)
    assert waits[0] <= 2.0 and waits[-1] <= 60.0
    assert all(after - before >= -LOOK for before, after in pairwise(waits)), waits
    watch(world)
    assert whole_on(world) is P and world.card.moves == moves
    assert not alerts(agent_of(world, P))
