"""Anything may happen to a pair, in any order: the invariants hold all the while, and service returns."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pair_profile import PROFILE

from appliance.core.grant import Verb, Verdict
from appliance.core.model import Node, Pbx, Relay
from appliance.core.transfer import Order, Witness
from hwsim.virtual.world import World

nodes = st.sampled_from(list(Node))
waits = st.sampled_from([0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 16.0, 30.0])


class Pair(RuleBasedStateMachine):
    """Faults, repairs, operators and time."""

    @initialize(witness=st.sampled_from(list(Witness)), ahead=st.sampled_from([0.0, 60.0, 60.0, 60.0]))
    def rack(self, witness: Witness, ahead: float) -> None:
        self.world = World(witness)
        self.world.until_quiet(ahead)

    @rule(seconds=waits)
    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    # -- faults -----------------------------------------------------------------------------------------

    @rule(node=nodes, state=st.sampled_from([Pbx.DEAD, Pbx.HUNG]))
    def asterisk_fails(self, node: Node, state: Pbx) -> None:
        self.world.pbx(node, state)

    @rule(node=nodes, fails=st.booleans())
    def starts_fail(self, node: Node, fails: bool) -> None:
        self.world.servers[node].pbx.starts_fail = fails

    @rule(node=nodes, with_hands=st.booleans(), after=st.sampled_from([0.1, 0.5, 2.0]))
    def agent_is_killed(self, node: Node, with_hands: bool, after: float) -> None:
        self.world.kill_agent(node, with_hands=with_hands, after=after)

    @rule(node=nodes, agent_too=st.booleans())
    def the_grant_is_lost_from_its_file(self, node: Node, agent_too: bool) -> None:
        self.world.lose_grant(node)
        if agent_too:
            self.world.kill_agent(node, with_hands=False)

    @rule(node=nodes)
    def power_is_cut(self, node: Node) -> None:
        self.world.power_cut(node)

    @rule(node=nodes)
    def power_returns(self, node: Node) -> None:
        self.world.power_on(node)

    @rule(node=nodes, frozen=st.booleans())
    def node_freezes_or_thaws(self, node: Node, frozen: bool) -> None:
        self.world.servers[node].frozen = frozen and self.world.servers[node].power

    @rule(node=nodes)
    def heartbeat_is_killed(self, node: Node) -> None:
        self.world.kill_engine(node)

    @rule(node=nodes)
    def heartbeat_is_started(self, node: Node) -> None:
        self.world.engine_on(node)

    @rule(plugged=st.booleans())
    def card_is_pulled_or_plugged(self, plugged: bool) -> None:
        (self.world.plug_card if plugged else self.world.pull_card)()

    @rule(mute=st.booleans(), stuck=st.booleans(), takes=st.sampled_from([0.05, 0.3, 1.5]))
    def card_misbehaves(self, mute: bool, stuck: bool, takes: float) -> None:
        self.world.card.mute, self.world.card.stuck, self.world.card.takes = mute, stuck, takes

    @rule()
    def card_drops_its_relay(self) -> None:
        self.world.card.coil = Relay.RELEASED

    @rule(alive=st.booleans())
    def telco_dies_or_returns(self, alive: bool) -> None:
        self.world.telco = alive

    @rule(away=st.sampled_from([0.2, 1.0, 3.0, 6.5, 8.0]))
    def line_bounces(self, away: float) -> None:
        self.world.telco = False
        self.world.advance(away)
        self.world.telco = True
        self.world.advance(7.0)

    @rule(node=nodes, answers=st.booleans())
    def far_end_of_the_link(self, node: Node, answers: bool) -> None:
        self.world.servers[node].pbx.far_end = answers

    @rule(deaf=st.sets(nodes), delay=st.sampled_from([0.0, 0.3, 2.0, 4.0]))
    def messages_are_lost_or_late(self, deaf: set[Node], delay: float) -> None:
        self.world.talk.deaf, self.world.talk.delay = deaf, delay

    @rule(node=nodes, blind=st.sets(st.sampled_from(["line", "dchannel", "pbx", "card"])))
    def sensors_go_blind(self, node: Node, blind: set[str]) -> None:
        self.world.servers[node].blind = blind

    # -- people and scripts -----------------------------------------------------------------------------

    @rule(node=nodes)
    def operator_asks_for_standby(self, node: Node) -> None:
        agent = self.world.agents[node]
        if agent is not None and agent.role.holds and self.world.servers[node].runs:
            agent.hand_over()

    @rule(node=nodes)
    def a_late_start_changes_nothing(self, node: Node) -> None:
        agent, book = self.world.agents[node], self.world.books[node]
        if agent is None or not book.grant.ticket:
            return
        before, role, transfer = book.grant, agent.role, agent.transfer
        assert agent.script(Verb.START, before.ticket - 0.5, self.world.now) is Verdict.STALE
        assert (book.grant, agent.role, agent.transfer) == (before, role, transfer)

    @rule()
    @precondition(lambda self: self.world.now > 1000.0)
    def all_is_repaired(self) -> None:
        self.world.heal()

    # -- what holds -------------------------------------------------------------------------------------

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        if hasattr(self, "world"):
            assert self.world.violations() == []

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.service_returns()

    def service_returns(self) -> None:
        """Whatever happened: repaired, the pair serves on one node, and then nothing moves any more."""
        world = self.world
        world.heal()
        assert world.until_quiet(400.0), world.picture()
        (holder,) = world.holders()
        assert world.serving() is holder
        assert world.servers[holder.other].pbx.state is Pbx.DEAD
        assert world.granted(holder)
        assert not world.granted(holder.other)
        given = {node: len(agent.given) for node, agent in world.agents.items() if agent is not None}
        world.advance(30.0)
        assert given == {node: len(agent.given) for node, agent in world.agents.items() if agent is not None}
        assert world.holders() == [holder]
        assert world.violations() == []


TestPair = Pair.TestCase
TestPair.settings = PROFILE


def test_orders_are_paced() -> None:
    """A card that is mute for a minute is asked about as often as its retry time and deadline allow."""
    world = World()
    world.power_cut(Node.SECONDARY)
    while world.holders() != [Node.PRIMARY]:
        world.advance(0.1)
    world.card.mute = True
    world.advance(60.0)
    agent = world.agents[Node.PRIMARY]
    assert agent is not None
    tries = [at for at, order, _ in agent.given if order is Order.ENERGISE]
    assert 20 <= len(tries) <= 60 / 2.0
    assert min(later - earlier for earlier, later in itertools.pairwise(tries)) >= 1.0
