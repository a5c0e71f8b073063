"""The command line's words: what people read, and the exit codes that scripts read."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from appliance.agent import active_conf
from appliance.cli import events, history, leave, main, status
from appliance.control import answers
from appliance.control.client import AgentAbsent
from appliance.core.as_json import to_json
from appliance.core.errors import ClusterError, HardwareError, HostError, SyncError, UserError
from appliance.core.journal_entry import JournalEntry
from appliance.core.status import Status, from_json
from appliance.core.transfer_history import PastPhase, PastTransfer
from appliance.host import paths
from appliance.hw.relay import CardAbsent, CardRefused


def reading(value: object, why: str = "") -> dict[str, object]:
    return {"value": value, "why": why}


def told(**changes: object) -> Status:
    base: dict[str, Any] = {
        "headline": "This node (primary) is active: the line is in service here.",
        "node": "primary",
        "names": {"primary": "haprimary", "secondary": "hastandby"},
        "role": "active",
        "granted": True,
        "fit": True,
        "unfit_because": [],
        "problems": [],
        "engine": {"running": reading(True), "holds": reading("local"), "waits_another": None},
        "peer": {
            "node": "secondary",
            "name": "hastandby",
            "alive": reading(True),
            "fit": reading(True),
            "granted": reading(False),
            "role": "standby",
            "heard": 0.4,
            "data_age": None,
            "maintenance": None,
            "links": {"eth0": "up", "eth1": "down"},
        },
        "maintenance": None,
        "address": {"ip": "10.0.0.9", "here": reading(True), "duplicate": ""},
        "relay": {"card": reading(True), "place": "/dev/ttyUSB0", "commanded": reading("energised")},
        "line": reading("clear"),
        "dchannel": reading("up"),
        "pbx": {"state": reading("running"), "pid": 42, "silent": []},
        "data": {"duty": "none", "why": "this node serves", "age": None, "generation": 0, "phase": ""},
    }
    return from_json({**base, **changes})


def test_status_says_what_this_node_does_and_then_the_problems() -> None:
    lines = status.status_lines(told(problems=["the line is held by the primary"]))
    assert lines[1].startswith("This node (primary) is active")
    assert lines[2] == "  ! the line is held by the primary"
    text = "\n".join(lines)
    for words in (
        "running, pid 42",
        "10.0.0.9 here",
        "commanded energised; card at /dev/ttyUSB0",
        "down: eth1",
    ):
        assert words in text


def test_a_hint_stands_below_the_problems_and_is_no_problem() -> None:
    lines = status.status_lines(told(problems=["a link is down"], hints=["No alert is configured."]))
    assert lines[2:4] == ["  ! a link is down", "  hint: No alert is configured."]
    unset = told(hints=["No alert is configured."])
    assert status.status_lines(unset._replace(set_up=False))[1:] == ["  hint: No alert is configured."]


def test_status_says_how_old_the_standbys_data_are() -> None:
    pulls = {
        "duty": "pull",
        "why": "",
        "age": 3.4,
        "generation": 7,
        "phase": "fetching",
        "done": 5,
        "total": 9,
    }
    text = "\n".join(status.status_lines(told(data=pulls)))
    assert "in step 3 s ago, generation 7; fetching, 5 of 9" in text
    never = {**pulls, "age": None, "phase": ""}
    assert "never in step" in "\n".join(status.status_lines(told(data=never)))


def test_status_says_maintenance_here_and_there() -> None:
    given = {"until": 1.0, "left": 1740.0, "by": "root", "why": "new cables"}
    there = {**to_json(told().peer), "maintenance": True}
    text = "\n".join(status.status_lines(told(maintenance=given, peer=there)))
    assert "maintenance ON for 29 min more, by root: new cables" in text
    row = next(line for line in text.splitlines() if line.startswith("  maintenance "))
    assert row.split()[1:] == ["ON", "ON"]
    assert "ON" not in "\n".join(status.status_lines(told()))


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("", 3600.0), ("60s", 60.0), ("30", 1800.0), ("30m", 1800.0), ("5 min", 300.0), ("24H", 86400.0)],
)
def test_how_long_maintenance_lasts(words: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def answer(verb: str, **arguments: Any) -> Any:
        asked.append({"verb": verb, **arguments})
        return {"says": "It is on."}

    monkeypatch.setattr(answers, "ask", answer)
    monkeypatch.setenv("SUDO_USER", "anna")
    result = CliRunner().invoke(main.asha, ["maintenance", "on", *(["--for", words] if words else [])])
    assert result.output == "It is on.\n"
    assert (asked[0]["verb"], asked[0]["seconds"], asked[0]["by"]) == ("maintenance on", seconds, "anna")


@pytest.mark.parametrize("words", ["59s", "25h", "0", "-5m", "1.5h", "long", "1d", "²", "99999999999999h"])
def test_what_is_no_time_for_maintenance(words: str) -> None:
    result = CliRunner().invoke(main.asha, ["maintenance", "on", f"--for={words}"])
    assert result.exit_code == 2 and "is not valid: give 60s to 24h" in result.output


def test_history_shows_the_milliseconds_of_each_phase() -> None:
    phases = [
        ("moving", 0.0, ""),
        ("settling", 0.0312, ""),
        ("linking", 5.1, "awaited"),
        ("done", 5.3004, "here"),
    ]
    text = history.transfer_text(
        PastTransfer(
            began=1_700_000_000.25,
            node="primary",
            goal="acquire",
            reason="granted by Heartbeat",
            ended="done",
            took=5.3004,
            phases=tuple(PastPhase(*one) for one in phases),
        )
    )
    head, *rows = text.splitlines()
    assert head.endswith(".250  primary acquire: done after 5.300 s  (granted by Heartbeat)")
    assert [" ".join(row.split()) for row in rows] == [
        "31 ms moving",
        "5069 ms settling",
        "200 ms linking awaited",
        "done here",
    ]


def test_status_says_unknown_and_why() -> None:
    text = "\n".join(status.status_lines(told(line=reading(None, "span 1 of RHINOSPANS is not there"))))
    assert "unknown (span 1 of RHINOSPANS is not there)" in text


def test_a_standby_without_asterisk_is_not_called_dead() -> None:
    text = "\n".join(
        status.status_lines(told(granted=False, pbx={"state": reading("dead"), "pid": None, "silent": []}))
    )
    assert "not running" in text
    assert "dead" not in text


def test_a_duplicate_address_shouts() -> None:
    address = {"ip": "10.0.0.9", "here": reading(True), "duplicate": "02:00:00:00:00:01"}
    assert "ALSO AT 02:00:00:00:00:01" in "\n".join(status.status_lines(told(address=address)))


def test_the_lan_and_what_a_telephone_can_do_are_told() -> None:
    lan = {"device": "eth0", "ip": "10.0.0.1", "reached": reading(True), "calls": reading(True)}
    assert "eth0 10.0.0.1: reached; a telephone can call" in "\n".join(status.status_lines(told(lan=lan)))
    cut = {**lan, "reached": reading(False, "eth0 has no carrier"), "calls": reading(None)}
    assert "CUT OFF: eth0 has no carrier" in "\n".join(status.status_lines(told(lan=cut)))
    none = {
        **lan,
        "ip": "",
        "reached": reading(None, "nobody was heard"),
        "calls": reading(False, "SIP is silent"),
    }
    text = "\n".join(status.status_lines(told(lan=none)))
    assert (
        "eth0 without an address: unknown (nobody was heard); a telephone CANNOT call (SIP is silent)" in text
    )


def test_an_address_that_was_put_back_says_so() -> None:
    address = {"ip": "10.0.0.9", "here": reading(True), "put_back": 30.0}
    assert "10.0.0.9 here, put back 30 s ago" in "\n".join(status.status_lines(told(address=address)))


def test_status_json_is_the_whole_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "ask", lambda verb: to_json(told()))
    result = CliRunner().invoke(main.asha, ["status", "--json"])
    assert result.exit_code == 3, "nobody has said how the pair is"
    assert from_json(json.loads(result.output)) == told()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("wrong word"), 2),
        (HostError("no program"), 3),
        (HardwareError("no card"), 4),
        (ClusterError("no agent"), 5),
        (SyncError("no data"), 6),
        (AgentAbsent("nobody there"), 5),
    ],
)
def test_each_branch_of_errors_has_its_exit_code_and_says_one_line(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(verb: str, **arguments: object) -> None:
        raise error

    monkeypatch.setattr(answers, "ask", refuse)
    monkeypatch.setattr(sys, "argv", ["asha", "cleanup"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == code
    assert capsys.readouterr().err.startswith(f"asha: {error}")


@pytest.mark.parametrize("command", sorted(main._COMMANDS))
def test_every_command_has_a_help_text(command: str) -> None:
    result = CliRunner().invoke(main.asha, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 4


def test_an_unknown_command_is_refused() -> None:
    assert CliRunner().invoke(main.asha, ["fly"]).exit_code == 2
    misspelt = CliRunner().invoke(main.asha, ["statsu"])
    assert misspelt.exit_code == 2 and "Did you mean 'status'?" in misspelt.output


def test_an_event_is_one_readable_line() -> None:
    line = events.entry_line(
        JournalEntry(
            {
                "at": 1.0,
                "wall": 1_700_000_000.25,
                "kind": "order",
                "order": "RELEASE",
                "reason": "Asterisk died",
                "hash": "x",
            }
        )
    )
    assert "order" in line
    assert "RELEASE" in line
    assert "reason=Asterisk died" in line
    assert "hash" not in line
    assert ".250" in line


def asked_of(monkeypatch: pytest.MonkeyPatch, roles: list[str]) -> list[str]:
    """What `asha leave` asks of an agent whose role is each of `roles` in turn, the last for good."""
    asked: list[str] = []

    def ask(verb: str, **rest: object) -> dict[str, str]:
        if verb != "status":
            asked.append(verb)
            return {"says": "Done."}
        raise AssertionError("the status is asked for as one")

    def ask_status() -> Status:
        return Status(role=roles.pop(0) if len(roles) > 1 else roles[0])

    monkeypatch.setattr(leave, "ask_status", ask_status)
    monkeypatch.setattr(answers, "ask", ask)
    return asked


def test_leave_lets_heartbeat_let_go_and_then_sees_to_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_of(monkeypatch, ["active", "releasing", "off"])
    assert CliRunner().invoke(leave.leave).exit_code == 0
    assert asked == ["ha stop", "line release"]


def test_leave_with_the_engine_off_sees_to_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_of(monkeypatch, ["off"])
    assert CliRunner().invoke(leave.leave).exit_code == 0
    assert asked == ["line release"]


@pytest.mark.parametrize("absent", [True, False])
def test_a_card_that_is_not_there_holds_no_line(monkeypatch: pytest.MonkeyPatch, absent: bool) -> None:
    """The agent can only say that its card did not do it; whether it is there is looked at then."""
    asked_of(monkeypatch, ["off"])
    monkeypatch.setattr(leave, "wish", failing(HardwareError("The card did not do it.")))
    monkeypatch.setattr(leave, "_release_card", failing((CardAbsent if absent else CardRefused)("No.")))
    done = CliRunner().invoke(leave.leave)
    assert (done.exit_code == 0) is absent
    assert ("holds no line" in done.output) is absent


@pytest.mark.parametrize("broken", ["_stop_engine", "_end_grant", "_release_card"])
def test_without_an_agent_each_step_is_tried(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """The relay goes before all, and once more after all; what could not be let go is told."""
    tried: list[str] = []
    monkeypatch.setattr(leave, "ask_status", failing(AgentAbsent("There is none.")))
    for name in ("_release_card", "_stop_engine", "_end_grant"):
        error = HostError(f"{name} failed.") if name == broken else None
        monkeypatch.setattr(leave, name, noting(tried, name, error))
    done = CliRunner().invoke(leave.leave)
    assert isinstance(done.exception, HostError) and broken in str(done.exception)
    assert tried == ["_release_card", "_stop_engine", "_end_grant", "_release_card"]


def failing(error: Exception) -> Callable[..., None]:
    def fail(*words: object, **rest: object) -> None:
        raise error

    return fail


def noting(tried: list[str], name: str, error: Exception | None) -> Callable[[], None]:
    def step() -> None:
        tried.append(name)
        if error is not None:
            raise error

    return step


@pytest.mark.parametrize(
    ("text", "held", "has_card"),
    [
        ("RHINOSPF=YES\nHAPRINODE=us\nRESTART=maybe\nnoise\n", False, True),
        ("RHINOSPF=YES\nHASECNODE=us\nRESTART=maybe\n", False, False),
        ("RHINOSPF=YES\n", False, False),  # its tty is somebody else's
        ("RHINOSPF=YES\n", True, True),  # it had another name when it began to serve
        ("RHINOSPF=perhaps\nHAPRINODE=us\n", False, False),
    ],
)
def test_leave_makes_the_best_of_a_wrong_conf(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, held: bool, has_card: bool
) -> None:
    conf = tmp_path / "asha.conf"
    conf.write_text(text)
    monkeypatch.setattr(paths, "CONF", conf)
    monkeypatch.setattr(active_conf, "read_this_node", failing(UserError("It is wrong.")))
    monkeypatch.setattr(leave, "_grant_held", lambda: held)
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "us", "", "", "")))
    assert leave._this_node().has_card is has_card


def test_leave_says_when_something_is_not_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_of(monkeypatch, ["active"])
    monkeypatch.setattr(leave, "_SETTLE", 0.0)
    done = CliRunner().invoke(leave.leave)
    assert isinstance(done.exception, ClusterError)
    assert asked == ["ha stop", "line release"], "the relay is seen to all the same"


def test_what_is_behind_a_line_is_said_with_it() -> None:
    doubted = reading("unverifiable", "span 1: run dahdi_cfg")
    assert "unverifiable (span 1: run dahdi_cfg)" in "\n".join(status.status_lines(told(line=doubted)))
