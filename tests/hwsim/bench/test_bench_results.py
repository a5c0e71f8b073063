"""Runs become figures, ratios and a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench_results import run, two_contenders

from hwsim.bench.play import Run
from hwsim.bench.report import document, write_report
from hwsim.bench.spread import Spread
from hwsim.demo.marks import Marks
from hwsim.site import Site


def test_a_peer_is_measured_in_multiples_of_asha() -> None:
    results = two_contenders()
    assert results.ratio("keepalived", "asterisk-killed", "pbx_answering") == pytest.approx(2.0)
    assert results.ratio("keepalived", "asterisk-killed", "detected") is None


def test_figures_are_ashas_own() -> None:
    figures = two_contenders().figures()
    assert figures["asterisk-killed.pbx_answering"] == Spread(0.9, 1.0, 1.2, 3)
    assert "asterisk-killed.alarm_clear" not in figures


def test_a_failed_run_is_told_and_spoils_no_figure() -> None:
    results = two_contenders()
    results.note_run(Run("asha", "asterisk-killed", 4, Marks(), 0.1, "the line did not come"))
    assert not results.ok
    assert results.problems == ["asha, asterisk-killed, run 4: the line did not come"]
    assert results.figures()["asterisk-killed.pbx_answering"].count == 3


def test_a_missed_target_is_no_failure() -> None:
    results = two_contenders()
    results.note_run(run("asha", "power-cut", 1, 60.0, 60.0))
    assert results.ok


def test_the_report_holds_raw_runs_summary_ratios_and_verdicts(tmp_path: Path) -> None:
    write_report(tmp_path / "deep" / "report.json", two_contenders(), Site(), {"machine": {"cores": 2}})
    report = json.loads((tmp_path / "deep" / "report.json").read_text())
    assert report["machine"] == {"cores": 2}
    assert len(report["runs"]) == 6
    assert report["runs"][0]["marks"]["pbx_answering"] == 0.9
    assert report["summary"]["asha"]["asterisk-killed"]["pbx_answering"]["median"] == 1.0
    assert report["ratios_to_asha"]["keepalived"]["asterisk-killed"]["pbx_answering"] == 2.0
    assert report["assumed"]["asterisk_boot_time"] == 0.4
    verdicts = {target["figure"]: target for target in report["targets"]}
    assert verdicts["asterisk-killed.pbx_answering"]["met"] is True
    assert verdicts["asterisk-killed.pbx_answering"]["without_boot_time"]["median"] == 0.6
    assert verdicts["power-cut.pbx_answering"]["met"] is None


def test_without_asha_there_are_no_ratios() -> None:
    results = two_contenders()
    results.runs = [one for one in results.runs if one.contender != "asha"]
    report = document(results, Site(), {})
    assert report["ratios_to_asha"]["keepalived"]["asterisk-killed"]["pbx_answering"] is None
