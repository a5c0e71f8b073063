"""How often service moves by itself: what counts, what holds it up, and what lets it go again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import SERVING, known, peer, seen
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.decide import Act, Watch, WatchPolicy, decide
from appliance.core.journal_entry import JournalEntry
from appliance.core.model import Line, Pbx
from appliance.core.move_limit import WINDOW, MoveRecord, reached, remembered, says
from appliance.core.reading import Known
from appliance.core.transfer import Order, Seen

POLICY = WatchPolicy(restart_allowed=False, deadtime=2.0, line_dwell=1.0, move_dwell=15.0, move_limit=4)
NOW = 10_000.0
WATCH = Watch(Known(True, NOW), 0.0, True, None, 0.0, moved=4, began=0.0)
DIED = replace(SERVING, pbx=known(Pbx.DEAD), peer=peer())


def act(what: Seen, watch: Watch = WATCH, policy: WatchPolicy = POLICY) -> Act:
    return decide(policy, watch, what, NOW).act


def entry(kind: str, ago: float, **fields: object) -> JournalEntry:
    return JournalEntry({"kind": kind, "wall": 1e9 - ago, "at": 0.0, **fields})


# -- what it holds up -------------------------------------------------------------------------------------


def test_at_the_limit_a_dead_asterisk_is_started_where_it_died() -> None:
    assert act(DIED, replace(WATCH, moved=3)) is Act.HAND_OVER
    assert act(DIED) is Act.RESTART_PBX
    assert act(DIED, policy=replace(POLICY, move_limit=0)) is Act.HAND_OVER


def test_a_peer_that_is_fit_for_everything_is_not_taken_for_one_that_lacks_the_line() -> None:
    """Nothing may go round the limit: such a peer is fit for the LAN's telephones too."""
    whole = replace(DIED, peer=replace(DIED.peer, fit_for_lan=Known(True, NOW)))
    assert act(whole) is Act.RESTART_PBX
    assert act(whole, replace(WATCH, moved=3)) is Act.HAND_OVER


def test_at_the_limit_the_line_is_not_followed() -> None:
    away = replace(SERVING, line=known(Line.ABSENT), peer=peer(line=Line.CLEAR))
    watch = replace(WATCH, line_absent_since=NOW - 60, line_at_peer_since=NOW - 60)
    assert act(away, replace(watch, moved=3)) is Act.HAND_OVER
    assert act(away, watch) is Act.STAY


CUT_OFF = replace(SERVING, lan=Known(False, NOW), peer=replace(peer(), lan=Known(True, NOW)))
NEED = {
    "Asterisk does not start": (
        seen(pbx=Pbx.DEAD, failed={Order.START_PBX: "no modules"}),
        replace(WATCH, was_serving=False),
    ),
    "it dies as soon as it runs": (DIED, replace(WATCH, began=NOW - 14.0)),
    "this node is cut off from the LAN": (CUT_OFF, WATCH),
}


@pytest.mark.parametrize(("what", "watch"), NEED.values(), ids=NEED.keys())
def test_a_node_that_cannot_serve_at_all_hands_over_whatever_the_count(what: Seen, watch: Watch) -> None:
    assert act(what, replace(watch, moved=1000)) is Act.HAND_OVER


# -- what counts ------------------------------------------------------------------------------------------


def test_moves_count_for_an_hour_or_until_somebody_has_looked() -> None:
    record = MoveRecord(left=(100.0, 500.0), came=(50.0, 300.0))
    assert record.count(600.0) == 4
    assert record.count(100.0 + WINDOW) == 2
    assert replace(record, acknowledged_at=300.0).count(600.0) == 1


def test_what_a_person_has_asked_for_does_not_count_when_it_comes() -> None:
    """Pacemaker moves service some seconds after the wish was noted."""
    assert MoveRecord(came=(304.0,), acknowledged_at=300.0).count(600.0) == 0
    assert MoveRecord(came=(304.0, 330.0), acknowledged_at=300.0).count(600.0) == 1


def test_a_hand_over_holds_up_the_next_one_until_a_person_has_acknowledged_it() -> None:
    record = MoveRecord(left=(100.0, 500.0), came=(300.0,))
    assert record.hand_overs() == (100.0, 500.0)
    assert replace(record, acknowledged_at=100.0).hand_overs() == (500.0,)
    # An operator's standby is acknowledged in the moment in which service is given up.
    assert replace(record, acknowledged_at=500.0).hand_overs() == ()


def test_what_has_just_come_back_is_trusted_later_each_time() -> None:
    waits = [MoveRecord(came=(1.0,) * times).failback_wait(10.0, 2.0) for times in range(7)]
    assert waits == [10.0, 10.0, 40.0, 160.0, 640.0, 2560.0, WINDOW]
    assert MoveRecord(came=(1.0,) * 3).failback_wait(10.0, 1.0 + WINDOW) == 10.0
    assert MoveRecord(came=(1.0,) * 3).failback_wait(7200.0, 2.0) == 7200.0


def test_the_journal_keeps_the_count() -> None:
    newest_first = [
        entry("decision", 10, act="hand over"),
        entry("decision", 20, act="restart Asterisk"),
        entry("transfer", 30, goal="acquire", reason="granted by Heartbeat"),
        entry("transfer", 40, goal="acquire", reason="the agent was restarted"),
        entry("transfer", 50, goal="release", reason="taken back by Heartbeat"),
        entry("cleanup", 60),
        entry("transfer", 70, goal="acquire", reason="granted by Heartbeat"),
        entry("decision", WINDOW + 1, act="hand over"),
    ]
    assert remembered(newest_first, 1e9, 100.0) == MoveRecord((90.0,), (30.0, 70.0), 40.0)


def test_entries_from_the_future_and_after_the_window_are_not_believed() -> None:
    future = entry("decision", -500, act="hand over")
    assert remembered([future], 1e9, 0.0) == MoveRecord()


def test_people_are_told_what_ends_it() -> None:
    assert says(4, 3) == says(0, 99) == ""
    assert "'asha cleanup'" in says(4, 4)


@given(st.lists(st.floats(0.0, 50_000.0), max_size=60), st.integers(1, 20))
def test_an_hour_of_quiet_always_ends_it(times: list[float], limit: int) -> None:
    half = sorted(times)[: len(times) // 2]
    record = MoveRecord(tuple(half), tuple(sorted(times)[len(half) :]))
    last = max(times, default=0.0)
    assert not reached(limit, record.count(last + WINDOW + 1.0))
