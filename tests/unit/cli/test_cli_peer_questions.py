"""What the peer may ask besides data: the tab's values and the secret, each checked where it is answered."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.agent.journal import JournalFile
from appliance.cli import peer
from appliance.cli.peer import answer_one
from appliance.cluster.heartbeat.installation import HeartbeatPaths
from appliance.control import answers
from appliance.control.client import AgentAbsent
from appliance.core.answers import Said
from appliance.core.as_json import to_json
from appliance.core.engine_change import EngineReport
from appliance.core.errors import ClusterError
from appliance.core.host_check.finding import NodeReport, fine
from appliance.core.model import Node


def asked(verb: str, question: object, node: Node = Node.PRIMARY) -> dict[str, Any]:
    line = question if isinstance(question, bytes) else json.dumps(question).encode() + b"\n"
    answered = io.BytesIO()
    answer_one(verb, node, io.BytesIO(line), answered)
    found: dict[str, Any] = json.loads(answered.getvalue())
    return found


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A conf file, and no agent."""
    path = tmp_path / "asha.conf"
    path.write_text("# ours\nHADEADTIME=5\n")
    path.chmod(0o600)

    def absent(verb: str, **arguments: object) -> None:
        raise AgentAbsent("The agent is not running.")

    monkeypatch.setattr(peer, "CONF", path)
    monkeypatch.setattr(answers, "ask", absent)
    return path


def test_without_an_agent_the_file_is_edited(conf: Path) -> None:
    answer = asked("conf", {"values": {"HADEADTIME": "10"}, "by": "anna"})
    assert answer["ok"] and "no agent runs" in answer["says"] and "+HADEADTIME=10" in answer["diff"]
    assert conf.read_text() == "# ours\nHADEADTIME=10\n"


def test_with_an_agent_it_is_the_agents_to_do(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[dict[str, object]] = []

    def agent(verb: str, **arguments: object) -> dict[str, str]:
        heard.append({"verb": verb, **arguments})
        return {"says": "Saved.", "diff": "+HADEADTIME=10"}

    monkeypatch.setattr(answers, "ask", agent)
    assert asked("conf", {"values": {"HADEADTIME": "10"}, "by": "an\nna", "peer": True})["says"] == "Saved."
    (request,) = heard
    assert request["verb"] == "conf set" and request["by"] == "an na" and "peer" not in request
    assert conf.read_text() == "# ours\nHADEADTIME=5\n"


def test_an_agent_that_refuses_is_heard(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(verb: str, **arguments: object) -> None:
        raise ClusterError("The HA engine runs.")

    monkeypatch.setattr(answers, "ask", refuses)
    assert asked("conf", {"values": {"HADEADTIME": "10"}}) == {"ok": False, "says": "The HA engine runs."}
    assert conf.read_text() == "# ours\nHADEADTIME=5\n"


@pytest.mark.parametrize(
    "question",
    [
        {"values": {"POSTSYNC": "/bin/sh"}},
        {"values": {"HADEADTIME": "10", "OTHER1": "/root/.ssh"}},
        {"values": {"RHINOUSB": "/etc/shadow"}},
        {"values": {"HADEADTIME": "1ms"}},
        {"values": {"HADEADTIME": "10\nPOSTSYNC=/bin/sh"}},
        {"values": "HADEADTIME=10"},
        {},
        [],
        b"\xff\n",
        b"",
        b"{" * 100_000 + b"\n",
    ],
)
def test_nothing_else_is_set_from_afar(conf: Path, question: object) -> None:
    assert asked("conf", question)["ok"] is False
    assert conf.read_text() == "# ours\nHADEADTIME=5\n"


def test_only_the_primary_gives_the_secret_and_makes_it_once(
    conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf.write_text("HAENGINE=heartbeat\n")
    paths = HeartbeatPaths(*[tmp_path] * 7, run_dirs=())
    monkeypatch.setattr("appliance.cluster.heartbeat.engine.find_heartbeat", lambda: paths)
    refused = asked("secret", {}, Node.SECONDARY)
    assert not refused["ok"] and not (tmp_path / "authkeys").exists()
    first = asked("secret", {})
    assert first == asked("secret", {}) and first["method"] == "sha1" and len(first["secret"]) == 40
    assert (tmp_path / "authkeys").stat().st_mode & 0o777 == 0o600


def test_the_peer_may_have_this_host_look_at_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    report = NodeReport("primary", "pbx1", "2.0", (fine("well"),), {"asha": "2.0"}, 12.0, 0.5)
    monkeypatch.setattr("appliance.cli.checks.report.report_here", lambda conf, clock, *, compared: report)
    assert asked("check", {}) == {"ok": True, "report": to_json(report)}


def test_the_peer_may_ask_for_the_engines_and_for_a_change_of_them_by_name_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = EngineReport("primary", "pbx1", "2.0", "heartbeat", "heartbeat", "active")
    said: list[tuple[str, object]] = []

    def ask_as(kind: type, verb: str, **fields: object) -> object:
        said.append((verb, fields["to"]))
        return report if kind is EngineReport else Said("it changes")

    monkeypatch.setattr("appliance.cli.peer.ask_as", ask_as)
    assert asked("engine", {"do": "report", "to": "pacemaker"}) == {"ok": True, "report": to_json(report)}
    assert asked("engine", {"do": "switch", "to": "pacemaker", "number": "1"}) == {
        "ok": True,
        "says": "it changes",
    }
    for question in ({"do": "switch", "to": "/bin/sh"}, {"do": "switch"}, {"to": ["pacemaker"]}):
        assert not asked("engine", question)["ok"], question
    assert said == [("engine", "pacemaker"), ("engine switch", "pacemaker")]


def test_the_secret_is_that_of_the_engine_that_is_named(
    conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf.write_text("HAENGINE=heartbeat\n")
    places = SimpleNamespace(conf_dir=tmp_path)
    monkeypatch.setattr("appliance.cluster.pacemaker.engine.find_pacemaker", lambda: places)
    answer = asked("secret", {"engine": "pacemaker"})
    assert answer["method"] == "aes256" and len(answer["secret"]) == 256
    assert not (tmp_path / "authkeys").exists()


def test_the_journal_is_read_from_the_file_and_the_question_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = JournalFile(tmp_path / "journal")
    for number in range(3):
        file.append({"wall": float(number), "kind": "peer" if number else "order", "number_of": number})
    monkeypatch.setattr(peer, "JOURNAL", file.path)
    answer = asked("journal", {"kind": "peer"})
    assert [entry["number_of"] for entry in answer["page"]["entries"]] == [2, 1]
    assert not answer["page"]["more"]
    assert not asked("journal", {"before": "../../etc/shadow"})["ok"]
