"""When a drill may be held, when it is due, and what its times mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.config import Conf
from appliance.config.bounds import bound_inputs
from appliance.core.bound import bound_of
from appliance.core.drill import (
    DrillFacts,
    Outcome,
    begun,
    past_drills,
    reached,
    steps_back,
    steps_there,
    verdict,
    why_no_drill,
)
from appliance.core.journal_entry import JournalEntry
from appliance.core.model import Node
from appliance.core.reading import Known, Unknown
from appliance.core.roles import Role
from appliance.core.schedule import minutes_late, schedule_of
from appliance.core.transfer import Goal, Phase

QUIET = DrillFacts(
    node=Node.PRIMARY,
    role=Role.ACTIVE,
    refusal="",
    old_there="",
    peer_fit=Known(True, 0.0),
    maintenance=False,
    peer_maintenance=Known(False, 0.0),
    calls=Known(0, 0.0),
    moved_ago=100.0,
    handed_over_ago=float("inf"),
)
SITE = bound_inputs(Conf(card_installed=True))
THERE, BACK = bound_of(SITE, "standby", Node.SECONDARY), bound_of(SITE, "takeover", Node.PRIMARY)


def test_a_quiet_pair_may() -> None:
    assert why_no_drill(QUIET, 15.0) == ""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"node": Node.SECONDARY}, "begins on the primary"),
        ({"role": Role.STANDBY}, "this node is standby"),
        ({"role": Role.ACQUIRING}, "the line is not in service here"),
        ({"maintenance": True}, "somebody works"),
        ({"peer_maintenance": Known(True, 0.0)}, "somebody works"),
        ({"refusal": "the other node is not fit: no card"}, "the other node is not fit: no card"),
        ({"peer_fit": Unknown("silence", 0.0)}, "not known to be ready"),
        ({"old_there": "its data were in step 3 h ago"}, "not ready: its data were in step 3 h ago"),
        ({"moved_ago": 14.9}, "service has moved 15 s ago"),
        ({"handed_over_ago": 599.0}, "within the last 10 minutes"),
        ({"calls": Known(2, 0.0)}, "calls are up (2)"),
        ({"calls": Unknown("the console is silent", 0.0)}, "the console is silent"),
    ],
)
def test_what_is_in_its_way(change: dict[str, Any], says: str) -> None:
    assert says in why_no_drill(replace(QUIET, **change), 15.0)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("OFF", "off"),
        ("weekly Sunday 3:30", "weekly sunday 03:30"),
        (" weekly  monday 23:59", "weekly monday 23:59"),
    ],
)
def test_a_schedule_as_people_write_it(text: str, kept: str) -> None:
    assert schedule_of(text) == kept == schedule_of(kept)


@pytest.mark.parametrize(
    "text", ["", "weekly", "daily 03:30", "weekly sunday", "weekly sun 3", "weekly sunday 24:00"]
)
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ValueError):
        schedule_of(text)


@pytest.mark.parametrize(
    ("weekday", "hour", "minute", "late"),
    [(6, 3, 30, 0), (6, 4, 30, 60), (0, 3, 30, 24 * 60), (6, 3, 29, 7 * 24 * 60 - 1)],
)
def test_how_long_ago_it_was_due(weekday: int, hour: int, minute: int, late: int) -> None:
    assert minutes_late("weekly sunday 03:30", weekday, hour, minute) == late
    assert minutes_late("off", weekday, hour, minute) is None


def test_a_drill_whose_phases_keep_their_bounds_is_within() -> None:
    steps = (*steps_there(THERE, 0.5, 1.2, 7.0), *steps_back(BACK, 4.9, 10.5))
    outcome, says = verdict(steps)
    assert outcome is Outcome.WITHIN
    assert (
        says == "service moved to the secondary 7.0 s and to the primary 10.5 s, each phase within its bound"
    )


@pytest.mark.parametrize("late", [0, 1, 2])
def test_one_slow_phase_misses_the_bound(late: int) -> None:
    """Each phase counts, not the whole alone: a slow engine is not excused by a quick Asterisk."""
    limits = [step.bound for step in steps_there(THERE, 0.0, 0.0, 0.0)]
    assert limits == sorted(limits) and limits[-1] == THERE.whole
    times = [0.1, 0.2, 0.3]
    times[late] = limits[late] + 0.1
    steps = steps_there(THERE, times[0], times[1], times[2])
    outcome, says = verdict(steps)
    assert outcome is Outcome.MISSED
    assert says.count("TOO SLOW") == 1 and f"{steps[late].phase} after" in says


def entry(kind: str, at: float, **fields: object) -> JournalEntry:
    return JournalEntry({"kind": kind, "at": at, "wall": 1000.0 + at, **fields})


def test_times_are_read_from_the_journal() -> None:
    entries = [
        entry("transfer", 1.0, goal="release", reason="a drill"),
        entry("phase", 2.0, goal="release", phase="done"),
        entry("transfer", 3.0, goal="acquire", reason="granted"),
        entry("phase", 4.0, goal="acquire", phase="settling"),
        entry("phase", 5.0, goal="acquire", phase="done"),
        entry("phase", 6.0, goal="acquire", phase="done"),
    ]
    assert reached(entries, Goal.RELEASE, Phase.DONE) == 2.0
    assert begun(entries, Goal.ACQUIRE) == 3.0
    assert reached(entries, Goal.ACQUIRE, Phase.DONE, Phase.UNVERIFIABLE) == 5.0
    assert reached(entries[:3], Goal.ACQUIRE, Phase.DONE) is None


def test_past_drills_as_the_journal_has_them() -> None:
    entries = [
        entry("drill", 1.0, outcome="begun", by="anna"),
        entry("drill", 9.0, outcome="stopped", steps=["one", 2]),
    ]
    first, last = past_drills(entries)
    assert (first.outcome, first.by, first.at) == ("begun", "anna", 1001.0)
    assert last.steps == ("one", "2")
