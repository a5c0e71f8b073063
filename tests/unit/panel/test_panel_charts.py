"""A day as a line, and the last moves as bars."""

from __future__ import annotations

import pytest

from appliance.cli.history import transfer_text
from appliance.core.answers import TrendsAnswer
from appliance.core.as_json import read_as
from appliance.core.journal_entry import read_entries
from appliance.core.transfer_history import PastPhase, PastTransfer, read_transfers
from appliance.panel.render.charts import HEIGHT, WIDTH, chart, charts
from appliance.panel.render.timeline import entries, moves
from tests.plugins.agent_stand_in import HISTORY, TRENDS


def points(stroke: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in stroke.split())]


def test_the_newest_is_at_the_right_and_the_oldest_a_day_before() -> None:
    (stroke,) = chart("x", "x", "s", [1.0] * 1440, 60.0).strokes
    drawn = points(stroke)
    assert drawn[0][0] == 0.0 and drawn[-1][0] == WIDTH
    assert len(drawn) == 288


def test_a_short_life_is_drawn_at_the_right_end() -> None:
    (stroke,) = chart("x", "x", "s", [1.0] * 10, 60.0).strokes
    assert [x for x, _ in points(stroke)] == [398.6, 400.0]


def test_a_peak_is_not_smoothed_away() -> None:
    drawn = chart("x", "x", "s", [0.0] * 700 + [10.0] + [0.0] * 739, 60.0)
    assert drawn.top == 10.0 and drawn.worst == 10.0
    assert min(y for stroke in drawn.strokes for _, y in points(stroke)) == 0.0


def test_what_is_unknown_is_a_gap_not_a_zero() -> None:
    drawn = chart("x", "x", "s", [5.0] * 50 + [None] * 50 + [5.0] * 50, 60.0)
    assert len(drawn.strokes) == 2
    assert all(y < HEIGHT for stroke in drawn.strokes for _, y in points(stroke))


def test_a_single_measurement_can_be_seen() -> None:
    (stroke,) = chart("x", "x", "s", [None] * 4 + [2.0], 60.0).strokes
    assert len(points(stroke)) == 2


def test_in_words() -> None:
    assert chart("x", "x", "s", [None, None], 60.0).says == "nothing was measured in the last day"
    assert chart("x", "x", "ms", [9.0, *[2.0] * 120], 60.0).says == "now 2 ms; at most 9 ms, 2 h ago"
    assert chart("x", "x", "ms", [9.0, None], 60.0).says == "now unknown; at most 9 ms, 60 s ago"


def test_a_probe_that_is_off_has_no_chart() -> None:
    assert [one.name for one in charts(read_as(TrendsAnswer, TRENDS))] == ["data-age", "ami"]


def test_the_pieces_of_a_move_lie_end_to_end() -> None:
    (move,) = moves(read_transfers(HISTORY))
    assert [mark.phase for mark in move.marks] == ["settling", "linking", "done"]
    ends = [mark.left + mark.wide for mark in move.marks]
    assert [mark.left for mark in move.marks[1:]] == pytest.approx(ends[:-1])
    assert abs(ends[-1] - 100.0) < 1e-9


def test_a_piece_is_as_long_as_its_own_phase_lasted() -> None:
    """The page and 'asha history' say the same of each phase: the line settles for 5 s, and not for 0.2."""
    reached = [("moving", 0.008), ("settling", 0.196), ("done", 5.19)]
    past = PastTransfer(
        0.0, "primary", "acquire", phases=tuple(PastPhase(*one) for one in reached), ended="done", took=5.19
    )
    (move,) = moves([past])
    widths = {mark.phase: mark.wide for mark in move.marks}
    assert widths == pytest.approx({"moving": 3.6, "settling": 96.2, "done": 0.0}, abs=0.1)
    assert [mark.lasted for mark in move.marks] == [pytest.approx(0.188), pytest.approx(4.994), None]
    shown = transfer_text(past)
    assert "188 ms  moving" in shown and "4994 ms  settling" in shown


def test_an_entry_of_another_version_is_shown_as_it_is() -> None:
    odd = [{"wall": 1.0, "kind": "phase", "says": "something new"}, {"kind": "wish"}]
    assert [entry.says for entry in entries(read_entries(odd))] == ["", "something new"]
