"""Looks that are repeated meet on common beats, and none is later than its period says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.beat import next_beat
from appliance.core.timing import BUSY_PERIOD, DCHANNEL_LOOK, IDLE_PERIOD, LAN_ROUND, LINE_LOOK, PROCESS_LOOK

_PERIODS = (0.05, BUSY_PERIOD, DCHANNEL_LOOK, LINE_LOOK, PROCESS_LOOK, LAN_ROUND, 2.0, 5.0)
# What adding numbers of this size may lose.
_ROUNDING = 1e-6


@given(began=st.floats(min_value=0.0, max_value=1e7), period=st.sampled_from(_PERIODS))
def test_the_next_look_is_never_late_and_never_at_once(began: float, period: float) -> None:
    wait = next_beat(began, period) - began
    assert period / 3 - _ROUNDING <= wait <= period + _ROUNDING


@given(
    begins=st.tuples(*[st.floats(min_value=0.0, max_value=1e6)] * 2),
    late=st.floats(min_value=1e-4, max_value=0.02),
    period=st.sampled_from([DCHANNEL_LOOK, PROCESS_LOOK, IDLE_PERIOD, 2.0, 5.0]),
)
def test_looks_with_one_period_meet_from_the_third_on(
    begins: tuple[float, float], late: float, period: float
) -> None:
    places = []
    for begin in begins:
        now = begin
        for _ in range(2):
            now = next_beat(now, period) + late
        places.append(next_beat(now, period) % period)
    assert places == [0.0, 0.0]


@pytest.mark.parametrize("late", [0.0005, 0.02, 0.2])
def test_a_loop_that_is_late_each_time_still_looks_once_in_its_period(late: float) -> None:
    now, looks = 0.0, 0
    while now < 60.0:
        now, looks = next_beat(now, IDLE_PERIOD) + late, looks + 1
    assert looks == pytest.approx(60, abs=1)
