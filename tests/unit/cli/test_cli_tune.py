"""`asha tune`: what it says, and that --apply changes both nodes or neither."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance.cli import tune as module
from appliance.cli.tune import tune
from appliance.config import Conf, load
from appliance.control.client import AgentAbsent
from appliance.core.answers import ConfSaved, PeerSaid
from appliance.core.as_json import to_json
from appliance.core.errors import AshaError
from appliance.core.gap_counts import Counter, Counts
from appliance.core.model import Node
from appliance.core.safe_deadtime import NodeFigures
from appliance.sync import peer_link, ssh
from appliance.sync.errors import Fault, SyncProblem
from appliance.sync.gate import NOT_FOR_THIS_KEY


def week(*rare: float) -> Counts:
    counter = Counter()
    for seconds in (*rare, 1.0):
        counter.add(seconds, 1.0, 5.0)
    return replace(counter.counts(), watched=200 * 3600.0)


PRIMARY = NodeFigures(
    "primary", "pbx1", "Heartbeat", 2.0, 0.2, silences=week(1.1, 1.1, 1.1, 1.1), turns=week()
)
SECONDARY = replace(PRIMARY, node="secondary", name="pbx2")


class Site:
    """Both nodes: what they know, and what was set on which, in order."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here: NodeFigures = PRIMARY
        self.there: Any = to_json(SECONDARY)
        self.taken = PeerSaid(True, "pbx2: Saved.")
        self.agent = True
        self.set: list[tuple[str, dict[str, str]]] = []
        self.conf = folder / "asha.conf"
        self.conf.write_text("# ours\n")
        self.conf.chmod(0o600)
        monkeypatch.setattr(module, "CONF", self.conf)
        monkeypatch.setattr(module, "conf_and_node", lambda: (load(self.conf), Node.PRIMARY))
        monkeypatch.setattr(ssh, "way_to_peer", lambda conf, node: None)
        monkeypatch.setattr(module, "virtual", lambda: "")
        monkeypatch.setattr(peer_link, "ask_once", self._ask_once)
        monkeypatch.setattr(module, "ask_as", self._ask_as)
        monkeypatch.setattr(peer_link, "apply_at_peer", self._apply)

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(tune, words)

    def _ask_once(self, ssh: object, verb: str, *, patience: float) -> dict[str, Any]:
        assert verb == "tune"
        if isinstance(self.there, AshaError):
            raise self.there
        return {"figures": self.there}

    def _ask_as(self, kind: type, verb: str, **fields: Any) -> object:
        if verb == "silences":
            return self.here
        if not self.agent:
            raise AgentAbsent("The agent is not running.")
        self.set.append(("here", dict(fields["values"])))
        return ConfSaved("Saved.")

    def _apply(self, ssh: object, name: str, values: dict[str, str], by: str) -> PeerSaid:
        assert name == Conf().secondary_name
        self.set.append(("there", dict(values)))
        return self.taken


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def test_it_says_what_is_safe_and_why(site: Site) -> None:
    said = site.run()
    assert said.exit_code == 0
    first = said.output.splitlines()[0]
    assert " s is safe: " in first and "less than once in twenty years" in first
    assert "pbx1, the primary: a real machine, HADEADTIME=2" in said.output
    assert "pbx2, the secondary" in said.output
    assert site.set == []


def test_json_has_the_figures_and_the_values(site: Site) -> None:
    said = json.loads(site.run("--json").output)
    assert said["recommendation"]["seconds"] == float(said["values"]["HADEADTIME"])
    assert [one["name"] for one in said["nodes"]] == ["pbx1", "pbx2"]
    assert said["nodes"][0]["silences"]["bins"]
    assert said["problem"] == ""


def test_apply_sets_the_other_node_first_and_then_this_one(site: Site) -> None:
    said = site.run("--apply")
    assert said.exit_code == 0, said
    (first, values), (second, same) = site.set
    assert (first, second) == ("there", "here") and values == same
    assert float(values["HADEADTIME"]) > 1.0


def test_without_an_agent_here_at_that_moment_the_file_is_edited(site: Site) -> None:
    site.agent = False
    assert site.run("--apply").exit_code == 0
    assert [where for where, _ in site.set] == ["there"]
    assert f"HADEADTIME={site.set[0][1]['HADEADTIME']}" in site.conf.read_text()


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (SyncProblem(Fault.UNREACHABLE, "pbx2 cannot be reached."), "cannot be reached"),
        (SyncProblem(Fault.OTHER, f"'tune' {NOT_FOR_THIS_KEY}."), "does not know 'asha tune' yet"),
        ({"bins": 5}, "of no use"),
        (to_json(replace(SECONDARY, silences=replace(week(), bins={"x": 1}))), "of no use"),
        (to_json(replace(SECONDARY, turns=replace(week(), watched=-1.0))), "of no use"),
        (to_json(replace(SECONDARY, keepalive=float("nan"))), "of no use"),
    ],
)
def test_a_peer_that_does_not_answer_is_told_and_nothing_is_applied(
    site: Site, trouble: object, says: str
) -> None:
    site.there = trouble
    said = site.run()
    assert said.exit_code == 0 and says in said.output and "figures are missing" in said.output
    applied = site.run("--apply")
    assert applied.exit_code != 0
    assert says in str(applied.exception) and "Nothing was changed" in str(applied.exception)
    assert site.set == []


def test_a_peer_that_refuses_leaves_this_node_as_it_was(site: Site) -> None:
    site.taken = PeerSaid(False, "pbx2 does not have it.")
    applied = site.run("--apply")
    assert "Nothing was changed here. pbx2 does not have it." in str(applied.exception)
    assert [where for where, _ in site.set] == ["there"]


def test_too_little_data_is_no_guess(site: Site) -> None:
    site.here = replace(PRIMARY, silences=replace(PRIMARY.silences, watched=36000.0))
    assert site.run().output.startswith("Not enough data yet: 10 hours of 168 on pbx1.")
    applied = site.run("--apply")
    assert "not enough data yet" in str(applied.exception) and site.set == []


def test_what_would_contradict_it_is_set_with_it(site: Site) -> None:
    site.conf.write_text("HADEADTIME=20\nHAWARNTIME=12\nHAINITDEAD=20\n")
    site.here = replace(PRIMARY, virtual="")
    site.there = to_json(replace(SECONDARY, virtual="a virtual machine (KVM)"))
    assert site.run("--apply").exit_code == 0
    values = site.set[0][1]
    assert values["HADEADTIME"] == "10" and float(values["HAWARNTIME"]) < 10
    assert "HAINITDEAD" not in values


def test_a_name_of_the_other_node_disturbs_no_terminal(site: Site) -> None:
    site.there = to_json(replace(SECONDARY, name="\x1b[2J", silences=replace(week(), watched=5.0)))
    assert "\x1b" not in site.run().output


def test_a_deadtime_that_is_longer_already_is_called_safe(site: Site) -> None:
    site.here, site.there = replace(PRIMARY, deadtime=9.0), to_json(replace(SECONDARY, deadtime=9.0))
    assert "HADEADTIME is safe as it is" in site.run().output
