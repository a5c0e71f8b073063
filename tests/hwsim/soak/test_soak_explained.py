"""Which journal entries and alerts of a soak its faults explain, and which speak against the product."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hwsim.campaign.faults import FAULTS
from hwsim.soak.explained import (
    AFTERMATH,
    ENDS_PROGRAMS,
    TROUBLE,
    FaultWindow,
    tracebacks,
    unexplained_alert,
    unexplained_entry,
    unexplained_start,
)

PRODUCT = Path(__file__).parents[3] / "appliance"
CUT = FaultWindow(100.0, 160.0, (("both cables cut", "primary"), ("power cut", "secondary")))
QUIET, IN_ROUND = 300.0, 120.0


def entry(kind: str, at: float = QUIET, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "at": at, "wall": 0.0, **fields}


def test_every_kind_of_entry_that_the_product_writes_is_classified() -> None:
    calls = re.compile(r'\b(?:note|note_once|_tell)\(\s*"([a-z ]+)"')
    files = (path for room in ("agent", "core") for path in (PRODUCT / room).rglob("*.py"))
    written = {kind for path in files for kind in calls.findall(path.read_text())}
    assert {"transfer", "agent", "engine restart", "done"} <= written
    assert written - TROUBLE.keys() == set()


def test_faults_that_end_programs_are_faults() -> None:
    assert FAULTS.keys() >= ENDS_PROGRAMS


@pytest.mark.parametrize(
    "said",
    [
        entry("transfer", goal="release", reason="the line is absent"),
        entry("decision", act="hand over", reason="Asterisk is dead"),
        entry("done", order="START_PBX", problem="it does not start"),
        entry("peer", alive=False),
        entry("lan", reached=False, why="no carrier"),
        entry("gap", seconds=4.0),
        entry("data", says="100/INBOX/msg0001.txt is held back: a special file"),
        entry("address", says="also elsewhere", mac="02:00:00:00:00:01"),
        entry("a kind of tomorrow"),
    ],
    ids=lambda said: said["kind"],
)
def test_trouble_is_unexplained_only_while_nothing_is_injected(said: dict[str, Any]) -> None:
    found = unexplained_entry("primary", said, [CUT])
    assert found is not None and said["kind"] in found.says and found.source == "journal of the primary"
    assert unexplained_entry("primary", {**said, "at": IN_ROUND}, [CUT]) is None
    assert unexplained_entry("primary", {**said, "at": 160.0 + AFTERMATH}, [CUT]) is None
    assert unexplained_entry("primary", {**said, "at": 99.0}, [CUT]) is not None


@pytest.mark.parametrize(
    "said",
    [
        entry("order", order="START_PBX"),
        entry("done", order="START_PBX", problem=""),
        entry("peer", alive=True),
        entry("lan", reached=True),
        entry("data", says="100 is not held back any more"),
        entry("address", says="here alone"),
        entry("agent", says="the conf file was read again"),
        entry("wish", wish="failback", allowed=True),
    ],
    ids=lambda said: said["kind"],
)
def test_what_tells_of_no_trouble_is_never_unexplained(said: dict[str, Any]) -> None:
    assert unexplained_entry("primary", said, []) is None


def test_a_round_that_goes_on_explains_what_is_written_in_it() -> None:
    assert unexplained_entry("primary", entry("gap"), [FaultWindow(100.0, None, ())]) is None


def test_some_entries_no_fault_explains() -> None:
    for said in (
        entry("agent", IN_ROUND, says="the conf file was not taken: HADEADTIME is no time"),
        entry("notify", IN_ROUND, says="alerts cannot be made of what there is: KeyError()"),
    ):
        assert unexplained_entry("primary", said, [CUT]) is not None


def test_an_agent_begins_only_where_a_fault_has_ended_it() -> None:
    begins = entry("agent", IN_ROUND, says="started", version="1.0")
    assert unexplained_entry("secondary", begins, [CUT]) is None
    assert unexplained_entry("primary", begins, [CUT]) is not None
    assert unexplained_entry("secondary", {**begins, "at": QUIET}, [CUT]) is not None


def test_a_page_is_ended_by_its_machine_and_not_by_its_agent() -> None:
    killed = FaultWindow(100.0, 160.0, (("agent killed", "primary"),))
    assert unexplained_start("agent", "primary", IN_ROUND, [killed]) is None
    assert unexplained_start("page", "primary", IN_ROUND, [killed]) is not None
    assert unexplained_start("page", "secondary", IN_ROUND, [CUT]) is None
    assert unexplained_start("page", "secondary", QUIET, [CUT]) is not None


@pytest.mark.parametrize(
    ("at", "subject", "found"),
    [
        (QUIET, "[asha haprimary] critical: both nodes serve", True),
        (QUIET, "[asha haprimary] warning: link eth1 of Heartbeat is lost", True),
        (QUIET, "[asha haprimary] notice: over: link eth1 of Heartbeat is lost", False),
        (IN_ROUND, "[asha haprimary] critical: both nodes serve", False),
    ],
)
def test_an_alert_needs_a_fault_unless_it_says_that_one_is_over(at: float, subject: str, found: bool) -> None:
    assert (unexplained_alert(at, "10.77.0.1", subject, [CUT]) is not None) == found


def test_exceptions_that_nobody_caught_are_counted() -> None:
    one = 'Traceback (most recent call last):\n  File "x"\nKeyError: 1\n'
    assert tracebacks(one + "asha: the conf file was read again\n" + one) == 2
    assert tracebacks("asha: ended\n") == 0
