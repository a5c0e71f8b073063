"""The journal told as transfers, also by an agent that was restarted or killed in the midst of one."""

from __future__ import annotations

from itertools import count
from typing import Any

from alert_documents import phase, transfer
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.as_json import to_json
from appliance.core.journal_entry import JournalEntry
from appliance.core.transfer_history import past_transfers

Entry = dict[str, Any]
STARTED = {"kind": "agent", "says": "started"}


def told(*entries: Entry) -> list[Entry]:
    """The chronicle of entries made a second apart."""
    seconds = count(1000.0)
    made = [JournalEntry({"wall": next(seconds), "generation": 7, **entry}) for entry in entries]
    return [to_json(one) for one in past_transfers(made, "primary")]


def phases(one: Entry) -> list[tuple[str, float]]:
    return [(seen["phase"], seen["after"]) for seen in one["phases"]]


def test_a_failover_and_what_became_of_it() -> None:
    came, went = told(
        transfer("release", "Asterisk died"),
        phase("stopping", 0.03, "Asterisk is being stopped", "release"),
        phase("done", 0.2, "all is let go", "release"),
        transfer("acquire", "granted by Heartbeat"),
        phase("settling", 0.1),
        phase("linking", 5.1, "waiting for the D-channel"),
        phase("done", 5.4, "the line is in service here"),
    )
    assert phases(went) == [("letting go", 0.0), ("stopping", 0.03), ("done", 0.2)]
    assert (went["began"], went["goal"], went["reason"], went["took"]) == (
        1000.0,
        "release",
        "Asterisk died",
        0.2,
    )
    assert phases(came) == [("moving", 0.0), ("settling", 0.1), ("linking", 5.1), ("done", 5.4)]
    assert (came["ended"], came["took"], came["node"], came["generation"]) == ("done", 5.4, "primary", 7)
    assert came["phases"][-1]["note"] == "the line is in service here"


def test_a_phase_that_only_says_something_else_goes_on() -> None:
    (one,) = told(
        transfer("acquire", "x"), phase("moving", 1.0, "held back"), phase("moving", 2.0, "awaited")
    )
    assert one["phases"] == [{"phase": "moving", "after": 0.0, "note": "awaited"}]
    assert (one["ended"], one["took"]) == ("under way", None)


def test_what_was_blocked_may_still_be_done() -> None:
    entries = [transfer("acquire", "x"), phase("blocked", 8.0, "the relay is stuck")]
    assert told(*entries)[0]["ended"] == "blocked"
    assert told(*entries, phase("settling", 9.0))[0]["ended"] == "under way"
    (one,) = told(*entries, phase("settling", 9.0), phase("done", 14.0))
    assert (one["ended"], one["took"]) == ("done", 14.0)
    assert told(*entries, transfer("release", "y"))[1]["ended"] == "blocked"


def test_a_line_that_is_lost_later_is_another_story() -> None:
    (one,) = told(
        transfer("acquire", "x"), phase("done", 5.0), phase("moving", 9000.0), phase("done", 9006.0)
    )
    assert (one["took"], len(one["phases"])) == (5.0, 2)


def test_a_transfer_that_another_took_the_place_of() -> None:
    second, first = told(transfer("acquire", "x"), phase("settling", 0.1), transfer("release", "y"))
    assert (first["ended"], first["took"], second["ended"]) == ("superseded", None, "under way")


def test_an_agent_that_died_in_the_midst_leaves_no_transfer_under_way() -> None:
    second, first = told(
        transfer("acquire", "granted by Heartbeat"),
        phase("settling", 0.1),
        STARTED,
        transfer("acquire", "the agent was restarted"),
        phase("done", 5.0),
    )
    assert (first["ended"], second["ended"], second["took"]) == ("superseded", "done", 5.0)
    (alone,) = told(transfer("acquire", "x"), STARTED)
    assert alone["ended"] == "superseded"


def test_a_script_that_works_alone_leaves_no_time_but_the_clocks() -> None:
    (one,) = told(
        transfer("release", "the agent does not answer"),
        {"kind": "phase", "goal": "release", "phase": "done", "note": "", "by": "script"},
    )
    assert (one["ended"], one["took"]) == ("done", 1.0)


def test_phases_without_their_beginning_are_passed_over() -> None:
    assert told(phase("done", 5.0), phase("done", 1.0, goal="release")) == []
    (one,) = told(transfer("release", "y"), phase("done", 5.0, goal="acquire"))
    assert one["ended"] == "under way"


def test_a_line_that_comes_and_goes_has_an_end() -> None:
    flaps = [phase(name, float(at)) for at in range(500) for name in ("settling", "moving")]
    (one,) = told(transfer("acquire", "x"), *flaps, phase("done", 600.0))
    assert len(one["phases"]) <= 42
    assert (one["ended"], one["took"]) == ("done", 600.0)


SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5)
WORDS = st.sampled_from(["transfer", "phase", "agent", "acquire", "release", "done", "blocked", "started"])


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["kind", "goal", "phase", "after", "wall", "says", "reason", "generation"]),
            WORDS | SCALARS,
        ),
        max_size=12,
    )
)
def test_a_damaged_journal_harms_nobody(entries: list[Entry]) -> None:
    for one in past_transfers(map(JournalEntry, entries), "primary"):
        assert one.ended in {"done", "blocked", "unverifiable", "superseded", "under way"}
        assert all(seen.after >= 0 for seen in one.phases)
