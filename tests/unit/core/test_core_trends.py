"""A day of samples: a ring, with the minutes in which nobody looked left empty."""

from __future__ import annotations

import json

import pytest

from appliance.core.as_json import to_json
from appliance.core.trends import KEPT, Sample, Trends, restore

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
    ],
)
def test_what_is_damaged_is_refused(damaged: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        restore(damaged)
