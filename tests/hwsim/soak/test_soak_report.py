"""The report of a soak, its plot, the faults that it draws from, and what is read of a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

from hwsim.campaign.faults import FAULTS, MOVES
from hwsim.campaign.round import drawn
from hwsim.mailbox import Mailbox
from hwsim.soak.chart import chart
from hwsim.soak.explained import ENDS_PROGRAMS, Unexplained
from hwsim.soak.judgement import Soaked
from hwsim.soak.pool import LIVING_PART, pool
from hwsim.soak.process import read_process
from hwsim.soak.readings import ProcessReading
from hwsim.soak.report import write_report

SVG = "{http://www.w3.org/2000/svg}"
ABOUT = {
    **dict.fromkeys(("asha", "python", "heartbeat", "pacemaker", "corosync", "kernel", "architecture"), "x"),
    "cores": 2,
    "load": [0.1, 0.2, 0.3],
    "seed": 7,
    "when": "2026-11-30 12:00",
}


def run_of(*lives: str, **other: Any) -> Soaked:
    """A run in which the agent of the primary is read 40 times in each of `lives`, half of them quiet."""
    readings = [
        ProcessReading(5.0 * (40 * turn + n), "agent", "primary", life, 40.0, 30, 9, 0, quiet=n % 20 >= 10)
        for turn, life in enumerate(lives)
        for n in range(40)
    ]
    return Soaked("heartbeat", 180.0, 190.0, left=50, uneven=[], readings=readings, **other)


def test_the_plot_is_well_formed_and_a_new_process_begins_a_new_line() -> None:
    picture = ElementTree.fromstring(chart(run_of("1-1", "2-2"), "a < b & c"))
    strokes = [path.get("d", "") for path in picture.iter(f"{SVG}path")]
    assert len(strokes) == 2  # memory and descriptors
    assert [stroke.count("M") for stroke in strokes] == [2, 2]
    grey = [rect for rect in picture.iter(f"{SVG}rect") if rect.get("fill") == "#eee"]
    assert len(grey) == 2 * 4  # each of four loud times in both panels


def test_a_plot_of_nothing_is_a_plot() -> None:
    picture = ElementTree.fromstring(chart(Soaked("pacemaker", 60.0), "nothing"))
    assert list(picture.iter(f"{SVG}path")) == []


def test_the_report_says_what_was_wrong_and_is_the_same_for_machines(tmp_path: Path) -> None:
    said = Unexplained(1.0, "journal of the primary", "gap: seconds=4 | x")
    write_report(tmp_path, [run_of("1-1", unexplained=[said])], ABOUT)
    page = (tmp_path / "soak.md").read_text()
    assert "Not every bound was held" in page
    assert "| unexplained entries and alerts | 1 | 0 | **WRONG** |" in page
    assert "- journal of the primary: gap: seconds=4 \\| x" in page
    assert "| lost or doubled messages | 0 of 50 | 0 | ok |" in page
    report = json.loads((tmp_path / "soak.json").read_text())
    assert report["ok"] is False
    assert len(report["runs"][0]["readings"]) == 40
    assert (tmp_path / "heartbeat.svg").exists()


def test_an_interrupted_run_reports_what_it_has(tmp_path: Path) -> None:
    write_report(tmp_path, [Soaked("heartbeat", 180.0, stopped="interrupted")], ABOUT)
    page = (tmp_path / "soak.md").read_text()
    assert "| played to its end | interrupted | yes | **WRONG** |" in page
    assert "| lost or doubled messages | not counted | 0 | not judged |" in page


def test_what_ends_the_programs_comes_in_the_last_part_only() -> None:
    assert pool("heartbeat", 0.5) == FAULTS.keys() - ENDS_PROGRAMS
    assert pool("heartbeat", LIVING_PART) == FAULTS.keys()


def test_on_pacemaker_nothing_is_asked_of_heartbeats_programs() -> None:
    names = pool("pacemaker", 1.0)
    assert "hb_standby" not in names
    assert names < FAULTS.keys()
    blows = [blow for seed in range(300) for blow in drawn(seed, names)]
    assert {blow.name for blow in blows} == names
    assert names & set(MOVES)


def test_a_process_is_read_with_what_it_has_open_and_started() -> None:
    program = (
        "import subprocess, sys, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "kept = open('/dev/null')\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
        "child.kill()\n"
    )
    argv = [sys.executable, "-c", program]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None and running.stdout.readline() == b"ready\n"
        node: Any = SimpleNamespace(hostname="here", pids=lambda pattern: [running.pid], path=Path)
        seen = read_process(node, "any", 5.0, "agent", "primary", quiet=True)
        running.communicate()
    assert seen is not None
    assert (seen.descriptors, seen.threads, seen.children) == (4, 2, 1)
    assert 1.0 < seen.memory < 100.0
    assert seen.life.startswith(f"{running.pid}-") and not seen.life.endswith("-")


def test_a_process_that_is_not_there_gives_no_reading() -> None:
    node: Any = SimpleNamespace(hostname="here", pids=lambda pattern: [], path=Path)
    assert read_process(node, "any", 5.0, "agent", "primary", quiet=True) is None
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    node.pids = lambda pattern: [ended.pid]
    assert read_process(node, "any", 5.0, "agent", "primary", quiet=True) is None


def test_a_mail_is_kept_with_the_time_it_was_written_at() -> None:
    mail = Mailbox()
    head = b"Date: Mon, 30 Nov 2026 19:22:00 +0000\r\nSubject: [asha pbx1] warning: x\r\n\r\ntext\r\n.\r\n"
    mail._keep(head, "10.77.0.1")
    mail._keep(b"Subject: no date\r\n\r\n.\r\n", "10.77.0.2")
    (kept,) = mail.received
    assert (kept.at, kept.sender, kept.subject) == (1796066520.0, "10.77.0.1", "[asha pbx1] warning: x")
    assert mail.subjects == ["[asha pbx1] warning: x", "no date"]
    assert mail.senders == ["10.77.0.1", "10.77.0.2"]
