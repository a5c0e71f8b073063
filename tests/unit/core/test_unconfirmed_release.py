"""The relay of a node without a grant is released until the card has taken the order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import POLICY, SECONDARY, seen

from appliance.core.controller import step
from appliance.core.controller_events import ControllerPolicy, Inputs, Tick
from appliance.core.decide import WatchPolicy
from appliance.core.effects import GiveOrder
from appliance.core.grant import Grant
from appliance.core.model import Line, Relay
from appliance.core.plan import begin
from appliance.core.reading import Known
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState, first_state
from appliance.core.transfer import Goal, Order, Phase, Policy, Seen

NOW = 100.0
STANDS_BY = replace(first_state(Grant(generation=4), NOW), role=Role.STANDBY, engine_down=False)
LET_GO = replace(begin(Goal.RELEASE, 4, "taken back", POLICY, NOW), phase=Phase.DONE)
GOES_ON = begin(Goal.RELEASE, 4, "taken back", POLICY, NOW)


def turn(state: ServiceState, looked: Seen, now: float, policy: Policy = POLICY) -> tuple[ServiceState, int]:
    """Take one turn of a standby; return the state, and how often the relay was ordered to release."""
    running = Inputs(
        seen=looked,
        engine=Known(True, now),
        engine_id="7:99",
        engine_serves=Known(False, now),
        engine_moving=False,
        peer_seen=True,
    )
    watch = WatchPolicy(False, deadtime=2.0, line_dwell=1.0, move_dwell=15.0)
    state, effects = step(state, Tick(running), ControllerPolicy(policy, watch, 5.0), now)
    orders = [effect for effect in effects if isinstance(effect, GiveOrder) and effect.order is Order.RELEASE]
    assert all(order.under is None for order in orders), (
        "a release is wanted whatever has become of the grant"
    )
    return state, len(orders)


@pytest.mark.parametrize("commanded", [None, Relay.ENERGISED])
@pytest.mark.parametrize("transfer", [None, LET_GO])
@pytest.mark.parametrize("maintenance", [False, True])
def test_it_is_released_until_the_card_has_taken_it(
    commanded: Relay | None, transfer: object, maintenance: bool
) -> None:
    state = replace(STANDS_BY, transfer=transfer)
    mute = seen(commanded=commanded, line=Line.ABSENT, maintenance=maintenance)
    given = []
    for tenth in range(50):
        state, orders = turn(state, mute, NOW + tenth / 10)
        given.append(orders)
    assert sum(given) == 5, "once in each retry time"
    _, orders = turn(state, seen(commanded=Relay.RELEASED, maintenance=maintenance), NOW + 10)
    assert orders == 0


@pytest.mark.parametrize(
    ("looked", "policy"),
    [
        (seen(commanded=None), SECONDARY),
        (seen(commanded=None, card=False), POLICY),
        (seen(commanded=None, busy={Order.RELEASE}), POLICY),
        (seen(commanded=Relay.RELEASED), POLICY),
    ],
    ids=["no card fitted", "the card is gone", "on its way", "confirmed"],
)
def test_there_is_nothing_to_release(looked: Seen, policy: Policy) -> None:
    assert turn(STANDS_BY, looked, NOW, policy)[1] == 0


def test_a_release_under_way_orders_it_once() -> None:
    assert turn(replace(STANDS_BY, role=Role.RELEASING, transfer=GOES_ON), seen(commanded=None), NOW)[1] == 1


def test_an_order_to_energise_that_is_still_under_way_is_followed_by_a_release() -> None:
    late = seen(commanded=Relay.RELEASED, busy={Order.ENERGISE})
    assert turn(STANDS_BY, late, NOW)[1] == 1


def test_a_release_that_the_line_ends_in_the_step_that_orders_it_is_ordered_once() -> None:
    told = replace(GOES_ON, ordered={Order.RELEASE: NOW - 2.0})
    arrived = replace(seen(commanded=None).peer, line=Known(Line.CLEAR, NOW - 1.0))
    state = replace(STANDS_BY, role=Role.RELEASING, transfer=told)
    state, orders = turn(state, replace(seen(commanded=None), peer=arrived), NOW)
    assert state.transfer is not None and state.transfer.done and orders == 1
    assert turn(state, seen(commanded=None), NOW + 0.5)[1] == 0, "not before its retry time"
