"""A day as a line, and the last moves as bars."""

from __future__ import annotations

import pytest

from appliance.cli.history import transfer_text
from appliance.core.answers import TrendsAnswer, WeekAnswer
from appliance.core.as_json import read_as
from appliance.core.journal_entry import read_entries
from appliance.core.transfer_history import PastPhase, PastTransfer, read_transfers
from appliance.panel.render.charts import HEIGHT, PERIODS, WIDTH, Chart, Measured, chart, charts
from appliance.panel.render.timeline import entries, moves
from tests.plugins.agent_stand_in import HISTORY, TRENDS


def points(stroke: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in stroke.split())]


def row(*values: float | None) -> Measured:
    return Measured("x", "x", "s", values, 60.0, 60.0)


def day(*values: float | None) -> Chart:
    found = chart(row(*values), PERIODS["day"])
    assert found is not None
    return found


def test_the_newest_is_at_the_right_and_the_oldest_a_day_before() -> None:
    (stroke,) = day(*[1.0] * 1440).strokes
    drawn = points(stroke)
    assert drawn[0][0] == pytest.approx(WIDTH * 5 / 1440, abs=0.1) and drawn[-1][0] == WIDTH
    assert len(drawn) == 288


def test_a_short_life_is_drawn_at_the_right_end() -> None:
    (stroke,) = day(*[1.0] * 10).strokes
    assert [x for x, _ in points(stroke)] == [398.6, 400.0]


def test_an_hour_shows_each_minute_of_it_and_nothing_before() -> None:
    found = chart(row(9.0, *[1.0] * 61), PERIODS["hour"])
    assert found is not None and found.worst == 1.0
    (stroke,) = found.strokes
    drawn = [x for x, _ in points(stroke)]
    assert (drawn[0], drawn[-1], len(drawn)) == (0.0, WIDTH, 61)


def test_a_week_is_made_of_its_points_and_the_newest_may_be_young() -> None:
    week = WeekAnswer(600.0, (5.0, 1.0, 2.0), {"sip": (None, None, 7.0)}, newest=3)
    found = charts(TrendsAnswer(60.0, 0.0, (1.0,), {}, ("clear",), week), PERIODS["week"])
    assert [one.name for one in found] == ["data-age", "sip"]
    ages = [(WIDTH - x) / WIDTH * PERIODS["week"].seconds for x, _ in points(found[0].strokes[0])]
    assert ages == pytest.approx([780.0, 180.0, 0.0], abs=80)
    assert found[0].worst_ago == 780.0


def test_an_agent_that_keeps_no_week_shows_its_day() -> None:
    (found,) = charts(TrendsAnswer(60.0, 0.0, (1.0, 2.0)), PERIODS["week"])
    assert found.now == 2.0


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        ("hour", ["-60 min", "-45 min", "-30 min", "-15 min", "now"]),
        ("day", ["-24 h", "-18 h", "-12 h", "-6 h", "now"]),
        ("week", ["-7 d", "-6 d", "-5 d", "-4 d", "-3 d", "-2 d", "-1 d", "now"]),
    ],
)
def test_the_axis_says_how_long_ago(span: str, labels: list[str]) -> None:
    ticks = PERIODS[span].ticks
    assert [label for _, label in ticks] == labels
    assert (ticks[0][0], ticks[-1][0]) == (0.0, WIDTH)


def test_a_move_of_service_is_marked_where_it_was() -> None:
    now = 1_790_086_400.0
    history = [
        PastTransfer(now - 43_200, "primary", "release", "an operator asked for standby"),
        PastTransfer(now - 43_000, "primary", "leave", "the engine was stopped"),
        PastTransfer(now + 30, "primary", "acquire", "granted"),
        PastTransfer(now - 90_000, "primary", "acquire", "granted"),
    ]
    (found,) = charts(TrendsAnswer(60.0, now, (1.0,)), PERIODS["day"], history)
    assert [mark.x for mark in found.moves] == [WIDTH / 2, WIDTH]
    assert found.moves[0].says == "service let go on the primary, 12 h ago: an operator asked for standby"


def test_a_peak_is_not_smoothed_away() -> None:
    drawn = day(*[0.0] * 700, 10.0, *[0.0] * 739)
    assert drawn.top == 10.0 and drawn.worst == 10.0
    assert min(y for stroke in drawn.strokes for _, y in points(stroke)) == 0.0


def test_what_is_unknown_is_a_gap_not_a_zero() -> None:
    drawn = day(*[5.0] * 50, *[None] * 50, *[5.0] * 50)
    assert len(drawn.strokes) == 2
    assert all(y < HEIGHT for stroke in drawn.strokes for _, y in points(stroke))


def test_a_single_measurement_can_be_seen() -> None:
    (stroke,) = day(*[None] * 4, 2.0).strokes
    assert len(points(stroke)) == 2


def test_in_words() -> None:
    assert day(9.0, *[2.0] * 120).says == "now 2 s; at most 9 s, 2 h ago"
    assert day(9.0, None).says == "now unknown; at most 9 s, 60 s ago"


def test_what_was_not_measured_has_no_chart() -> None:
    assert [one.name for one in charts(read_as(TrendsAnswer, TRENDS), PERIODS["day"])] == ["data-age", "ami"]
    assert charts(TrendsAnswer(60.0, 0.0, (None, None), {"ami": (None, None)}), PERIODS["day"]) == ()
    assert charts(TrendsAnswer(60.0, 0.0, (9.0, *[None] * 70)), PERIODS["hour"]) == ()
    assert charts(TrendsAnswer(60.0, 0.0), PERIODS["week"]) == ()


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
