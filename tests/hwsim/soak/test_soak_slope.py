"""The slope of a series: what a leak, a spike and noise make of it."""

from __future__ import annotations

import random

import pytest

from hwsim.soak.slope import slope_of


def series(per_hour: float, count: int = 200, noise: float = 0.0) -> list[tuple[float, float]]:
    chance = random.Random(1)
    return [(30.0 * n, 40.0 + per_hour * n / 120 + chance.gauss(0.0, noise)) for n in range(count)]


def test_a_line_has_its_own_slope_and_no_interval() -> None:
    slope = slope_of(series(2.0))
    assert slope is not None
    assert (slope.per_hour, slope.low, slope.high) == pytest.approx((2.0, 2.0, 2.0))
    assert slope.hours == pytest.approx(199 * 30 / 3600)
    assert slope.surely_grown == pytest.approx(2.0 * slope.hours)


def test_a_few_spikes_do_not_tilt_it() -> None:
    points = series(0.0)
    for number in (150, 170, 199):
        points[number] = (points[number][0], 400.0)
    slope = slope_of(points)
    assert slope is not None
    assert slope.per_hour == 0.0


def test_noise_has_an_interval_around_the_truth() -> None:
    slope = slope_of(series(0.5, noise=0.3))
    assert slope is not None
    assert slope.low < 0.5 < slope.high
    assert slope.low < slope.per_hour < slope.high


def test_what_does_not_surely_grow_has_grown_by_nothing() -> None:
    slope = slope_of(series(0.0, noise=0.3))
    assert slope is not None
    assert slope.low < 0 and slope.surely_grown == 0.0


def test_of_very_many_points_the_slope_is_that_of_some() -> None:
    slope = slope_of(series(1.0, count=2401))
    assert slope is not None
    assert slope.count <= 600
    assert slope.per_hour == pytest.approx(1.0)
    assert slope.hours == pytest.approx(20.0, rel=0.01)


@pytest.mark.parametrize("points", [[], [(0.0, 1.0)], [(0.0, 1.0), (5.0, 2.0)], [(3.0, 1.0)] * 5])
def test_too_few_points_have_none(points: list[tuple[float, float]]) -> None:
    assert slope_of(points) is None
