"""Findings of `asha check`: which of several counts, what fails, and that a report survives the way to the peer."""

from __future__ import annotations

import json

from appliance.core.as_json import read_as, to_json
from appliance.core.host_check.finding import (
    Finding,
    Level,
    NodeReport,
    failed,
    fine,
    not_known,
    warning,
    worst_of,
    wrong,
)


def test_the_worst_decides_and_says_all_that_is_not_right() -> None:
    found = worst_of([fine("a"), warning("B.", "do b"), wrong("C.", "do c"), not_known("D.")], "all well")
    assert found == Finding(Level.ERROR, "C. D. B.", "do c do b")
    assert worst_of([fine("a")], "all well") == fine("all well")
    assert worst_of([], "all well") == fine("all well")


def test_what_is_not_known_is_never_taken_for_right() -> None:
    assert worst_of([not_known("D."), warning("B.", "b")], "").level == Level.UNKNOWN
    assert (
        failed([fine(""), warning("", ""), wrong("", ""), not_known(""), Finding("of a newer asha", "")]) == 3
    )


def test_a_report_survives_the_way_to_the_other_node() -> None:
    report = NodeReport("primary", "pbx1", "2.0", (wrong("a", "b"),), {"asha": "2.0"}, 12.5, 0.25)
    assert read_as(NodeReport, json.loads(json.dumps(to_json(report)))) == report
    newer = {**to_json(report), "colour": "green"}
    assert read_as(NodeReport, newer) == report
