"""A D-channel that stays down although its line is good: what is done, when, how often, and what it spares."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import POLICY, SECONDARY, SERVING, Walk, known, peer, seen

from appliance.core.model import DChannel, Line, Pbx, Relay
from appliance.core.reading import Known
from appliance.core.stuck_line import GRADES, LINE_AWAY, QUIET, RELAPSE
from appliance.core.timing import GHOST_HEALS
from appliance.core.transfer import Order, Phase, Policy, Recovery, Seen

DOWN = replace(SERVING, dchannel=known(DChannel.DOWN))
PARTLY = replace(SERVING, dchannel=known(DChannel.PARTLY))
AWAY = replace(DOWN, line=known(Line.ABSENT))
SPANS, RELEASE, ENERGISE, PBX = Order.RESTART_SPANS, Order.RELEASE, Order.ENERGISE, Order.RESTART_PBX


class Rig:
    """A transfer whose relay and line do as they are told, as long as nothing else is said."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.walk = Walk(policy=policy)
        self.now = 100.0
        self.relay = Relay.ENERGISED if policy.has_card else Relay.RELEASED
        self.given: list[tuple[float, Order]] = []
        self.notes: list[str] = []

    def see(self, what: Seen, seconds: float, fine: float = 60.0) -> list[tuple[float, Order]]:
        """See `what` for `seconds`: ten times a second at first (`fine`), then once. Return the timed orders."""
        began, end, coarse = len(self.given), self.now + seconds, self.now + fine
        while self.now < end - 0.05:
            away = self.walk.transfer.policy.has_card and self.relay is Relay.RELEASED
            line = known(Line.ABSENT) if away else what.line
            for order in self.walk.look(
                self.now, replace(what, commanded=Known(self.relay, self.now), line=line)
            ):
                self.given.append((round(self.now, 1), order))
                self.relay = {RELEASE: Relay.RELEASED, ENERGISE: Relay.ENERGISED}.get(order, self.relay)
            if self.walk.note not in self.notes[-1:]:
                self.notes.append(self.walk.note)
            self.now = round(self.now + (0.1 if self.now < coarse - 0.05 else 1.0), 1)
        return self.given[began:]


def test_each_grade_is_given_its_time_and_the_last_is_a_named_end() -> None:
    rig = Rig()
    assert rig.see(DOWN, 600.0) == [(116.0, SPANS), (124.0, RELEASE), (129.0, ENERGISE), (137.1, PBX)]
    assert rig.walk.phase is Phase.BLOCKED
    assert [note for note in rig.notes if "of 4" in note] == [
        "the D-channel has been down for 16 s: the link of the span is restarted (2 of 4)",
        "the D-channel has been down for 24 s: the line is led away and back, so that the exchange sees its carrier "
        "fall (3 of 4)",
        "the D-channel has been down for 37 s: Asterisk is restarted (4 of 4)",
    ]
    assert "Ask the provider to reset layer 2" in rig.walk.note


def test_nothing_is_done_before_the_time_in_which_it_heals_by_itself() -> None:
    rig = Rig()
    assert rig.see(DOWN, GHOST_HEALS - 0.1) == []
    assert rig.see(SERVING, 600.0) == []
    assert (rig.walk.phase, rig.walk.transfer.recovery) == (Phase.DONE, None)


def test_the_recovery_ends_when_the_d_channel_is_up() -> None:
    rig = Rig()
    assert [order for _, order in rig.see(DOWN, 20.0)] == [SPANS]
    assert rig.see(SERVING, RELAPSE + 1) == []
    assert rig.walk.transfer.recovery is None


def test_a_node_without_the_relay_does_not_lead_the_line_away() -> None:
    assert Rig(SECONDARY).see(DOWN, 300.0) == [(116.0, SPANS), (124.0, PBX)]


