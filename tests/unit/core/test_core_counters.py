"""What is counted of the journal."""

from __future__ import annotations

from typing import Any

import pytest
from alert_documents import phase, transfer

from appliance.core.as_json import to_json
from appliance.core.counters import BOUNDS, Histogram, Meters
from appliance.core.journal_entry import JournalEntry


def done(order: str, problem: str = "") -> dict[str, Any]:
    return {"kind": "done", "order": order, "problem": problem}


def counted(*entries: dict[str, Any]) -> dict[str, Any]:
    meters = Meters(1000.0)
    meters.read_on(map(JournalEntry, entries))
    return to_json(meters.document(3))


def test_nothing_has_happened() -> None:
    document = counted()
    assert document["since"] == 1000.0 and document["alerts"] == 3
    assert document["transfers"]["acquire"] == {"blocked": 0, "done": 0, "unverifiable": 0}
    assert document["phases"]["acquire"] == {}


def test_each_phase_is_measured_from_its_beginning_to_the_next() -> None:
    document = counted(
        transfer("acquire", "x"),
        phase("settling", 0.04),
        phase("settling", 0.9, "another note"),
        phase("linking", 5.14),
        phase("done", 5.34),
    )
    assert document["transfers"]["acquire"]["done"] == 1
    phases = document["phases"]["acquire"]
    assert {name: round(one["sum"], 3) for name, one in phases.items()} == {
        "moving": 0.04,
        "settling": 5.1,
        "linking": 0.2,
    }
    assert phases["settling"]["buckets"] == {
        **dict.fromkeys(["0.05", "0.1", "0.25", "0.5", "1", "2.5", "5"], 0),
        **dict.fromkeys(["5.5", "7.5", "10", "30", "60", "+Inf"], 1),
    }


def test_a_transfer_counts_once_for_each_way_it_has_ended() -> None:
    document = counted(
        transfer("acquire", "x"),
        phase("blocked", 8.0),
        phase("moving", 9.0),
        phase("blocked", 20.0),
        phase("done", 30.0),
        phase("moving", 4000.0),  # lost, and found again: no transfer of its own
        phase("done", 4005.0),
        transfer("release", "y"),
        phase("done", 0.2, goal="release"),
    )
    assert document["transfers"]["acquire"] == {"blocked": 1, "done": 1, "unverifiable": 0}
    assert document["transfers"]["release"]["done"] == 1
    assert document["phases"]["acquire"]["moving"]["count"] == 2
    assert document["phases"]["release"]["letting go"]["sum"] == 0.2


def test_the_relay_moves_when_it_is_told_another_thing() -> None:
    again = [done("RELEASE"), done("RELEASE"), done("ENERGISE"), done("ENERGISE"), done("RELEASE")]
    assert counted(*again)["relay_moves"] == 2
    assert counted(done("ENERGISE"))["relay_moves"] == 0, "an agent that was restarted tells it again"
    failed = counted(done("RELEASE"), done("ENERGISE", "the tool hangs"), done("START_PBX", "no"))
    assert (failed["relay_moves"], failed["orders_failed"]) == (0, 2)


@pytest.mark.parametrize("seconds", [0.0, *BOUNDS, 60.1, 1e9])
def test_buckets_are_cumulative_and_whole(seconds: float) -> None:
    histogram = Histogram()
    histogram.take(seconds)
    histogram.take(0.3)
    document = to_json(histogram.document())
    counts = list(document["buckets"].values())
    assert counts == sorted(counts) and counts[-1] == document["count"] == 2
    for bound, counted_below in zip(BOUNDS, counts, strict=False):
        assert counted_below == (seconds <= bound) + (bound >= 0.3)
