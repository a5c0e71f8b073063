"""`asha sark` and `asha provision-address`: what they say, with an agent and without."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from appliance.agent.components import provisioning
from appliance.agent.journal import JournalFile
from appliance.cli import sark
from appliance.cli import sark as sark_command
from appliance.config import Conf, load
from appliance.control import answers
from appliance.control.client import AgentAbsent
from appliance.core.errors import ClusterError
from appliance.sark.mirror import Mirror

ROW = {"HACLUSTERIP": "192.168.1.6", "HASYNCH": "LAZY", "HAUSECLUSTER": "perhaps", "HAMODE": "ON"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node without an agent, whose conf file and whose SARK differ."""
    conf, database = tmp_path / "asha.conf", tmp_path / "sark.db"
    conf.write_text(f"# ours\nHACLUSTERIP=192.168.1.5\nDB={database}\n")
    with contextlib.closing(sqlite3.connect(database)) as opened, opened:
        opened.execute(f"CREATE TABLE globals (pkey TEXT PRIMARY KEY, {' TEXT, '.join(ROW)} TEXT)")
        opened.execute("INSERT INTO globals VALUES ('global', ?, ?, ?, ?)", tuple(ROW.values()))

    def absent(verb: str, **words: object) -> Any:
        raise AgentAbsent("The agent is not running.")

    monkeypatch.setattr(answers, "ask", absent)
    monkeypatch.setattr(sark_command, "load", lambda: load(conf))
    monkeypatch.setattr(sark_command, "JOURNAL", tmp_path / "journal")
    monkeypatch.setattr(
        sark_command, "_mirror", lambda: Mirror("haprimary", conf, tmp_path / "lib/sark.json")
    )
    return tmp_path


def said(*words: str) -> str:
    result = CliRunner().invoke(sark_command.sark, words, catch_exceptions=False)
    assert result.exit_code == 0, result
    return result.output


def test_both_sides_are_shown_side_by_side(place: Path) -> None:
    lines = [" ".join(line.split()) for line in said().splitlines()]
    assert lines[0] == f"SARK's database: {place / 'sark.db'}"
    assert "HACLUSTERIP 192.168.1.5 192.168.1.6 CONFLICT" in lines
    assert "HAUSECLUSTER NO perhaps WRONG" in lines
    assert "HASYNCH LAZY LAZY" in lines
    assert "RESTART NO not in this SARK" in lines
    assert "HAMODE ON shown only" in lines
    assert lines[-1] == "SARK is not written to from here: the agent does not run."
    assert any(line.startswith("! 'asha sark pull' takes SARK's values") for line in lines)
    document = json.loads(said("status", "--json"))
    assert document == json.loads(said("--json"))
    assert {one["key"]: one["state"] for one in document["settings"]}["HACLUSTERIP"] == "conflict"


def test_a_pull_without_an_agent_is_made_here_and_is_in_the_journal(place: Path) -> None:
    dry = said("pull", "--dry-run")
    assert dry == "The conf file would take HACLUSTERIP from '192.168.1.5' to '192.168.1.6'\n"
    assert "HACLUSTERIP=192.168.1.5" in (place / "asha.conf").read_text()
    done = said("pull").splitlines()
    assert done[0] == "The conf file has taken HACLUSTERIP from '192.168.1.5' to '192.168.1.6'"
    assert "HAUSECLUSTER is 'perhaps' in SARK" in done[1]
    assert (place / "asha.conf").read_text().startswith("# ours\nHACLUSTERIP=192.168.1.6\n")
    (entry,) = JournalFile(place / "journal").entries()
    assert (entry.kind, entry.fields["keys"]) == ("sark", ["HACLUSTERIP"])


def test_what_an_event_of_sme_server_does_takes_no_side(place: Path) -> None:
    assert "HACLUSTERIP is '192.168.1.5' in the conf file and '192.168.1.6' in SARK" in said("follow")
    conf = place / "asha.conf"
    conf.write_text(conf.read_text().replace("HACLUSTERIP=192.168.1.5\n", ""))
    (place / "lib/sark.json").unlink()
    assert said("follow").startswith("The conf file has taken HACLUSTERIP from '' to '192.168.1.6'\n")
    (entry,) = JournalFile(place / "journal").entries()
    assert entry.fields["keys"] == ["HACLUSTERIP"]


def test_a_push_without_an_agent_is_refused_while_data_are_synchronised(place: Path) -> None:
    with pytest.raises(ClusterError, match="Only it knows whether"):
        said("push")
    conf = place / "asha.conf"
    conf.write_text(conf.read_text() + "HASYNCH=LOOSE\n")
    assert said("push").splitlines() == [
        "SARK has taken HACLUSTERIP from '192.168.1.6' to '192.168.1.5'",
        "SARK has taken HASYNCH from 'LAZY' to 'LOOSE'",
        "SARK has taken HAUSECLUSTER from 'perhaps' to 'NO'",
    ]
    assert said("push") == "They agree: nothing was changed.\n"


@pytest.mark.parametrize(
    ("conf", "address", "source"),
    [
        (Conf(cluster_ip="192.168.1.5", use_cluster=True), "192.168.1.5", "cluster"),
        (Conf(cluster_ip="192.168.1.5"), "192.168.1.1", "own"),
        (Conf(use_cluster=True), "192.168.1.1", "own"),
    ],
)
def test_the_address_of_telephones(
    monkeypatch: pytest.MonkeyPatch, conf: Conf, address: str, source: str
) -> None:
    monkeypatch.setattr(provisioning, "own_address", lambda device, cluster_ip, prefix: "192.168.1.1")
    monkeypatch.setattr(sark, "load", lambda: conf)
    run = CliRunner().invoke(sark.provision_address, [])
    assert run.output == f"{address}\n"
    run = CliRunner().invoke(sark.provision_address, ["--json"])
    assert json.loads(run.output) == {"address": address, "from": source, "device": "eth0"}
