"""--json: every command has it, docs/json.md is the commands' own, and what is printed is what was declared."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from test_cli_moves import HERE, STANDS_BY, TAKES, Agent
from test_cli_notify import Way1
from test_cli_status import whole

from appliance import sync_setup
from appliance.agent.components import provisioning
from appliance.agent.journal import JournalFile
from appliance.cli import conf as conf_command
from appliance.cli import ha, history, main, maintenance, notify, panel, sark, status, sync, waiting
from appliance.cli.checks import report as report_module
from appliance.cli.json_reference import EXEMPT, document, walk
from appliance.cli.output import ErrorTold, declared
from appliance.config import Conf
from appliance.control import answers
from appliance.control.client import AgentAbsent
from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.core.answers import DutyAnswer
from appliance.core.as_json import read_as, to_json
from appliance.core.errors import ClusterError, HostError
from appliance.core.held_back import HeldBack
from appliance.core.host_check.finding import NodeReport, wrong
from appliance.core.model import Node
from appliance.core.status import MaintenanceStatus
from appliance.host import paths
from appliance.host.clock import SystemClock
from appliance.host.paths import SyncPaths
from appliance.notify import channels
from appliance.notify.notice import Notice
from appliance.notify.spool import Spool
from appliance.panel.auth import first_login, token, unlock, users
from appliance.sync import peer_link
from appliance.sync.state import State, state_file
from appliance.sync.sync_pass import PassResult
from tests.plugins.quick_hashes import make_hashes_quick

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = dict(walk(main.asha))


def takes_json(command: click.Command) -> bool:
    return any("--json" in parameter.opts for parameter in command.params)


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_every_command_takes_json_and_says_what_it_prints(words: str) -> None:
    command = COMMANDS[words]
    declares = declared(command) is not None
    assert takes_json(command) is declares, "--json comes with @prints or @tells, and with nothing else"
    assert declares is (words not in EXEMPT), "a command without --json is in EXEMPT, with its reason"


def test_what_is_exempt_exists() -> None:
    assert EXEMPT.keys() <= COMMANDS.keys()


def test_the_page_is_made_from_the_commands() -> None:
    made = document()
    assert (ROOT / "docs/json.md").read_text() == made, "python -m appliance.cli.json_reference docs/json.md"
    assert all(f"| `asha {words}` |" in made for words in COMMANDS)


# -- what is printed is what was declared --------------------------------------------------------------------


def kind_of(words: tuple[str, ...]) -> Any:
    """Return the type that the command at the beginning of `words` has declared."""
    known = [one for one in COMMANDS if [*words][: len(one.split())] == one.split()]
    found = declared(COMMANDS[max(known, key=len)])
    assert found is not None
    return found.kind


def asha(*words: str, typed: str | None = None) -> Any:
    """Give a command with --json; return its document, which is whole, has no other keys, and no other types."""
    result = run(*words, typed=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return held(words, result)


def held(words: tuple[str, ...], result: Result) -> Any:
    found = json.loads(result.stdout)
    assert to_json(read_as(kind_of(words), found)) == found
    return found


def run(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main.asha, [*words, "--json"], input=typed)


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "asha.conf"
    made.write_text("HAPRINODE=one\nHASECNODE=two\nPANEL=off\n")
    monkeypatch.setattr(conf_command, "CONF", made)
    monkeypatch.setattr(answers, "ask", lambda verb, **rest: {"says": "It is taken."})
    return made


def test_conf(conf: Path) -> None:
    where = ("--conf", str(conf))
    listed = asha("conf", "list", *where)
    assert {"HAPRINODE", "PANEL"} <= {key["key"] for key in listed}
    assert asha("conf", "get", "haprinode", *where)["value"] == "one"
    assert asha("conf", "check", *where) == {"path": str(conf), "problems": []}
    changed = asha("conf", "set", "HADEADTIME", "9", *where)
    assert "+HADEADTIME=9" in changed["diff"].splitlines() and changed["says"][-1]
    assert asha("conf", "set", "HADEADTIME", "9", *where)["diff"] == ""
    assert "MAILTO" in asha("conf", "update", *where)["named"]


def test_the_bounds(conf: Path) -> None:
    assert asha("bound", "--conf", str(conf))[0]["phases"]


def test_a_report_is_printed_before_the_check_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    report = NodeReport("primary", "one", "2.0", (wrong("The disk is full.", "Make room."),))
    monkeypatch.setattr(report_module, "report_here", lambda *given: report)
    result = run("check")
    assert isinstance(result.exception, HostError)
    assert held(("check",), result)["here"]["findings"][0]["remedy"] == "Make room."


def test_status_and_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    told = whole(maintenance=to_json(MaintenanceStatus(1_700_000_060.0, 60.0, "me", "a disk")))
    monkeypatch.setattr(status, "ask", lambda verb: to_json(told))
    for module in (ha, maintenance):
        monkeypatch.setattr(module, "ask_status", lambda: told)
    assert asha("status")["state"]["health"] == told.state.health
    assert asha("line", "status")["dchannel"]["value"] == "up"
    assert asha("maintenance")["why"] == "a disk"
    monkeypatch.setattr(maintenance, "ask_status", whole)
    assert asha("maintenance") is None
    monkeypatch.setattr(answers, "ask", lambda verb, **rest: {"says": f"{verb} is done."})
    assert asha("maintenance", "on", "--for", "5m") == {"says": ["maintenance on is done."]}
    assert asha("cleanup") == {"says": ["cleanup is done."]}
    assert asha("pbx", "start") == {"says": ["pbx start is done."]}


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Agent:
    """An agent that stands by and then serves."""
    made = Agent(STANDS_BY, STANDS_BY, TAKES, HERE)
    monkeypatch.setattr(waiting, "_LOOK", 0.0)
    monkeypatch.setattr(ha, "ask_status", made.status)
    monkeypatch.setattr(waiting, "ask_status", made.status)
    monkeypatch.setattr(answers, "ask", made.ask)
    return made


def test_what_moves_service_ends_with_the_state_of_the_pair(agent: Agent) -> None:
    told = asha("takeover")
    assert told["says"][0] == "Asked for: takeover." and told["says"][-1] == "Done: this node serves."
    assert told["state"] == to_json(HERE.state)
    again = asha("takeover")
    assert again == {"says": ["Already so: this node serves. Nothing was changed."], "state": None}
    assert asha("ha", "stop", "--no-wait")["state"] is None


def test_a_question_is_no_part_of_the_document(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "at_terminal", lambda: True)
    allowed = HERE._replace(
        permits={"standby": type(HERE.permit("standby"))(True, "the secondary serves then")}
    )
    monkeypatch.setattr(waiting, "ask_status", lambda: allowed)
    monkeypatch.setattr(ha, "ask_status", lambda: allowed)
    result = run("standby", "--no-wait", typed="y\n")
    assert "Go on?" in result.stderr
    assert "Asked for: standby." in held(("standby",), result)["says"]


def test_alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)
    alert = Alert("card", AlertKind.CARD_LOST, Severity.CRITICAL, "the card is gone", "The card is gone.")
    spool.put(Notice("ab", alert, "primary", "pbx1", 1_700_000_000.0, ("mail",)))
    monkeypatch.setattr(notify, "SPOOL", spool)
    monkeypatch.setattr(notify, "conf_and_node", lambda: (Conf(mail_to="root"), Node.PRIMARY))
    assert asha("notify") == asha("notify", "status")
    assert asha("notify")["waiting"][0]["owed"] == ["mail"]
    monkeypatch.setattr(channels, "transports", lambda *given: [Way1("mail", "no route"), Way1("syslog")])
    tried = run("notify", "test")
    assert held(("notify", "test"), tried)["ways"] == {"mail": "no route", "syslog": ""}
    assert tried.exit_code != 0


def test_those_who_may_log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_hashes_quick(monkeypatch)
    for module, name in (
        (users, "Users"),
        (first_login, "FirstLogin"),
        (unlock, "Unlock"),
        (token, "MetricsToken"),
    ):
        made = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *_, made=made: made(tmp_path))
    monkeypatch.setattr(panel, "PANEL_DIR", tmp_path / "no agent")
    assert len(asha("panel", "code")["secret"]) > 5
    added = asha("panel", "user", "add", "jo", "--password-stdin", typed="a long enough password\n")
    assert added == {"says": ["jo can log in as operator."]}
    assert asha("panel", "user", "list") == [{"name": "jo", "role": "operator", "second_factor": False}]
    assert asha("panel", "user", "role", "jo", "viewer")["says"]
    assert len(asha("panel", "token")["secret"]) > 20 and asha("panel", "unlock", "jo")["secret"]
    assert asha("panel", "user", "remove", "jo")["says"]
    assert asha("panel", "user", "list") == []


def test_the_journal_and_the_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = JournalFile(tmp_path / "journal")
    for number, kind in enumerate(("agent", "role")):
        journal.append(
            {"at": 1.0, "wall": 1_700_000_000.0, "number": number, "kind": kind, "role": "standby"}
        )
    monkeypatch.setattr(paths, "JOURNAL", tmp_path / "journal")
    lines = run("events").stdout.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["agent", "role"]
    assert "2 entries" in json.loads(run("events", "--verify").stdout)["says"]
    monkeypatch.setattr(history, "_read", lambda newest: [])
    assert asha("history") == []


def test_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = SyncPaths(tmp_path)
    monkeypatch.setattr(sync, "PLACES", places)
    assert asha("sync", "status")["age"] is None
    state_file(places.state).write(
        json.dumps(to_json(asdict(State(verified_at=1_700_000_000.0, problem="no route"))))
    )
    assert asha("sync", "status")["age"] > 0
    assert asha("sync", "history") == []


def test_a_pass_tells_what_it_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = PassResult(generation=7, changed=[b"/a\xff"], messages=2, held=[HeldBack("/b", "a link")])
    monkeypatch.setattr(sync, "conf_and_node", lambda: (Conf(), Node.SECONDARY))
    monkeypatch.setattr(sync_setup, "own_duty", lambda **rest: DutyAnswer("pull"))
    monkeypatch.setattr(peer_link, "PeerLink", lambda way: contextlib.nullcontext())
    monkeypatch.setattr(
        sync_setup, "session", lambda *given, **rest: SimpleNamespace(run=lambda *a, **b: outcome)
    )
    told = asha("sync")
    assert (told["generation"], told["changed"], told["messages"]) == (7, ["/a\\xff"], 2)
    assert told["says"][0].endswith("Generation 7 is in place.") and told["held"][0]["why"] == "a link"


def test_telephones_are_told_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sark, "load", lambda: Conf(cluster_ip="10.0.0.9", use_cluster=True))
    monkeypatch.setattr(provisioning, "address_for_telephones", lambda conf: "10.0.0.9")
    assert asha("provision-address")["address"] == "10.0.0.9"


# -- errors --------------------------------------------------------------------------------------------------


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Give the whole command, as a shell does; return its exit code, its output and its errors."""

    def give(*words: str) -> tuple[object, str, ErrorTold]:
        monkeypatch.setattr(sys, "argv", ["asha", *words])
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, read_as(ErrorTold, json.loads(err))

    return give


