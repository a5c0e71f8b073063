"""`asha fence test` and the look of `asha check`: they run a real program, and it never cuts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from test_check_looks import put, root, scene  # noqa: F401 - `root` is a fixture

from appliance.cli import fence as command
from appliance.cli import main
from appliance.cli.checks import fence as look
from appliance.config import Conf
from appliance.core.errors import HostError, UserError
from appliance.core.host_check.finding import Level
from appliance.core.model import Node

# Writes what it was told beside itself; the last word decides how it ends, as the outlet that it speaks to would.
AGENT = """#!/bin/sh
echo "$*" >>"$0.told"
[ "$*" = "-p secret -o status" ] || exit 99
[ -e "$0.on" ] && exit 0
[ -e "$0.off" ] && exit 2
echo "Unable to connect" >&2
exit 1
"""


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "fence_outlet"
    place.write_text(AGENT)
    place.chmod(0o755)
    monkeypatch.setattr(command, "why_not_trusted", lambda name: "")
    use(monkeypatch, f"{place} -p secret -o off")
    return place


def use(monkeypatch: pytest.MonkeyPatch, fence: str) -> None:
    monkeypatch.setattr(command, "conf_and_node", lambda: (Conf(fence=fence), Node.SECONDARY))


def asha_fence_test(*words: str) -> Result:
    return CliRunner().invoke(main.asha, ["fence", "test", *words])


@pytest.mark.parametrize("state", ["on", "off"])
def test_it_says_what_is_proved_and_what_is_not(agent: Path, state: str) -> None:
    agent.with_suffix(f".{state}").touch()
    said = asha_fence_test()
    assert said.exit_code == 0 and f"says that the power is {state}" in said.output
    assert "Not proved: that this is the power of the other node" in said.output
    assert f"Is the primary (haprimary) {state} now?" in said.output
    assert agent.with_suffix(".told").read_text() == "-p secret -o status\n", "asked once, and nothing cut"
    assert json.loads(asha_fence_test("--json").stdout)["says"] == said.output.splitlines()


def test_a_device_that_does_not_answer_is_a_failure_and_no_password_is_told(agent: Path) -> None:
    problem = asha_fence_test().exception
    assert isinstance(problem, HostError) and "ended with status 1: Unable to connect" in str(problem)
    assert "secret" not in str(problem)


@pytest.mark.parametrize(
    ("words", "why"),
    [("-p secret", "names no action"), ("-o on", "the action 'on'"), ("-o off --action=off", "or several")],
)
def test_what_has_no_harmless_question_is_not_run(
    agent: Path, monkeypatch: pytest.MonkeyPatch, words: str, why: str
) -> None:
    use(monkeypatch, f"{agent} {words}")
    said = asha_fence_test()
    assert said.exit_code == 0 and why in said.output and "Not proved" in said.output
    assert not agent.with_suffix(".told").exists()


def test_a_program_of_ones_own_is_not_run(agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, f"{agent.rename(agent.with_name('cut'))} -o off")
    assert "is no fence agent" in asha_fence_test().output
    assert not agent.with_name("cut.told").exists()


def test_it_is_refused_where_nothing_is_set_or_others_may_write(
    agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "why_not_trusted", lambda name: "others may write it")
    assert isinstance(asha_fence_test().exception, HostError)
    use(monkeypatch, "")
    assert isinstance(asha_fence_test().exception, UserError)
    assert not agent.with_suffix(".told").exists()


def test_asha_check_asks_too(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    program = put(root, "sbin/fence_outlet", AGENT)
    conf = Conf(fence="/sbin/fence_outlet -p secret -o off", ping=("10.0.0.1",))
    program.chmod(0o777)
    assert "HAFENCE cuts no power" in look.fence(scene(root, conf)).says
    program.chmod(0o755)
    assert look.fence(scene(root, conf)).level == Level.ERROR
    program.with_suffix(".on").touch()
    assert look.fence(scene(root, conf)).level == Level.OK
    assert program.with_suffix(".told").read_text() == "-p secret -o status\n" * 2
    monkeypatch.setattr(look.os, "geteuid", lambda: 1)
    assert look.fence(scene(root, conf)).level == Level.UNKNOWN
