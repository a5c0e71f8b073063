"""A standby whose engine says for ever that it moves service waits for the end of a lost move: it is known by that."""

from __future__ import annotations

from dataclasses import replace

from core_seen import POLICY, peer, seen

from appliance.core.controller_events import Inputs
from appliance.core.engine_requests import HOUR, MOVING_FOR_EVER
from appliance.core.grant import Grant
from appliance.core.lost_request import follow_requests, is_lost
from appliance.core.reading import Known
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState, Transition, first_state

BEGAN = 1000.0
LATER = BEGAN + MOVING_FOR_EVER


def moving(now: float, *, peer_serves: bool, moves: bool = True, loses: bool = True) -> Inputs:
    other = replace(peer(granted=peer_serves), serves=Known(peer_serves, now))
    return Inputs(seen(other=other), Known(True, now), "1:1", engine_moving=moves, loses_requests=loses)


def of(role: Role, **fields: object) -> ServiceState:
    return replace(first_state(Grant(), 0.0), role=role, asked_at=0.0, **fields)  # type: ignore[arg-type]


def followed(state: ServiceState, *looks: tuple[float, Inputs]) -> ServiceState:
    for now, inputs in looks:
        transition = Transition(state, POLICY, now)
        follow_requests(transition, inputs, now)
        state = transition.state
    return state


def looks(*, peer_serves: bool, **fields: bool) -> tuple[tuple[float, Inputs], ...]:
    return tuple((now, moving(now, peer_serves=peer_serves, **fields)) for now in (BEGAN, LATER))


def test_a_standby_that_moves_for_ever_drops_requests() -> None:
    state = followed(of(Role.STANDBY), *looks(peer_serves=True))
    assert state.lost.own is not None and state.lost.own.until == BEGAN + HOUR
    assert is_lost(state, peer())


def test_so_does_one_that_serves_and_moves_for_ever() -> None:
    assert followed(of(Role.ACTIVE), *looks(peer_serves=False)).lost.own is not None


def test_a_move_that_ends_was_none_for_ever() -> None:
    ended = moving(BEGAN + 20.0, peer_serves=True, moves=False)
    first, last = looks(peer_serves=True)
    assert followed(of(Role.STANDBY), first, (BEGAN + 20.0, ended), last).lost.own is None


def test_while_service_really_moves_nothing_is_concluded() -> None:
    assert followed(of(Role.STANDBY), *looks(peer_serves=False)).lost.own is None
    handing_over = of(Role.ACTIVE, handing_over_since=BEGAN)
    assert followed(handing_over, *looks(peer_serves=False)).lost.own is None
    assert followed(of(Role.WAITING), *looks(peer_serves=True)).lost.own is None


def test_an_engine_that_loses_no_requests_is_not_suspected() -> None:
    assert followed(of(Role.STANDBY), *looks(peer_serves=True, loses=False)).lost.own is None


def test_a_master_that_says_otherwise_later_waits_for_nothing() -> None:
    state = followed(of(Role.STANDBY), *looks(peer_serves=True))
    now = LATER + 30.0
    assert followed(state, (now, moving(now, peer_serves=True))).lost.own is not None
    assert followed(state, (now, moving(now, peer_serves=True, moves=False))).lost.own is None


def test_a_master_that_was_replaced_waits_for_nothing() -> None:
    state = followed(of(Role.STANDBY), *looks(peer_serves=True))
    now = LATER + 30.0
    fresh = replace(moving(now, peer_serves=True, moves=False), engine_id="2:2")
    assert followed(state, (now, fresh)).lost.own is None
