"""`asha conf`: one value for a script, every key as JSON, and a change that is in force or says when it will be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance.cli import conf as conf_command
from appliance.cli.main import asha
from appliance.control import answers
from appliance.control.client import AgentAbsent
from appliance.core.errors import UserError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The conf file of this machine."""
    made = tmp_path / "asha.conf"
    made.write_text("HADEADTIME=5\nNOTIFYPASSWORD=swordfish\n")
    made.chmod(0o600)
    monkeypatch.setattr(conf_command, "CONF", made)
    return made


def given(path: Path, *words: str) -> Result:
    return CliRunner().invoke(asha, ["conf", *words, "--conf", str(path)])


@pytest.mark.parametrize(("name", "value"), [("HADEADTIME", "5"), ("hadeadtime", "5"), ("LANDWELL", "5")])
def test_a_value_stands_alone_for_a_script(path: Path, name: str, value: str) -> None:
    done = given(path, "get", name)
    assert (done.exit_code, done.output) == (0, f"{value}\n")


def test_a_key_that_is_not_there_is_named_with_the_nearest(path: Path) -> None:
    done = given(path, "get", "HADEADTIM")
    assert isinstance(done.exception, UserError)
    assert str(done.exception) == "There is no key HADEADTIM. Did you mean HADEADTIME?"


def test_every_key_as_json_with_secrets_kept(path: Path) -> None:
    done = given(path, "list", "--json")
    keys = {one["key"]: one for one in json.loads(done.output)}
    assert keys["HADEADTIME"]["value"] == "5"
    assert keys["HADEADTIME"]["takes_effect"].startswith("when the HA engine is next started")
    assert (keys["NOTIFYPASSWORD"]["value"], keys["NOTIFYPASSWORD"]["set"]) == (None, True)
    assert "swordfish" not in done.output


@pytest.mark.parametrize("words", [("get", "HADEADTIME"), ("check",)])
def test_the_others_say_json_too(path: Path, words: tuple[str, ...]) -> None:
    assert isinstance(json.loads(given(path, *words, "--json").output), dict)


class Agent:
    """An agent that takes the file, or is not there; `asked`: what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, there: bool = True) -> None:
        self.asked: list[str] = []
        self._there = there
        monkeypatch.setattr(answers, "ask", self._ask)

    def _ask(self, verb: str, **arguments: Any) -> Any:
        self.asked.append(verb)
        if not self._there:
            raise AgentAbsent("It does not run.")
        return {"says": "The conf file was read again."}


def test_a_change_is_put_into_force_and_it_is_said_when_each_key_counts(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Agent(monkeypatch)
    done = given(path, "set", "MAILTO", "root", "HADEADTIME", "10")
    assert done.exit_code == 0 and agent.asked == ["reload"]
    assert "MAILTO: at once." in done.output
    assert "HADEADTIME: when the HA engine is next started" in done.output


def test_what_is_set_already_needs_no_reload(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = Agent(monkeypatch)
    done = given(path, "set", "HADEADTIME", "5")
    assert (done.exit_code, done.output, agent.asked) == (0, "Already set; nothing was changed.\n", [])


def test_without_an_agent_the_file_is_changed_and_that_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Agent(monkeypatch, there=False)
    done = given(path, "set", "MAILTO", "root")
    assert done.exit_code == 0 and "No agent runs on this node" in done.output
    assert "MAILTO=root" in path.read_text()


def test_another_file_is_no_agent_s_business(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Agent(monkeypatch)
    other = tmp_path / "other.conf"
    other.write_text("HADEADTIME=5\n")
    assert given(other, "set", "MAILTO", "root").exit_code == 0
    assert agent.asked == []
