"""`asha check`: bounded whatever hangs, what it prints, and the status with which it ends."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance.agent import active_conf
from appliance.agent.this_node import ThisNode
from appliance.cli import check as command
from appliance.cli.checks import look, report
from appliance.cli.checks.look import HostCheck, Scene, gather, made
from appliance.cli.checks.registry import CHECKS
from appliance.config import Conf
from appliance.core.as_json import to_json
from appliance.core.errors import HostError, UserError
from appliance.core.host_check.finding import (
    Finding,
    Level,
    NodeReport,
    PairReport,
    fine,
    not_known,
    warning,
    wrong,
)
from appliance.core.model import Node
from appliance.host.clock import SystemClock
from appliance.sync.errors import Fault, SyncProblem

CLOCK = SystemClock()
SCENE = Scene(Conf(), Node.PRIMARY, "haprimary", CLOCK)


def node(*findings: Finding, side: str = "primary", name: str = "haprimary") -> NodeReport:
    return NodeReport(side, name, "2.0", findings)


def of(what: str, finding: Finding) -> Finding:
    return Finding(finding.level, finding.says, finding.remedy, what)


def asked(monkeypatch: pytest.MonkeyPatch, found: PairReport, *words: str) -> Result:
    monkeypatch.setattr(report, "report_here", lambda *given: found.here)
    monkeypatch.setattr(report, "report_pair", lambda *given: found)
    return CliRunner().invoke(command.check, words)


def test_a_look_that_hangs_is_late_and_holds_up_no_other() -> None:
    hangs, waited = threading.Event(), []
    began = time.monotonic()
    done = gather({"hangs": hangs.wait, "ends": lambda: True}, CLOCK, 0.5, waited.append)
    hangs.set()
    assert done == {"ends": True} and time.monotonic() - began < 5
    assert ["hangs"] in waited


def test_a_node_whose_look_hangs_is_reported_with_it_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = threading.Event()
    conf = tmp_path / "asha.conf"
    conf.write_text(f"HAPRINODE={report.os.uname().nodename}\n")

    def wait(scene: Scene) -> Finding:
        hangs.wait()
        return fine("")

    monkeypatch.setattr(
        report, "CHECKS", (HostCheck("disks", wait), HostCheck("time", lambda scene: fine("ticks")))
    )
    monkeypatch.setattr(report, "DEADLINE", 0.3)
    found = report.report_here(conf, CLOCK)
    hangs.set()
    assert [(one.what, one.level) for one in found.findings] == [
        ("conf", Level.OK),
        ("disks", Level.UNKNOWN),
        ("time", Level.OK),
    ]


@pytest.mark.parametrize(
    ("problem", "level", "says"),
    [
        (HostError("It is gone.", todo="Get it."), Level.ERROR, "It is gone."),
        (PermissionError(13, "Permission denied", "/proc/1"), Level.UNKNOWN, "/proc/1: Permission denied."),
        (ValueError("odd"), Level.UNKNOWN, "The look failed (ValueError: odd)."),
    ],
)
def test_what_goes_wrong_in_a_look_is_a_finding(problem: Exception, level: Level, says: str) -> None:
    def raises(scene: Scene) -> Finding:
        raise problem

    found = made(HostCheck("card", raises), SCENE)
    assert (found.what, found.level, found.says) == ("card", level, says)
    assert found.remedy


def test_every_check_has_a_short_name_of_its_own() -> None:
    names = [check.what for check in CHECKS]
    assert len(names) == len({*names}) and max(map(len, names)) <= 11
    assert look.DEADLINE > 0


@pytest.mark.parametrize(
    ("finding", "line", "code"),
    [
        (fine("is well"), "ok   card        is well", 0),
        (warning("Is odd.", "Look."), "!    card        warning: Is odd. Look.", 0),
        (wrong("Is gone.", "Get it."), "NOT  card        Is gone. Get it.", 3),
        (not_known("Is dark.", "Light it."), "?    card        not known: Is dark. Light it.", 3),
        (Finding("purple", "Is new."), "?    card        not known: Is new.", 3),
        (fine("a\x1b[2Jb"), "ok   card        a\\x1b[2Jb", 0),
    ],
)
def test_a_line_and_its_status(
    monkeypatch: pytest.MonkeyPatch, finding: Finding, line: str, code: int
) -> None:
    done = asked(monkeypatch, PairReport(node(of("card", finding))))
    assert done.output == f"{line}\n"
    assert getattr(done.exception, "exit_code", done.exit_code) == code


def test_both_nodes_are_shown_beside_each_other_and_then_what_the_two_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = node(of("conf", fine("good")), of("card", fine("there")))
    peer = node(of("conf", wrong("Bad.", "Mend.")), side="secondary", name="pbx2")
    done = asked(monkeypatch, PairReport(here, peer, (of("clocks", fine("agree")),)), "--peer")
    assert done.output.splitlines() == [
        "ok   conf        haprimary good",
        "NOT  conf        pbx2      Bad. Mend.",
        "ok   card        haprimary there",
        "ok   clocks      agree",
    ]
    assert isinstance(done.exception, HostError) and "1 of 4 checks failed" in str(done.exception)


def test_the_json_is_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    found = PairReport(node(of("card", warning("Is odd.", "Look."))))
    done = asked(monkeypatch, found, "--json")
    document = json.loads(done.output)
    assert document == to_json(found)
    assert document["here"]["findings"] == [
        {"level": "warning", "says": "Is odd.", "remedy": "Look.", "what": "card"}
    ]
    assert document["peer"] is None and document["compared"] == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (SyncProblem(Fault.UNREACHABLE, "pbx2: No route to host."), "pbx2: No route to host."),
        (
            SyncProblem(
                Fault.INTERRUPTED,
                "pbx2: This key does not allow that: 'asha-source' is none of what this key is for.",
            ),
            "older version",
        ),
        ({"report": {"node": 7}}, "no language of ours"),
        ({}, "no language of ours"),
    ],
)
def test_a_peer_that_gives_no_report_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, says: str
) -> None:
    conf = tmp_path / "asha.conf"
    conf.write_text(f"HAPRINODE={report.os.uname().nodename}\n")

    def ask(*given: object, **named: object) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(report, "ask_once", ask)
    monkeypatch.setattr(report, "CHECKS", ())
    monkeypatch.setattr(report, "FACTS", {})
    found = report.report_pair(conf, CLOCK)
    assert found.peer is None
    (why,) = found.compared
    assert (why.what, why.level) == ("other node", Level.ERROR) and says in why.says and why.remedy


def test_a_wrong_conf_file_is_the_one_finding(tmp_path: Path) -> None:
    for found in (
        report.report_here(tmp_path / "none", CLOCK),
        report.report_pair(tmp_path / "none", CLOCK).here,
    ):
        (finding,) = found.findings
        assert (finding.what, finding.level, found.node) == ("conf", Level.ERROR, "")


def test_a_host_that_was_renamed_under_a_running_engine_is_looked_at_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "asha.conf"
    conf.write_text("HAPRINODE=pbx1\nHASECNODE=pbx2\n")
    monkeypatch.setattr(report, "CHECKS", (HostCheck("time", lambda scene: fine("ticks")),))

    def neither(path: Path) -> ThisNode:
        raise UserError("Neither node.")

    monkeypatch.setattr(active_conf, "read_this_node", neither)
    assert report.report_here(conf, CLOCK).node == ""
    monkeypatch.setattr(active_conf, "read_this_node", lambda path: ThisNode(Conf(), Node.SECONDARY))
    found = report.report_here(conf, CLOCK)
    assert found.node == "secondary"
    assert [(one.what, one.level) for one in found.findings] == [("conf", Level.ERROR), ("time", Level.OK)]


class Terminal:
    """Standard error of a person who looks on."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


class Later:
    """A clock that goes on by `step` seconds each time it is asked."""

    def __init__(self, step: float) -> None:
        self._now, self._step = 0.0, step

    def now(self) -> float:
        self._now += self._step
        return self._now

    def wall(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


def test_a_person_is_told_what_is_waited_for_only_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    waiting, wipe = command._progress(Later(0.3))
    waiting(["ssh"])
    wipe()
    assert terminal.text == ""
    waiting, wipe = command._progress(Later(2.0))
    waiting(["ssh", "disks", "boot", "time", "card"])
    wipe()
    assert "still out: ssh, disks, boot, time, ..." in terminal.text and terminal.text.endswith("\r\x1b[K")
