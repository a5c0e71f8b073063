"""The watchdog timer's food: what a completed cycle must have left so that it feeds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.feeding import LOOK_HANGS, ORDER_HANGS, CompletedCycle, why_not_fed
from appliance.core.transfer import Order

ages = st.floats(min_value=0.0, max_value=1e6)


def test_a_serving_node_whose_look_at_the_line_hangs_is_not_fed() -> None:
    done = CompletedCycle(holds=True, peer_able=True, looks={"line": LOOK_HANGS, "relay card": 3.0})
    assert why_not_fed(done, 60.0) == "the look at the line has not returned for 30 s"


def test_an_order_has_its_deadline_and_more() -> None:
    for age, fed in ((60.0 + ORDER_HANGS - 1, True), (60.0 + ORDER_HANGS, False)):
        done = CompletedCycle(holds=True, peer_able=True, orders={Order.RELEASE: age})
        assert (why_not_fed(done, 60.0) == "") is fed


@pytest.mark.parametrize(("holds", "peer_able"), [(False, True), (True, False), (False, False)])
@given(look=ages, order=ages)
def test_where_a_reset_does_no_good_a_completed_cycle_always_feeds(
    holds: bool, peer_able: bool, look: float, order: float
) -> None:
    done = CompletedCycle(holds, peer_able, {"line": look}, {Order.START_PBX: order})
    assert why_not_fed(done, 60.0) == ""
