"""A day of samples: a ring, with the minutes in which nobody looked left empty."""

from __future__ import annotations

import json

import pytest

from appliance.core.as_json import to_json
from appliance.core.trends import KEPT, POOLED, WEEK_KEPT, Sample, Trends, restore

NOON = 1_764_000_000.0


def sampled(*walls: float) -> Trends:
    trends = Trends()
    for number, wall in enumerate(walls):
        trends.add(Sample(float(number), {"ami": number + 0.5}, "clear"), wall)
    return trends


def test_rows_are_of_one_length_and_oldest_first() -> None:
    trends = sampled(NOON, NOON + 60)
    trends.add(Sample(None, {"sip": 2.0}, None), NOON + 120)
    assert to_json(trends.document()) == {
        "step": 60,
        "end": NOON + 120,
        "data_age": [0.0, 1.0, None],
        "probes": {"ami": [0.5, 1.5, None], "sip": [None, None, 2.0]},
        "line": ["clear", "clear", None],
        "week": {"step": 600, "data_age": [1.0], "probes": {"ami": [1.5], "sip": [2.0]}, "newest": 3},
    }


def test_a_day_and_not_more() -> None:
    trends = sampled(*(NOON + 60 * minute for minute in range(KEPT + 100)))
    document = to_json(trends.document())
    assert len(document["line"]) == KEPT
    assert document["data_age"][0] == 100.0 and document["data_age"][-1] == KEPT + 99


@pytest.mark.parametrize(
    ("later", "empty"),
    [(60.0, 0), (85.0, 0), (95.0, 1), (600.0, 9), (-3600.0, 0), (1e9, KEPT - 1), (0.0, 0)],
)
def test_minutes_in_which_no_agent_ran_are_empty(later: float, empty: int) -> None:
    ages = sampled(NOON, NOON + later).document().data_age
    assert ages.count(None) == empty and ages[-1] == 1.0


def test_it_is_kept_over_a_restart() -> None:
    trends = sampled(NOON, NOON + 60, NOON + 240)
    document = json.loads(json.dumps(to_json(trends.document())))
    again = restore(document)
    assert again.document() == trends.document()
    again.add(Sample(), NOON + 420)
    assert len(again.document().line) == len(document["line"]) + 3


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        [],
        {},
        {"end": 1.0, "data_age": [1.0], "probes": {}, "line": []},
        {"end": 1.0, "data_age": [1.0], "probes": {"ami": []}, "line": ["clear"]},
        {"end": 1.0, "data_age": ["old"], "probes": {}, "line": ["clear"]},
        {"end": "noon", "data_age": [], "probes": {}, "line": []},
        {"end": None, "data_age": [], "probes": {}, "line": []},
        {"end": 1.0, "data_age": 3, "probes": {}, "line": []},
        {"end": 1.0, "data_age": [], "probes": 3, "line": []},
        {
            "end": 1.0,
            "data_age": [],
            "probes": {},
            "line": [],
            "week": {"data_age": [1.0], "probes": {"ami": []}},
        },
    ],
)
def test_what_is_damaged_is_refused(damaged: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        restore(damaged)


def test_a_week_of_points_each_the_worst_of_ten_minutes() -> None:
    trends = sampled(*(NOON + 60 * minute for minute in range(25)))
    week = trends.document().week
    assert week is not None
    assert (week.data_age, week.newest) == ((9.0, 19.0, 24.0), 5)
    assert week.probes == {"ami": (9.5, 19.5, 24.5)}


def test_a_week_and_not_more() -> None:
    week = sampled(NOON, NOON + 60 * (KEPT + 5), NOON + 60 * POOLED * (WEEK_KEPT + 100)).document().week
    assert week is not None and len(week.data_age) == WEEK_KEPT and week.data_age[0] is None


def test_a_point_that_is_not_full_goes_on_after_a_restart() -> None:
    one, other = sampled(*(NOON + 60 * minute for minute in range(33))), sampled()
    for minute in range(33):
        other.add(Sample(float(minute), {"ami": minute + 0.5}, "clear"), NOON + 60 * minute)
        other = restore(json.loads(json.dumps(to_json(other.document()))))
    assert other.document() == one.document()


def test_the_day_of_an_older_version_begins_the_week() -> None:
    document = to_json(sampled(*(NOON + 60 * minute for minute in range(12))).document())
    del document["week"]
    week = restore(document).document().week
    assert week is not None and (week.data_age, week.newest) == ((9.0, 11.0), 2)
