"""The age of the data while the wall clock is set forward and back."""

from __future__ import annotations

import pytest

from appliance.agent.data_age import DataAge
from appliance.sync.state import State
from tests.plugins.hand_clock import HandClock

HOUR = 3600.0


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_step_of_the_wall_clock_makes_nothing_older_or_younger(step: float) -> None:
    clock = HandClock()
    age, state = DataAge(clock), State(verified_at=clock.wall() - 20.0)
    assert age.of(state) == pytest.approx(20.0)
    clock.epoch += step
    clock.time += 10.0
    assert age.of(state) == pytest.approx(30.0)
    clock.time += 2 * HOUR
    assert age.of(state) == pytest.approx(30.0 + 2 * HOUR), "what nobody fetches any more grows old"


def test_a_new_verification_counts_by_the_clock_of_its_time() -> None:
    clock = HandClock()
    age = DataAge(clock)
    assert age.of(State()) is None
    assert age.of(State(verified_at=clock.wall())) == 0.0
    clock.epoch -= HOUR
    clock.time += 60.0
    assert age.of(State(verified_at=clock.wall() - 1.0)) == pytest.approx(1.0)
    assert age.of(State()) is None
