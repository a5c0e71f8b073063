"""`asha engine`: the plan before anything is done, what is in the way, and how the change is followed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance.cli import engine as module
from appliance.config import Conf
from appliance.control.client import AgentAbsent
from appliance.core.answers import Said
from appliance.core.engine_change import EngineChange, EngineReport
from appliance.core.errors import AshaError, ClusterError, UserError

SECONDARY = EngineReport(
    "secondary",
    "pbx2",
    "2.0",
    "heartbeat",
    "heartbeat",
    "standby",
    True,
    True,
    versions=("Heartbeat 3.0.6", "Pacemaker 2.1.5"),
)
PRIMARY = replace(SECONDARY, node="primary", name="pbx1", role="active", calls=0)
CHANGE = EngineChange("pacemaker", "heartbeat", "1", leads=True)
UNDER_WAY = replace(SECONDARY, engine="pacemaker", running="", role="off", change=CHANGE.ordering())
DONE = replace(
    UNDER_WAY, running="pacemaker", role="standby", change=CHANGE.ended("this node runs Pacemaker", "boot")
)


class Site:
    """What the agent here and the other node say, in turn; the last is said again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.own: list[EngineReport | AshaError] = [SECONDARY]
        self.peer: EngineReport | AshaError = PRIMARY
        self.begun: list[str] = []
        monkeypatch.setattr(module, "ask_as", self._ask_as)
        monkeypatch.setattr(module, "_peer_report", lambda this_node, to: self._said(iter([self.peer])))
        monkeypatch.setattr(module, "_this_node", lambda: SimpleNamespace(conf=Conf()))
        monkeypatch.setattr(module, "_LOOK", 0.0)

    def _ask_as(self, kind: type, verb: str, **fields: Any) -> object:
        if kind is Said:
            self.begun.append(fields["to"])
            return Said("The change begins.")
        said = self._said(iter(self.own[:1]))
        if len(self.own) > 1:
            self.own.pop(0)
        return said

    def _said(self, answers: Iterator[EngineReport | AshaError]) -> EngineReport:
        answer = next(answers)
        if isinstance(answer, AshaError):
            if len(self.own) > 1:
                self.own.pop(0)
            raise answer
        return answer

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(module.engine, words)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(monkeypatch)


def test_a_dry_run_says_what_would_be_done_and_begins_nothing(site: Site) -> None:
    said = site.run("migrate", "pacemaker", "--dry-run")
    assert said.exit_code == 0 and site.begun == []
    lines = said.output.splitlines()
    assert lines[0].startswith("1. pbx2: Heartbeat is stopped") and "nobody serves from here on" in lines[1]
    assert "nobody serves for" in lines[-1] and "HAINITDEAD (120 s) longer" in lines[-1]


def test_what_is_in_the_way_is_said_and_nothing_begins(site: Site) -> None:
    site.peer = replace(PRIMARY, hindrances=("Pacemaker is not installed",))
    said = site.run("migrate", "pacemaker")
    assert isinstance(said.exception, ClusterError) and "pbx1: Pacemaker is not installed" in str(
        said.exception
    )
    site.peer = ClusterError("It does not answer.")
    assert isinstance(site.run("migrate", "pacemaker").exception, ClusterError)
    assert site.begun == []


def test_without_a_terminal_it_wants_to_be_told(site: Site) -> None:
    said = site.run("migrate", "pacemaker")
    assert isinstance(said.exception, UserError) and "--yes" in str(said.exception) and site.begun == []


def test_it_is_refused_on_the_primary(site: Site) -> None:
    site.own, site.peer = [PRIMARY], SECONDARY
    said = site.run("migrate", "pacemaker", "--yes")
    assert isinstance(said.exception, UserError) and "secondary" in str(said.exception) and site.begun == []


def test_it_is_followed_to_its_end_past_an_agent_that_begins_anew(site: Site) -> None:
    site.own = [
        SECONDARY,
        SECONDARY,
        replace(SECONDARY, change=CHANGE),
        AgentAbsent("It is not there."),
        UNDER_WAY,
        DONE,
    ]
    said = site.run("migrate", "pacemaker", "--yes")
    assert said.exit_code == 0 and site.begun == ["pacemaker"], said
    assert said.output.splitlines()[5:] == [
        "The change begins.",
        "  this node leaves Heartbeat",
        "  the primary changes",
        "  this node runs Pacemaker",
    ]


def test_one_that_is_under_way_is_followed_and_not_begun_again(site: Site) -> None:
    back = (
        CHANGE.ordering()
        .returning("the primary did not change")
        .ended("this node went back to Heartbeat", "boot")
    )
    site.own = [
        UNDER_WAY,
        replace(UNDER_WAY, trouble="the other node cannot be asked"),
        replace(SECONDARY, change=back),
    ]
    said = site.run("migrate", "pacemaker")
    assert isinstance(said.exception, ClusterError) and "did not change to Pacemaker" in str(said.exception)
    assert site.begun == [] and "the other node cannot be asked" in said.output


def test_the_status_names_engines_and_the_last_change(site: Site) -> None:
    site.own = [DONE]
    said = site.run("status").output
    assert "Pacemaker, runs" in said and "Heartbeat 3.0.6" in said and "this node runs Pacemaker" in said
    assert '"running": "pacemaker"' in site.run("status", "--json").output
