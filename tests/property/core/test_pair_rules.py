"""The rules of the pair that have a name of their own: Unknown, dwell, the frozen primary, the dead telco line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pair_profile import PROFILE

from appliance.core.decide import Act
from appliance.core.engine_requests import STANDBY_GIVEN_UP
from appliance.core.grant import Verb
from appliance.core.model import Node, Pbx, Relay
from appliance.core.pair_watch import Remedy
from appliance.core.reading import is_known
from appliance.core.roles import Role
from appliance.core.transfer import Order, Phase, Witness
from hwsim.line.q921 import Cure
from hwsim.virtual.world import World, served

P, S = Node.PRIMARY, Node.SECONDARY
SENSORS = ["line", "dchannel", "pbx", "card"]


def orders(world: World, node: Node) -> list[Order]:
    agent = world.agents[node]
    assert agent is not None
    return [order for _, order, _ in agent.given]


# -- Unknown alone never moves anything -------------------------------------------------------------------

blindness = st.lists(
    st.tuples(
        st.sets(st.sampled_from(SENSORS)),
        st.sets(st.sampled_from(SENSORS)),
        st.sets(st.sampled_from(list(Node))),
        st.sampled_from([0.1, 0.3, 1.0, 4.0, 9.0, 40.0]),
    ),
    min_size=1,
    max_size=6,
)


@PROFILE
@given(blindness)
def test_not_seeing_moves_nothing(spells: list[tuple[set[str], set[str], set[Node], float]]) -> None:
    world = served()
    before = {node: orders(world, node) for node in Node}
    moves, picture = world.card.moves, world.picture()
    for primary, secondary, deaf, seconds in spells:
        world.servers[P].blind, world.servers[S].blind, world.talk.deaf = primary, secondary, deaf
        world.advance(seconds)
        assert world.holders() == [P]
    world.heal()
    world.advance(10.0)
    assert world.card.moves == moves
    assert {node: orders(world, node) for node in Node} == before
    assert world.picture() == picture
    assert world.violations() == []


# -- the frozen primary -----------------------------------------------------------------------------------


@pytest.mark.parametrize("witness", list(Witness))
def test_a_frozen_primary_keeps_the_line_and_the_secondary_never_claims_it(witness: Witness) -> None:
    world = served(witness)
    world.servers[P].frozen = True
    secondary = world.agents[S]
    assert secondary is not None
    for _ in range(600):
        world.advance(0.1)
        assert not secondary.claims_line
        assert world.card.armature is Relay.ENERGISED
    transfer = secondary.transfer
    assert transfer is not None
    assert transfer.phase is Phase.BLOCKED
    assert "still" in transfer.note
    assert "ower off" in transfer.note, "the operator's next step"  # codespell:ignore ower
    started = Order.START_PBX in orders(world, S)
    assert started is (witness is not Witness.REQUIRE)
    world.power_cut(P)  # the operator's next step, taken
    assert world.until_quiet(30.0)
    assert (world.serving(), world.holders()) == (S, [S])
    assert world.violations() == []


def test_a_primary_that_thaws_lets_go_and_serves_again_once_its_peer_has_let_go() -> None:
    """Heartbeat ends the other one of the two; this node lets go first, for it cannot know that."""
    world = served()
    world.servers[P].frozen = True
    world.advance(30.0)
    world.servers[P].frozen = False
    primary = world.agents[P]
    assert primary is not None
    while primary.role.holds:
        world.advance(0.1)
    assert world.until_quiet(60.0)
    assert (world.serving(), world.holders()) == (P, [P])
    assert world.servers[S].pbx.state is Pbx.DEAD
    assert world.violations() == []


# -- the line ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.3, 3.0, 30.0, 300.0])
def test_a_dead_telco_line_moves_nothing(seconds: float) -> None:
    world = served()
    moves = world.card.moves
    world.telco = False
    world.advance(seconds)
    assert world.holders() == [P]
    assert world.card.moves == moves
    world.telco = True
    assert world.until_quiet(30.0)
    assert world.serving() is P
    assert Order.RELEASE not in orders(world, P)[1:]
    assert world.violations() == []


def test_the_line_is_called_dead_in_words() -> None:
    world = served()
    world.telco = False
    world.advance(30.0)
    primary = world.agents[P]
    assert primary is not None and primary.transfer is not None
    assert (primary.transfer.phase, primary.transfer.note[:29]) == (
        Phase.BLOCKED,
        "neither node receives the lin",
    )


def test_a_pulled_card_has_asterisk_follow_the_line() -> None:
    world = served()
    world.advance(20.0)
    world.pull_card()
    assert world.until_quiet(30.0)
    assert world.serving() is S


def test_a_relay_that_dropped_by_itself_is_told_again_when_no_standby_is_fit() -> None:
    world = served()
    world.advance(20.0)
    secondary = world.agents[S]
    assert secondary is not None
    secondary.start_failed_at = world.now  # unfit for a minute
    world.card.coil = Relay.RELEASED
    assert world.until_quiet(40.0)
    assert (world.serving(), world.holders()) == (P, [P])
    assert orders(world, P).count(Order.ENERGISE) == 2
    assert world.violations() == []


@pytest.mark.parametrize("away", [0.5, 1.0, 2.0, 4.0, 6.0, 6.8])
def test_a_bounced_line_is_not_believed_until_its_link_is_new(away: float) -> None:
    world = served()
    world.telco = False
    world.advance(away)
    world.telco = True
    assert world.until_quiet(30.0)
    assert orders(world, P).count(Order.RESTART_SPANS) == 1
    assert world.serving() is P
    assert world.violations() == []


# -- orders that overlap ----------------------------------------------------------------------------------


@pytest.mark.parametrize("takes", [0.05, 0.7])
@pytest.mark.parametrize("tenths", [*range(9), 15, 21, 27])
def test_a_stop_at_any_moment_of_a_start_leaves_nothing_behind(tenths: int, takes: float) -> None:
    """START_PBX and ENERGISE are under way: neither may have the last word."""
    world = World()
    world.card.takes = takes
    while world.holders() != [P]:
        world.advance(0.1)
    world.advance(tenths / 10)
    primary = world.agents[P]
    assert primary is not None
    primary.hand_over()
    assert world.until_quiet(60.0)
    assert (world.serving(), world.holders()) == (S, [S])
    assert world.servers[P].pbx.state is Pbx.DEAD
    assert world.card.armature is Relay.RELEASED
    assert world.violations() == []


def test_an_old_word_of_the_peer_does_not_leave_the_relay_energised() -> None:
    """The line was at the secondary a moment ago, and was brought here; no newer word of it arrives."""
    world = served()
    for node in (P, S):  # to the secondary and back
        agent = world.agents[node]
        assert agent is not None
        agent.hand_over()
        if node is S:
            while world.holders() != [P] or world.card.armature is Relay.RELEASED:
                world.advance(0.1)
                world.talk.deaf = {P} if world.holders() == [P] else set()
        else:
            assert world.until_quiet(30.0)
    primary = world.agents[P]
    assert primary is not None
    primary.hand_over()
    world.advance(1.5)
    assert world.card.armature is Relay.RELEASED
    world.heal()
    assert world.until_quiet(60.0)
    assert world.violations() == []


@pytest.mark.parametrize("tenths", range(0, 12, 2))
def test_a_start_at_any_moment_of_a_stop_ends_in_service(tenths: int) -> None:
    """Granted again while the stop is under way: the Asterisk that is just ending is none to rely on."""
    world = served()
    primary = world.agents[P]
    assert primary is not None
    world.heartbeat.trap(S, world.now)  # the hand-over is taken back
    primary.hand_over()
    world.advance(tenths / 10)
    primary.state = replace(primary.state, handing_over_since=primary.now - 12.0)
    assert world.until_quiet(60.0)
    assert (world.serving(), world.holders()) == (P, [P])
    assert not any(decision.act is Act.HAND_OVER for _, decision in primary.decisions)
    assert world.violations() == []


def test_a_stuck_d_channel_gets_its_restarts_and_no_failover() -> None:
    world = served()
    world.sleep(86_400.0)
    world.servers[P].pbx.far_end = False
    world.advance(600.0)
    assert world.holders() == [P]
    given = orders(world, P)
    assert (given.count(Order.RESTART_PBX), given.count(Order.RESTART_SPANS)) == (1, 1)
    assert world.card.moves == 3  # to the primary, and once away and back
    world.servers[P].pbx.far_end = True
    assert world.until_quiet(30.0)
    assert world.serving() is P
    assert world.violations() == []


@pytest.mark.parametrize("node", [P, S])
@pytest.mark.parametrize("needs", list(Cure))
def test_a_stuck_link_is_recovered_where_it_is_with_no_more_than_it_needs(needs: Cure, node: Node) -> None:
    world = served()
    if node is S:
        primary = world.agents[P]
        assert primary is not None
        primary.hand_over()
        assert world.until_quiet(60.0)
    before = len(orders(world, node))
    world.servers[node].pbx.stick(needs, world.now)
    world.advance(120.0)
    curable = needs is not Cure.NONE and not (needs is Cure.CARRIER_FALLS and node is S)
    assert world.holders() == [node]
    assert (world.serving() is node) is curable
    spans, asterisk = Order.RESTART_SPANS, Order.RESTART_PBX
    away = [Order.RELEASE, Order.ENERGISE] if node is P else []
    grades = {
        Cure.TIME: [],
        Cure.SPAN_RESTART: [spans],
        Cure.CARRIER_FALLS: [spans, *away] if node is P else [spans, asterisk],
    }
    assert orders(world, node)[before:] == grades.get(needs, [spans, *away, asterisk])
    assert world.violations() == []


def test_the_models_own_word_is_the_truth() -> None:
    """The model itself: in service is what both the metal and the agent say, and nobody else."""
    world = served()
    primary = world.agents[P]
    assert primary is not None
    assert primary.claims_line
    assert is_known(world.servers[P].line(world.now), primary.seen().line.value)  # type: ignore[union-attr]
    assert world.card.moves == 1


# -- service that was given up ------------------------------------------------------------------------------


def test_service_is_not_taken_back_from_a_peer_that_serves() -> None:
    """Heartbeat moved without calling our stop, as with one deaf direction: two that serve would be worse."""
    world = served()
    primary = world.agents[P]
    assert primary is not None
    world.heartbeat.trap(S, world.now)
    primary.hand_over()
    world.advance(1.0)
    secondary = world.agents[S]
    assert secondary is not None
    secondary.script(Verb.START, 1e9, world.now)
    world.heartbeat.engines[P].holds, world.heartbeat.engines[S].holds = False, True
    world.servers[S].address = True
    for _ in range(400):
        world.advance(0.1)
        assert not (primary.role.holds and secondary.role.holds)
    assert primary.role is Role.STANDBY and secondary.role is Role.ACTIVE
    remedies = [entry.fields["remedy"] for entry in primary.journal if "remedy" in entry.fields]
    assert remedies == [Remedy.RESTART_ENGINE.value], "so that its Heartbeat knows it too"


def test_service_that_is_taken_back_is_a_service_of_its_own() -> None:
    """What the old one knew is not true of it: it was granted long ago, and its Asterisk ran."""
    world = served()
    world.sleep(7 * 86_400.0)
    primary = world.agents[P]
    assert primary is not None
    world.heartbeat.trap(S, world.now)
    primary.hand_over()
    world.advance(STANDBY_GIVEN_UP + 1.0)
    assert primary.role.holds
    assert world.now - primary.state.granted_at < 2.0
    assert primary.transfer is not None and not primary.transfer.served
    assert world.until_quiet(30.0)
    assert (world.serving(), world.holders()) == (P, [P])
    assert orders(world, P).count(Order.STOP_PBX) == 1, "it does not stop what it has just started"
    assert world.violations() == []


@pytest.mark.parametrize("tenths", range(0, 15))
def test_an_agent_killed_while_it_clears_its_node_goes_on_with_it(tenths: int) -> None:
    """Heartbeat died under it: address and Asterisk must not stay because the agent died too."""
    world = served()
    world.kill_engine(P)
    world.advance(tenths / 10)
    world.kill_agent(P, with_hands=True)
    world.advance(20.0)
    assert world.servers[P].pbx.state is Pbx.DEAD
    assert not world.servers[P].address
    assert not world.books[P].grant.clearing
    assert (world.serving(), world.holders()) == (S, [S])
    assert world.violations() == []


def test_an_agent_that_starts_without_a_grant_releases_before_it_has_a_role() -> None:
    world = served()
    agent = world.agents[P]
    assert agent is not None
    agent.hand_over()
    assert world.until_quiet(60.0) and world.serving() is S
    world.kill_agent(P, with_hands=True)
    while (agent := world.agents[P]) is None:
        world.advance(0.1)
    assert orders(world, P) == [Order.RELEASE] and not agent.awake and agent.role is Role.OFF
    world.advance(1.0)
    assert agent.awake and agent.role is Role.STANDBY
    assert orders(world, P) == [Order.RELEASE], "the relay is released already"
    assert world.violations() == []


# -- a grant that is lost with its file -------------------------------------------------------------------


@pytest.mark.parametrize("node", list(Node))
def test_a_lost_grant_is_taken_from_heartbeats_word(node: Node) -> None:
    """The agent was restarted and finds nothing on file: Heartbeat believes in this node, and nobody else serves."""
    world = served()
    if node is S:
        agent = world.agents[P]
        assert agent is not None
        agent.hand_over()
        assert world.until_quiet(60.0) and world.serving() is S
    moves = world.card.moves
    world.lose_grant(node)
    world.kill_agent(node, with_hands=False)
    assert world.until_quiet(30.0)
    assert world.serving() is node and world.books[node].grant.held
    assert world.card.moves == moves, "the line was not let go meanwhile"
    assert world.violations() == []
