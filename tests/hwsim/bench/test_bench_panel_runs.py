"""Failovers while people look become figures, ratios and tables; and without RPMs nothing is begun."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from hwsim import installed
from hwsim.bench.panel.cost import PANEL_FIGURES, panel_unit
from hwsim.bench.panel.watched import COUNTS, WATCHED_FIGURES, Seen, Watched, watched_figures
from hwsim.bench.report import document
from hwsim.bench.results import Results
from hwsim.bench.runner import NAMES, PANEL_COST, planned
from hwsim.bench.spread import Spread, once
from hwsim.bench.table import panel_table, watched_table
from hwsim.demo.marks import Marks
from hwsim.nodes import RackError
from hwsim.rack import SIDES
from hwsim.site import Site


def watched(viewers: int, number: int, line: float) -> Watched:
    marks = Marks(relay_moved=0.03, address_moved=0.6, pbx_answering=1.2, line_in_service=line)
    seen = {side: Seen(0.1 * number, 0.4) for side in SIDES} if viewers else {}
    return Watched(viewers, number, 0.5, marks, seen)


def three_of_each() -> Results:
    results = Results(panel={name: once(1.25) for name in PANEL_FIGURES})
    for number in (1, 2, 3):
        for viewers in COUNTS:
            results.note_watched(watched(viewers, number, 5.0 + viewers / 100))
    return results


def shown(results: Results) -> list[str]:
    paper = io.StringIO()
    console = Console(file=paper, width=140)
    console.print(watched_table(results))
    console.print(panel_table(results))
    return paper.getvalue().splitlines()


def test_many_viewers_are_measured_in_multiples_of_none() -> None:
    figures = watched_figures(three_of_each().watched)
    assert figures["panel.line_in_service_0"] == Spread(5.0, 5.0, 5.0, 3)
    assert figures["panel.line_in_service_ratio"].median == pytest.approx(1.1)
    assert figures["panel.relay_moved_ratio"].median == pytest.approx(1.0)


def test_both_nodes_pages_count_and_without_viewers_nobody_sees() -> None:
    figures = watched_figures(three_of_each().watched)
    assert figures["panel.seen_50"].count == 6
    assert figures["panel.seen_50"].most == pytest.approx(0.3)
    assert "panel.seen_0" not in figures
    assert set(figures) == set(WATCHED_FIGURES)


def test_a_failed_run_is_told_and_spoils_no_figure() -> None:
    results = three_of_each()
    results.note_watched(Watched(50, 4, 0.1, problem="one of them was not let in"))
    assert results.problems == ["50 viewers, run 4: one of them was not let in"]
    assert results.figures()["panel.line_in_service_50"].count == 3


def test_the_report_holds_the_raw_runs() -> None:
    report = json.loads(json.dumps(document(three_of_each(), Site(), {})))
    assert len(report["watched"]) == 3 * len(COUNTS)
    assert report["watched"][1]["seen"]["primary"] == {"moved": 0.1, "confirmed": 0.4}
    assert report["panel"]["panel.memory_peak"]["median"] == 1.25
    assert report["panel"]["panel.pbx_answering_50"]["median"] == 1.2


def test_the_tables_have_each_figure() -> None:
    lines = shown(three_of_each())
    (line,) = [line for line in lines if "line in service" in line]
    assert line.count("5000 (5000-5000)") == 1 and "5500 (5500-5500)" in line and "1.10" in line
    (seen,) = [line for line in lines if "drawn, page of the primary" in line]
    assert seen.count("200 (100-300)") == 2
    assert all(any(name in line for line in lines) for name in PANEL_FIGURES)


@pytest.mark.parametrize(
    ("figure", "unit"),
    [
        ("panel.first_new", "s"),
        ("panel.whole_ratio", "x"),
        ("panel.memory_peak", "MB"),
        ("panel.agent_cpu_alerts_primary", "%"),
        ("panel.agent_memory_one_viewer_primary", "MB"),
        ("panel.page_kilobytes", "kB"),
        ("panel.alerts", ""),
    ],
)
def test_figures_have_their_units(figure: str, unit: str) -> None:
    assert figure in PANEL_FIGURES
    assert panel_unit(figure) == unit


def test_the_panel_is_measured_when_it_is_asked_for() -> None:
    assert PANEL_COST in NAMES
    assert not planned(None, 10).panel
    plan = planned(PANEL_COST, 10)
    assert plan.panel and not (plan.cost or plan.data or plan.contenders)
    assert plan.steps == 1 + 10 * len(COUNTS)


def test_without_rpms_it_is_said_how_to_make_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "RPMS", tmp_path)
    (tmp_path / "asha-2.0.0-1.noarch.rpm").touch()
    with pytest.raises(RackError, match="make rpm first"):
        installed.package_files()
    (tmp_path / "asha-runtime-2.0.0-1.x86_64.rpm").touch()
    assert [file.name.split("-2")[0] for file in installed.package_files()] == ["asha", "asha-runtime"]
