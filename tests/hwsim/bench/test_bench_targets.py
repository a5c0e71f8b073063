"""What must be reached, and what is said about it."""

from __future__ import annotations

import io

import pytest
from bench_results import two_contenders
from rich.console import Console

from hwsim.bench.agent_cost import AGENT_FIGURES
from hwsim.bench.contender import FAULTS
from hwsim.bench.data_cost import DATA_FIGURES
from hwsim.bench.panel.cost import PANEL_FIGURES
from hwsim.bench.panel.watched import WATCHED_FIGURES
from hwsim.bench.results import PHASES, Results
from hwsim.bench.spread import Spread
from hwsim.bench.table import data_table, missed, sentence, targets_table
from hwsim.bench.targets import DEADTIME, TARGETS, Target, judge
from hwsim.site import Site

ANSWERS = Target("a.b", "a thing", 0.5, "s")


def figure(median: float) -> Spread:
    return Spread(0.0, median, 99.0, 10)


def shown(results: Results) -> str:
    paper = io.StringIO()
    Console(file=paper, width=140).print(targets_table(results, Site()))
    return paper.getvalue()


@pytest.mark.parametrize(("median", "met"), [(0.499, True), (0.5, True), (0.501, False)])
def test_the_median_is_what_counts(median: float, met: bool) -> None:
    (verdict,) = judge({"a.b": figure(median)}, (ANSWERS,))
    assert verdict.met is met


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    (verdict,) = judge({}, (ANSWERS,))
    assert verdict.met is None


def test_every_target_names_a_figure_that_is_measured() -> None:
    measured = {f"{fault.name}.{phase}" for fault in FAULTS for phase in PHASES}
    measured |= {*AGENT_FIGURES, *DATA_FIGURES, *PANEL_FIGURES, *WATCHED_FIGURES}
    assert {target.figure for target in TARGETS} <= measured
    assert {target.aside for target in TARGETS if target.aside} <= measured


def test_targets_hold_for_the_default_deadtime() -> None:
    assert Site().deadtime == DEADTIME


def test_the_table_says_met_missed_and_not_measured() -> None:
    results = two_contenders()
    results.agent["agent.memory_primary"] = Spread(50.0, 50.0, 50.0, 1)
    lines = {line.split("│")[1].strip(): line for line in shown(results).splitlines() if "│" in line}
    assert " met" in lines["Asterisk killed → PBX answering"]
    assert "MISSED" in lines["agent, resident memory, primary"]
    assert "not measured" in lines["asha status"]
    assert [sentence(verdict) for verdict in missed(results)] == [
        "agent, resident memory, primary: 50.0 MB, wanted ≤ 45.0 MB"
    ]


def test_the_assumed_boot_time_is_said_and_taken_off() -> None:
    text = shown(two_contenders())
    assert "boots in 0.4 s, which is assumed" in " ".join(text.split())
    (own,) = [line for line in text.splitlines() if "own share" in line]
    assert "600 ms" in own


def test_the_data_stand_beside_a_bare_rsync() -> None:
    results = Results(data={name: Spread(1.0, 1.25, 2.0, 3) for name in DATA_FIGURES})
    paper = io.StringIO()
    Console(file=paper, width=140).print(data_table(results))
    rows = [
        line for line in paper.getvalue().splitlines() if "first sync" in line or "nothing changed" in line
    ]
    assert [row.count("1.25 (1.00-2.00)") for row in rows] == [3, 3]
