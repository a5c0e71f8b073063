"""What an engine is like decides what a request is taken for that nobody answers: only some engines lose one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import POLICY, peer, seen

from appliance.core.controller_events import Inputs
from appliance.core.effects import AskTakeover, RestartEngine
from appliance.core.engine_requests import ANSWERED_WITHIN, Asked
from appliance.core.grant import Grant
from appliance.core.lost_request import FORCED, end_unanswered, follow_requests
from appliance.core.reading import Known
from appliance.core.roles import Role
from appliance.core.service_state import Transition, first_state

NOW = 1000.0
FORGOTTEN = Asked(takeover_at=NOW - ANSWERED_WITHIN)


def asked(*, loses: bool) -> Inputs:
    """A take-over was asked for, no script has spoken since, and the peer, which lives, lets nothing go."""
    alive = replace(peer(granted=True), serves=Known(True, NOW))
    return Inputs(seen(other=alive), Known(True, NOW), "1:1", fit=True, asked=FORGOTTEN, loses_requests=loses)


def standing_by(**fields: object) -> Transition:
    state = replace(first_state(Grant(), NOW), role=Role.STANDBY, asked_at=0.0, **fields)  # type: ignore[arg-type]
    return Transition(state, POLICY, NOW)


def again(transition: Transition, later: float) -> Transition:
    """Return the transition of `later` seconds, in which a request made at `NOW` has not been answered either."""
    now = NOW + later
    inputs = replace(asked(loses=True), asked=Asked(takeover_at=now - ANSWERED_WITHIN))
    follows = Transition(transition.state, POLICY, now)
    follow_requests(follows, inputs, now)
    return follows


@pytest.mark.parametrize("loses", [True, False])
def test_a_request_that_is_not_answered_is_made_once_more(loses: bool) -> None:
    transition = standing_by()
    follow_requests(transition, asked(loses=loses), NOW)
    assert (AskTakeover() in transition.effects) is loses
    assert transition.state.lost.peers is None, "it may have been lost on its way, and then no engine waits"


def test_only_one_that_is_not_answered_twice_makes_the_peers_engine_a_stuck_one() -> None:
    first = standing_by()
    follow_requests(first, asked(loses=True), NOW)
    second = again(first, ANSWERED_WITHIN)
    assert second.state.lost.peers is not None and AskTakeover() not in second.effects


def test_a_request_of_a_later_hour_is_made_once_more_too() -> None:
    first = standing_by()
    follow_requests(first, asked(loses=True), NOW)
    later = again(first, 3600.0)
    assert later.state.lost.peers is None and AskTakeover() in later.effects


def test_a_node_that_has_become_unfit_meanwhile_does_not_ask_again() -> None:
    transition = standing_by()
    follow_requests(transition, replace(asked(loses=True), fit=False), NOW)
    assert AskTakeover() not in transition.effects


def test_a_request_that_was_answered_is_not_repeated() -> None:
    transition = standing_by()
    transition.set(asked_at=NOW)
    follow_requests(transition, asked(loses=True), NOW)
    assert AskTakeover() not in transition.effects and transition.state.lost.peers is None


@pytest.mark.parametrize("loses", [True, False])
def test_a_node_that_cannot_serve_moves_service_by_force_under_either(loses: bool) -> None:
    transition = standing_by(cannot_serve=True, handing_over_since=NOW - 60.0)
    end_unanswered(transition, asked(loses=loses), NOW)
    (restart,) = (effect for effect in transition.effects if isinstance(effect, RestartEngine))
    assert (restart.reason == FORCED) is loses
    assert transition.state.lost.peers is None, "what was stuck is replaced"
