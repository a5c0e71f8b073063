"""What a relay's register says beside what it was told: put right after a second reading, and never fought over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import POLICY, SECONDARY, SERVING, peer, seen

from appliance.core.controller import step
from appliance.core.controller_events import ControllerPolicy, Inputs, Tick
from appliance.core.decide import WatchPolicy
from appliance.core.effects import ForgetRelay, GiveOrder, WriteEntry
from appliance.core.grant import Grant
from appliance.core.model import Relay
from appliance.core.plan import begin
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.relay_facts import Contacts
from appliance.core.relay_position import (
    CONFIRM,
    CONFIRM_SERVING,
    MOST,
    NOT_COMPARED,
    REMEMBERED,
    Correction,
    PositionRecord,
    RelayDuty,
    Standing,
    compare,
    follow,
    trouble,
)
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState, first_state
from appliance.core.transfer import Goal, Order, Phase, Policy, Seen

ON, OFF = Relay.ENERGISED, Relay.RELEASED
SERVES = RelayDuty(Role.ACTIVE, acquires=True, generation=4)
STANDS_BY = RelayDuty(Role.STANDBY, acquires=False, generation=4)
IS_OFF = RelayDuty(Role.OFF, acquires=False, generation=4)


def looked(told: Relay | None, says: Contacts | None, at: float = 100.0, *, told_at: float = 50.0) -> Seen:
    """Return what is seen when the relay was told something, and its register says something."""
    told_reading: Reading[Relay] = Unknown("not told", told_at) if told is None else Known(told, told_at)
    says_reading: Reading[Contacts] = Unknown("no answer", at) if says is None else Known(says, at)
    return replace(seen(), commanded=told_reading, contacts=says_reading)


@pytest.mark.parametrize(
    ("told", "says", "standing"),
    [
        (ON, Contacts.ENERGISED, Standing.AGREES),
        (OFF, Contacts.RELEASED, Standing.AGREES),
        (ON, Contacts.RELEASED, Standing.DROPPED),
        (OFF, Contacts.ENERGISED, Standing.TAKEN),
        (ON, Contacts.SPLIT, Standing.SPLIT),
        (OFF, Contacts.SPLIT, Standing.SPLIT),
        (None, Contacts.SPLIT, Standing.UNKNOWN),
        (ON, None, Standing.UNKNOWN),
    ],
)
def test_the_register_is_compared_with_the_last_command(
    told: Relay | None, says: Contacts | None, standing: Standing
) -> None:
    assert compare(looked(told, says)) is standing


def test_an_answer_to_a_question_from_before_the_command_had_ended_tells_nothing() -> None:
    late = looked(ON, Contacts.RELEASED, 100.0, told_at=100.0)
    assert compare(late) is Standing.UNKNOWN
    moving = replace(looked(ON, Contacts.RELEASED), busy=frozenset({Order.ENERGISE}))
    assert compare(moving) is Standing.UNKNOWN


def found(
    duty: RelayDuty, told: Relay, says: Contacts, record: PositionRecord = NOT_COMPARED, at: float = 100.0
) -> tuple[PositionRecord, Correction | None]:
    """Follow two readings that say the same, the second as early as it counts."""
    wait = (CONFIRM_SERVING if duty.acquires else CONFIRM) + 0.01
    first, early = follow(record, looked(told, says, at), duty, at)
    assert early is None and (first.suspect or not first.standing.wrong)
    first, early = follow(first, looked(told, says, at), duty, at + 60.0)
    assert early is None, "the same reading looked at again is no second one"
    return follow(first, looked(told, says, at + wait), duty, at + wait)


def test_a_board_that_came_back_released_is_energised_again_by_the_plan() -> None:
    record, remedy = found(SERVES, ON, Contacts.RELEASED)
    assert remedy is not None and isinstance(remedy.effect, ForgetRelay)
    assert remedy.says.endswith("it is energised again")
    assert record.confirmed and record.times(101.0) == 1
    again, nothing = follow(record, looked(ON, Contacts.RELEASED, 110.0), SERVES, 110.0)
    assert (again, nothing) == (record, None), "each is said and done once"


def test_contacts_that_are_split_are_all_released_first() -> None:
    _, remedy = found(SERVES, ON, Contacts.SPLIT)
    assert remedy is not None
    assert remedy.effect == GiveOrder(Order.RELEASE, "the relay's contacts are split", 4, None)


@pytest.mark.parametrize("says", [Contacts.ENERGISED, Contacts.SPLIT])
def test_without_a_grant_what_is_energised_is_released_however_often(says: Contacts) -> None:
    record, at = NOT_COMPARED, 100.0
    for times in range(1, MOST + 3):
        record, remedy = found(STANDS_BY, OFF, says, record, at)
        assert remedy is not None and isinstance(remedy.effect, ForgetRelay)
        assert remedy.says.endswith("it is released")
        assert record.times(at) == times
        at += 20.0
        record, _ = follow(record, looked(OFF, Contacts.RELEASED, at), STANDS_BY, at)
    told = trouble(record, at)
    assert ("asha has released it 5 times in 10 min" in told) is (says is Contacts.ENERGISED)
    assert "Look for another program that moves the relay" in told


def test_a_relay_that_this_node_wants_released_by_now_may_be_released() -> None:
    record, remedy = found(STANDS_BY, ON, Contacts.RELEASED)
    assert remedy is None and record.standing is Standing.AGREES


def test_nobody_is_fought_over_the_line() -> None:
    record, at = NOT_COMPARED, 100.0
    for _ in range(MOST):
        record, remedy = found(SERVES, ON, Contacts.RELEASED, record, at)
        assert remedy is not None and remedy.effect is not None
        at += 10.0
        record, _ = follow(record, looked(ON, Contacts.ENERGISED, at), SERVES, at)
    record, remedy = found(SERVES, ON, Contacts.RELEASED, record, at)
    assert remedy is not None and remedy.effect is None
    assert "3 times in 10 min, and does not fight" in remedy.says
    assert "released although it was told" in trouble(record, at) and "asha standby" in trouble(record, at)
    record, _ = follow(record, looked(ON, Contacts.ENERGISED, at + 1.0), SERVES, at + 1.0)
    assert trouble(record, at + 1.0), "it is told for as long as it is remembered"
    assert not trouble(record, at + 1.0 + REMEMBERED)
    late = at + REMEMBERED
    assert found(SERVES, ON, Contacts.RELEASED, record, late)[1] is not None


def test_a_single_correction_and_silence_are_no_trouble() -> None:
    record, _ = found(SERVES, ON, Contacts.RELEASED)
    record, _ = follow(record, looked(None, Contacts.RELEASED, 102.0), SERVES, 102.0)
    assert not trouble(record, 102.0)
    record, remedy = follow(NOT_COMPARED, looked(ON, None), SERVES, 100.0)
    assert remedy is None and not trouble(record, 500.0)


@pytest.mark.parametrize("granted", [False, None, True])
def test_a_trial_of_the_relay_while_nobody_serves_is_let_alone(granted: bool | None) -> None:
    first, _ = follow(NOT_COMPARED, looked(OFF, Contacts.ENERGISED), IS_OFF, 100.0)
    later = replace(looked(OFF, Contacts.ENERGISED, 102.0), peer=peer(granted=granted))
    record, remedy = follow(first, later, IS_OFF, 102.0)
    assert (remedy is not None) is bool(granted)
    assert record.by_hand is not granted or granted is None
    assert bool(trouble(record, 102.0)) is bool(granted)


def test_a_relay_that_was_left_energised_by_hand_is_released_when_the_other_node_serves() -> None:
    record, remedy = found(IS_OFF, OFF, Contacts.ENERGISED)
    assert record.by_hand and remedy is None
    again, remedy = follow(record, looked(OFF, Contacts.ENERGISED, 110.0), IS_OFF, 110.0)
    assert (again, remedy) == (record, None)
    serves = replace(looked(OFF, Contacts.ENERGISED, 115.0), peer=peer(granted=True))
    for duty, what in ((IS_OFF, serves), (STANDS_BY, looked(OFF, Contacts.ENERGISED, 115.0))):
        after, remedy = follow(record, what, duty, 115.0)
        assert remedy is not None and remedy.effect is not None and not after.by_hand


# -- the controller ---------------------------------------------------------------------------------------------

WATCH = WatchPolicy(False, deadtime=2.0, line_dwell=1.0, move_dwell=15.0)


def turn(
    state: ServiceState, what: Seen, now: float, policy: Policy = POLICY
) -> tuple[ServiceState, list[object]]:
    running = Inputs(what, Known(True, now), engine_id="7:99", engine_serves=Known(True, now), peer_seen=True)
    after, effects = step(state, Tick(running), ControllerPolicy(policy, WATCH, 5.0), now)
    return after, list(effects)


def serving(policy: Policy = POLICY) -> ServiceState:
    transfer = replace(begin(Goal.ACQUIRE, 4, "granted", policy, 90.0), phase=Phase.DONE, served=True)
    held = first_state(Grant(held=True, generation=4, engine="7:99"), 99.5)
    return replace(held, role=Role.ACTIVE, engine_down=False, transfer=transfer)


def test_a_node_that_serves_energises_its_relay_again_and_says_so() -> None:
    state, given = serving(), []
    for at in (100.0, 100.5):
        what = replace(SERVING, commanded=Known(ON, 95.0), contacts=Known(Contacts.RELEASED, at))
        state, effects = turn(state, what, at)
        given += effects
    (forgets,) = [effect for effect in given if isinstance(effect, ForgetRelay)]
    (entry,) = [effect for effect in given if isinstance(effect, WriteEntry) and effect.kind == "card"]
    assert forgets.why in str(entry.fields["says"])
    state, effects = turn(state, replace(SERVING, commanded=Unknown(forgets.why, 100.5)), 101.5)
    orders = [effect for effect in effects if isinstance(effect, GiveOrder)]
    assert [(order.order, order.under) for order in orders] == [(Order.ENERGISE, 4)]
    assert state.role is Role.ACTIVE


def test_a_node_that_serves_releases_a_split_line_and_energises_it_again() -> None:
    state, orders = serving(), []
    for at, told, says in (
        (100.0, ON, Contacts.SPLIT),
        (100.5, ON, Contacts.SPLIT),
        (101.0, OFF, Contacts.SPLIT),  # the answer to a question from before the release
    ):
        asked = min(at, 100.5)
        what = replace(
            SERVING, commanded=Known(told, 95.0 if told is ON else 100.8), contacts=Known(says, asked)
        )
        state, effects = turn(state, what, at)
        orders += [effect.order for effect in effects if isinstance(effect, GiveOrder)]
    assert orders == [Order.RELEASE, Order.ENERGISE]
    assert state.role is Role.ACTIVE


def test_a_node_without_the_relay_compares_nothing() -> None:
    state = serving(SECONDARY)
    for at in (100.0, 103.0):
        what = replace(SERVING, commanded=Known(ON, 95.0), contacts=Known(Contacts.RELEASED, at))
        state, effects = turn(state, what, at, SECONDARY)
        assert not [effect for effect in effects if isinstance(effect, ForgetRelay)]
    assert state.position == NOT_COMPARED
