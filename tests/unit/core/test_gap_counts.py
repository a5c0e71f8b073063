"""Counts of silences and turns: bounded, day by day, and kept over a restart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.as_json import to_json
from appliance.core.gap_counts import (
    DAYS,
    OUTAGE,
    Counter,
    Counts,
    RecentDays,
    bin_of,
    end_of,
    restore,
    share,
    together,
)

NOON = 1_764_000_000.0
DAY = 86400.0


@given(st.floats(0.0, OUTAGE))
def test_a_time_is_never_counted_as_shorter_and_hardly_as_longer(seconds: float) -> None:
    number = bin_of(seconds)
    assert seconds <= end_of(number) * (1 + 1e-9)
    assert number == 0 or end_of(number) <= seconds * 1.0101


def test_an_outage_is_told_and_not_counted() -> None:
    counter = Counter()
    counter.add(1.0, 1.0, NOON)
    counter.add(OUTAGE + 1.0, OUTAGE + 1.0, NOON + 70)
    counts = counter.counts()
    assert (counts.outages, counts.longest, counts.longest_at, counts.watched) == (1, 1.0, NOON, 1.0)


def test_days_are_kept_up_to_the_last_ten_and_over_a_restart() -> None:
    days = RecentDays()
    for day in range(DAYS + 3):
        days.silence(1.0 + day, NOON + DAY * day)
        days.turn(0.02, 1.0, NOON + DAY * day)
    kept = days.document()
    assert [round(each.silences.longest) for each in kept.days] == list(range(4, DAYS + 4))
    again = restore(json.loads(json.dumps(to_json(kept))))
    assert again.document() == kept
    again.silence(40.0, NOON + DAY * (DAYS + 2))
    assert len(again.document().days) == DAYS, "the same day goes on"
    assert again.document().days[-1].silences.longest == 40.0


def test_a_clock_that_is_set_drops_no_more_than_the_oldest_day() -> None:
    days = RecentDays()
    for wall in (NOON, NOON + 30_000 * DAY, NOON + 1.0):
        days.silence(1.0, wall)
    assert together(each.silences for each in days.document().days).watched == 3.0


@pytest.mark.parametrize(
    "document",
    [
        {"days": [{"day": 1, "silences": {"bins": {"x": 1}}}]},
        {"days": [{"day": 1, "silences": {"bins": {"5": 0}}}]},
        {"days": [{"day": 1, "silences": {"bins": {"99999": 1}}}]},
        {"days": [{"day": 1, "turns": {"watched": -1.0}}, {"day": 2}]},
        {"days": [{"day": "monday"}]},
        [],
    ],
)
def test_what_no_counter_has_made_is_refused(document: object) -> None:
    with pytest.raises(ValueError):
        restore(document)


def test_a_week_of_a_message_a_second_is_small_on_file() -> None:
    days = RecentDays()
    for number in range(20_000):  # every length there is, each day
        for day in range(DAYS):
            if number % 10 == day:
                days.silence(number % 6000 / 100, NOON + DAY * (number % DAYS))
    assert len(json.dumps(to_json(days.document()))) < 100_000


def test_the_share_of_the_longest() -> None:
    counter = Counter()
    for seconds, times in ((1.0, 989), (2.0, 10), (3.0, 1)):
        for _ in range(times):
            counter.add(seconds, seconds, NOON)
    counts = counter.counts()
    assert share(counts, 0.5) == end_of(bin_of(1.0))
    assert share(counts, 0.005) == end_of(bin_of(2.0))
    assert share(counts, 0.0001) == 3.0
    assert share(Counts(), 0.1) == 0.0
