"""`asha check --peer`: what the reports of the two nodes say beside each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.host_check.finding import Finding, Level, NodeReport, fine, wrong
from appliance.core.host_check.pair import AUTHKEYS, ENGINE_TITLE, HEARING, compare, judge_clocks

FACTS = {
    "asha": "2.0",
    "Asterisk": "Asterisk 18",
    "HA engine": "3.0.6",
    ENGINE_TITLE: "Heartbeat",
    AUTHKEYS: "ab12",
    "conf HADEADTIME": "2",
}


def heard(finding: Finding) -> tuple[Finding, ...]:
    return (replace(finding, what=HEARING),)


HERE = NodeReport("primary", "pbx1", "2.0", heard(fine("")), FACTS, time=100.0)
PEER = NodeReport("secondary", "pbx2", "2.0", heard(fine("")), FACTS, time=100.0)
DEAF = heard(wrong("Nothing is heard.", "Look."))


def levels(here: NodeReport, peer: NodeReport) -> dict[str, str]:
    return {one.what: one.level for one in compare(here, peer, 99.9, 100.1) if one.level != Level.OK}


def test_a_pair_that_is_alike() -> None:
    assert levels(HERE, PEER) == {}
    assert [one.what for one in compare(HERE, PEER, 99.9, 100.1)] == [
        "nodes",
        "engine",
        "authkeys",
        "conf alike",
        "versions",
        "clocks",
        "each way",
    ]


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        (replace(PEER, node="primary"), {"nodes": Level.ERROR}),
        (replace(PEER, node=""), {"nodes": Level.ERROR}),
        (replace(PEER, facts={**FACTS, ENGINE_TITLE: "Pacemaker"}), {"engine": Level.ERROR}),
        (replace(PEER, facts={**FACTS, ENGINE_TITLE: ""}), {"engine": Level.UNKNOWN}),
        (replace(PEER, facts={**FACTS, AUTHKEYS: "cd34"}), {"authkeys": Level.ERROR}),
        (replace(PEER, facts={**FACTS, AUTHKEYS: ""}), {"authkeys": Level.UNKNOWN}),
        (replace(PEER, facts={**FACTS, "conf HADEADTIME": "10"}), {"conf alike": Level.ERROR}),
        (replace(PEER, facts={**FACTS, "asha": "2.1"}), {"versions": Level.WARNING}),
        (replace(PEER, facts={**FACTS, "Asterisk": ""}), {"versions": Level.UNKNOWN}),
        (replace(PEER, time=102.0), {"clocks": Level.WARNING}),
        (replace(PEER, time=60.0), {"clocks": Level.ERROR}),
        (replace(PEER, findings=DEAF), {"each way": Level.ERROR}),
        (replace(PEER, findings=()), {"each way": Level.UNKNOWN}),
    ],
)
def test_what_differs_is_named(peer: NodeReport, expected: dict[str, Level]) -> None:
    assert levels(HERE, peer) == expected


def test_who_is_deaf_is_named_whichever_node_asks() -> None:
    deaf = replace(PEER, findings=DEAF)
    for here, peer in ((HERE, deaf), (deaf, HERE)):
        (found,) = (one for one in compare(here, peer, 99.9, 100.1) if one.what == "each way")
        assert found.says.startswith("pbx2 does not hear pbx1 as pbx1 hears pbx2")
        assert "in on pbx2 from pbx1" in found.remedy
    both = {one.what: one for one in compare(replace(HERE, findings=DEAF), deaf, 99.9, 100.1)}
    assert both["each way"].says.startswith("Neither node hears the other")


@pytest.mark.parametrize(
    ("least", "most", "level"),
    [
        (-0.2, 0.3, Level.OK),
        (-4.0, 3.0, Level.OK),  # a slow answer proves nothing
        (0.5, 6.0, Level.OK),
        (1.1, 1.9, Level.WARNING),
        (-5.0, -1.1, Level.WARNING),
        (30.5, 31.0, Level.ERROR),
        (-3600.0, -3599.0, Level.ERROR),
    ],
)
def test_the_clocks(least: float, most: float, level: Level) -> None:
    assert judge_clocks(least, most).level == level
