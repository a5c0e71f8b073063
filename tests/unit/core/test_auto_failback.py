"""The automatic way back: how long everything must have been in order before a primary asks for service."""

from __future__ import annotations

import pytest

from appliance.core.auto_failback import ASKED_AGAIN, FailbackPolicy, WayBack, follow
from appliance.core.move_limit import MoveRecord

NOW = 10_000.0
POLICY = FailbackPolicy(wanted=True, wait=10.0, move_limit=6)
ONCE = MoveRecord(came=(NOW - 100.0,))


def asked(
    moves: MoveRecord, blocked: dict[int, str], seconds: int, policy: FailbackPolicy = POLICY
) -> list[int]:
    """Return the seconds at which the engine is asked. `blocked`: what is in the way, from which second on."""
    way, found, reason = WayBack(), [], ""
    for second in range(seconds):
        reason = blocked.get(second, reason)
        way, due = follow(way, reason, moves, policy, NOW + second)
        found += [second] if due else []
    return found


def test_it_asks_when_everything_has_been_in_order_for_its_time_and_again_when_nothing_came_of_it() -> None:
    assert asked(ONCE, {}, 180) == [10, 10 + int(ASKED_AGAIN), 10 + 2 * int(ASKED_AGAIN)]


def test_a_break_begins_the_time_afresh() -> None:
    assert asked(ONCE, {5: "it is not fit", 7: ""}, 60) == [17]


def test_it_waits_longer_each_time_that_service_came_here() -> None:
    for times, wait in ((1, 10), (2, 40), (3, 160)):
        moves = MoveRecord(came=(NOW - 100.0,) * times)
        assert asked(moves, {}, wait + 20)[0] == wait


def test_service_that_left_again_soon_after_it_was_asked_for_is_waited_for_anew() -> None:
    """What was in order before service came says nothing of the time after it left."""
    gone = MoveRecord(came=(NOW - 100.0, NOW + 12.0))
    assert asked(gone, {12: "it is here", 50: ""}, 200) == [90, 90 + int(ASKED_AGAIN)]


@pytest.mark.parametrize(
    ("policy", "moves"),
    [
        (FailbackPolicy(wanted=False, wait=10.0, move_limit=6), ONCE),
        (FailbackPolicy(wanted=True, wait=10.0, move_limit=1), ONCE),
    ],
    ids=["not wanted", "moved too often"],
)
def test_it_does_not_ask(policy: FailbackPolicy, moves: MoveRecord) -> None:
    assert asked(moves, {}, 200, policy) == []
