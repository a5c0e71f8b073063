"""When a node tells the LAN that the cluster address is here."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import POLICY, SERVING

from appliance.core import announcing
from appliance.core.announcing import ANNOUNCED, Announcing
from appliance.core.controller import step
from appliance.core.controller_events import ControllerPolicy, Inputs, Tick
from appliance.core.decide import WatchPolicy
from appliance.core.effects import AnnounceAddress, Effect
from appliance.core.grant import Grant
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState, first_state
from appliance.core.transfer import Seen

NOW = 100.0
NEVER = float("-inf")
RULES = ControllerPolicy(POLICY, WatchPolicy(False, 2.0, 1.0, 15.0), 5.0)
LIVES = replace(
    SERVING,
    address=Known(True, NOW),
    peer=replace(SERVING.peer, alive=Known(True, NOW), fit=Known(True, NOW), serves=Known(False, NOW)),
)
CALM = Announcing(here=True, service=0.0)
# The steps of the tests are of 1/20 s; a schedule that began at one of them is kept to within the next.
STEP = 0.05
SCHEDULE = pytest.approx(list(ANNOUNCED), abs=STEP)


def serving(remembered: Announcing = CALM) -> ServiceState:
    """A node that has served for long."""
    state = first_state(Grant(True, 1, 7.0, "9:9"), 0.0)
    return replace(state, role=Role.ACTIVE, announcing=remembered, asked_at=0.0, peer_alive=True)


def turn(state: ServiceState, now: float, sight: Seen = LIVES) -> tuple[ServiceState, list[Effect]]:
    inputs = Inputs(sight, Known(True, now), "9:9")
    after, effects = step(state, Tick(inputs), RULES, now)
    return after, list(effects)


def announced(
    state: ServiceState, sight: Seen = LIVES, seconds: float = 70.0
) -> tuple[list[float], list[str]]:
    """Return when the address was announced, in seconds from `NOW`, and every reason given."""
    found, whys = [], []
    for count in range(round(seconds / STEP)):
        state, effects = turn(state, NOW + count * STEP, sight)
        for one in effects:
            if isinstance(one, AnnounceAddress):
                assert one.under == state.grant.generation
                found.append(count * STEP)
                whys += [one.why] if one.why else []
    return found, whys


@pytest.mark.parametrize(
    ("state", "sight", "why"),
    [
        (serving(Announcing()), LIVES, announcing.SERVICE),
        (serving(replace(CALM, peer_served=True)), LIVES, announcing.PEER_YIELDS),
        (replace(serving(), peer_alive=False), LIVES, announcing.PEER_BACK),
        (serving(replace(CALM, here=False)), LIVES, announcing.PUT_BACK),
        (serving(), replace(LIVES, lan_back_at=NOW), announcing.LAN_BACK),
        (serving(), replace(LIVES, claim_over_at=NOW), announcing.CLAIM_OVER),
    ],
)
def test_each_cause_begins_the_whole_schedule_once(state: ServiceState, sight: Seen, why: str) -> None:
    times, whys = announced(state, sight)
    assert times == SCHEDULE
    assert whys == [why]


def test_a_quiet_service_announces_nothing() -> None:
    assert announced(serving()) == ([], [])


def test_it_begins_when_the_address_is_here_and_not_before() -> None:
    state = serving(Announcing())
    for reading in (Known(False, NOW), Unknown("it could not be read", NOW)):
        assert announced(state, replace(LIVES, address=reading), 6.0) == ([], [])
    state, _ = turn(state, NOW, replace(LIVES, address=Known(False, NOW)))
    assert state.announcing.waits == announcing.SERVICE
    times, whys = announced(state)
    assert times == SCHEDULE
    assert whys == [announcing.SERVICE]


@pytest.mark.parametrize(
    ("reading", "goes_on"), [(Known(False, NOW), False), (Unknown("it could not be read", NOW), True)]
)
def test_an_address_that_is_gone_is_announced_no_more_until_it_is_back(
    reading: Reading[bool], goes_on: bool
) -> None:
    state, effects = turn(serving(Announcing()), NOW)
    assert [one for one in effects if isinstance(one, AnnounceAddress)]
    state, effects = turn(state, NOW + 5.0, replace(LIVES, address=reading))
    assert not [one for one in effects if isinstance(one, AnnounceAddress)]
    assert bool(state.announcing.due) is goes_on
    state, effects = turn(state, NOW + 6.0)
    why = "" if goes_on else announcing.PUT_BACK
    assert [one.why for one in effects if isinstance(one, AnnounceAddress)] == [why], (
        "what was missed meanwhile is one announcement, and not several at once"
    )


def test_a_node_that_lost_its_service_has_nothing_left_to_announce() -> None:
    state, _ = turn(serving(Announcing()), NOW)
    assert state.announcing.due
    for role in (Role.RELEASING, Role.LEAVING, Role.STANDBY, Role.OFF):
        lost = replace(state, role=role)
        assert not [one for one in turn(lost, NOW + 1.0)[1] if isinstance(one, AnnounceAddress)], role
        assert not turn(lost, NOW + 1.0)[0].announcing.due, role
    without = replace(state, grant=replace(state.grant, held=False))
    assert not [one for one in turn(without, NOW + 1.0)[1] if isinstance(one, AnnounceAddress)]


def test_what_flaps_is_not_answered_by_a_flood() -> None:
    state, found = serving(), 0
    for count in range(round(60.0 / STEP)):
        now = NOW + count * STEP
        state, effects = turn(state, now, replace(LIVES, lan_back_at=now))
        found += sum(isinstance(one, AnnounceAddress) for one in effects)
    assert found <= 60.0 * 6, "the close part of the schedule, over and over, at the most"


def test_the_controller_turns_often_only_for_the_close_part() -> None:
    state, _ = turn(serving(Announcing()), NOW)
    assert state.announcing.close and not state.busy
    state, _ = turn(state, NOW + 0.6)
    assert not state.announcing.close and state.announcing.due