@pytest.mark.parametrize(
    "what",
    [replace(DOWN, card=known(False)), replace(DOWN, peer=replace(peer(), serves=Known(True, 0.0)))],
    ids=["no card", "the other node serves"],
)
def test_the_line_is_led_away_only_where_the_relay_rule_allows_it(what: Seen) -> None:
    assert [order for _, order in Rig().see(what, 300.0)] == [SPANS, PBX]


def test_while_another_span_works_only_what_spares_its_calls_is_done() -> None:
    rig = Rig()
    assert rig.see(PARTLY, 900.0) == [(116.0, SPANS)]
    assert rig.walk.phase is Phase.BLOCKED
    assert "More would end the calls of the spans that work" in rig.walk.note


@pytest.mark.parametrize("line", [Line.ABSENT, Line.SETTLING, None])
def test_a_line_that_is_not_here_starts_no_grade(line: Line | None) -> None:
    assert Rig().see(replace(DOWN, line=known(line)), 3600.0) == []


def test_a_line_that_goes_meanwhile_begins_the_wait_anew_and_asterisk_is_not_restarted_again() -> None:
    rig = Rig()
    rig.see(DOWN, 60.0)
    assert rig.given[-1][1] is PBX
    rig.see(AWAY, 60.0)
    assert [order for _, order in rig.see(DOWN, 31.0)] == []  # twice as patient
    assert [order for _, order in rig.see(DOWN, 200.0)] == [SPANS, RELEASE, ENERGISE]


def test_a_recovery_in_vain_starts_over_only_after_a_quiet_time_that_doubles() -> None:
    rig = Rig()
    rig.see(DOWN, 5 * QUIET)
    times = [at for at, order in rig.given if order is SPANS]
    assert len(times) == 3
    assert QUIET < times[1] - times[0] < QUIET + 60
    assert 2 * QUIET < times[2] - times[1] < 2 * QUIET + 60
    assert [order for _, order in rig.given].count(PBX) == 1


def test_a_link_that_comes_up_and_falls_again_and_again_is_restarted_ever_more_rarely() -> None:
    rig = Rig()
    for _ in range(60):
        rig.see(DOWN, 50.0, fine=1.0)
        rig.see(SERVING, 10.0, fine=1.0)
    assert sum(order is SPANS for _, order in rig.given) <= 2
    assert sum(order is PBX for _, order in rig.given) <= 1


def test_the_relay_is_released_for_a_while_only_and_energised_again_by_the_same_plan() -> None:
    rig = Rig()
    rig.see(DOWN, 30.0)
    times = {order: at for at, order in rig.given}
    assert times[ENERGISE] - times[RELEASE] == pytest.approx(LINE_AWAY)
    assert rig.see(replace(SERVING, pbx=seen(pbx=None).pbx), 60.0) == []


@pytest.mark.parametrize("pbx", [Pbx.DEAD, Pbx.STARTING, None])
@pytest.mark.parametrize("grade", range(1, len(GRADES)))
def test_what_the_last_transfer_was_doing_orders_nothing_in_the_next(grade: int, pbx: Pbx | None) -> None:
    rig = Rig()
    before = Recovery(since=10.0, begun=20.0, grade=grade, tried=frozenset({grade}))
    rig.walk.transfer = replace(rig.walk.transfer, recovery=before)
    starts = [] if pbx is not Pbx.DEAD else [Order.START_PBX]
    assert [order for _, order in rig.see(replace(DOWN, pbx=known(pbx)), 0.5)] == starts
    assert rig.walk.transfer.recovery == Recovery(
        since=100.0, begun=100.0, rounds=1, tried=frozenset({grade})
    )
    assert [order for _, order in rig.see(DOWN, 2 * GHOST_HEALS - 0.1)] == [], "twice as patient as before"


def test_an_agent_that_begins_in_the_middle_energises_the_relay_at_once() -> None:
    rig = Rig()
    rig.relay = Relay.RELEASED
    assert rig.see(DOWN, 1.0)[0] == (100.0, ENERGISE)
