"""Least, median, most; and how medians compare."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.bench.spread import Spread, ratio, spread

SECONDS = st.floats(min_value=0.0, max_value=1000.0)


def test_of_nothing_there_is_no_spread() -> None:
    assert spread([]) is None
    assert spread([None, None]) is None


def test_what_was_not_seen_is_left_out() -> None:
    assert spread([3.0, None, 1.0, 2.0]) == Spread(1.0, 2.0, 3.0, 3)


def test_the_median_of_an_even_count_lies_between() -> None:
    assert spread([1.0, 2.0, 4.0, 100.0]) == Spread(1.0, 3.0, 100.0, 4)


@given(st.lists(SECONDS, min_size=1))
def test_the_median_lies_within(values: list[float]) -> None:
    seen = spread(values)
    assert seen is not None
    assert seen.least <= seen.median <= seen.most
    assert seen.count == len(values)


def test_a_fixed_part_is_taken_from_every_measurement() -> None:
    assert Spread(1.0, 2.0, 3.0, 5).minus(0.5) == Spread(0.5, 1.5, 2.5, 5)


def test_ratio_of_medians() -> None:
    ours, other = Spread(0.1, 0.5, 9.0, 3), Spread(1.0, 1.5, 2.0, 3)
    assert ratio(other, ours) == pytest.approx(3.0)
    assert ratio(ours, other) == pytest.approx(1 / 3)


@pytest.mark.parametrize("ours", [None, Spread(0.0, 0.0, 0.0, 1)])
def test_no_ratio_without_something_to_compare(ours: Spread | None) -> None:
    assert ratio(Spread(1.0, 1.0, 1.0, 1), ours) is None
    assert ratio(None, Spread(1.0, 1.0, 1.0, 1)) is None


def test_a_report_gets_tenths_of_milliseconds() -> None:
    assert Spread(0.12345, 0.2, 0.3, 2).rounded() == {"least": 0.1235, "median": 0.2, "most": 0.3, "count": 2}