def refuse(*words: object, **rest: object) -> None:
    raise ClusterError("It is refused.", todo="Ask later.")


def test_an_error_is_json_on_standard_error(monkeypatch: pytest.MonkeyPatch, command: Any) -> None:
    monkeypatch.setattr(answers, "ask", refuse)
    assert command("cleanup", "--json") == (5, "", ErrorTold("It is refused.", "Ask later.", 5))


def test_what_was_said_before_an_error_is_printed(
    monkeypatch: pytest.MonkeyPatch, command: Any, conf: Path
) -> None:
    monkeypatch.setattr(answers, "ask", refuse)
    code, out, _ = command("conf", "set", "HADEADTIME", "9", "--conf", str(conf), "--json")
    assert code == 5 and "+HADEADTIME=9" in json.loads(out)["diff"]


@pytest.mark.parametrize("words", [["statsu"], ["status", "--evrey"], ["conf", "set", "HADEADTIME"]])
def test_a_wrong_command_line_is_json_too(command: Any, words: list[str]) -> None:
    code, out, error = command(*words, "--json")
    assert (code, out, error.exit_code) == (2, "", 2) and error.error and error.todo


def test_a_question_that_is_not_answered_with_yes(
    command: Any, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decline(*words: object, **rest: object) -> None:
        raise click.Abort

    monkeypatch.setattr(ha, "confirm", decline)
    code, _, error = command("standby", "--json")
    assert (code, error.exit_code) == (1, 1)


def test_a_watch_goes_on_without_an_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(verb: str) -> None:
        raise AgentAbsent("There is none.")

    def stop(clock: object, seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(status, "ask", absent)
    monkeypatch.setattr(SystemClock, "sleep", stop)
    result = run("status", "--watch")
    assert result.stdout.strip() == "" and "There is none." in result.stderr
