"""`asha status`: the state of the pair first, both nodes side by side, and an exit code that tells it to a script."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from test_cli_words import reading, told

from appliance.cli import main, status
from appliance.cli.terminal import Tone
from appliance.control.client import AgentAbsent
from appliance.core.as_json import to_json
from appliance.core.pair_state import pair_state
from appliance.core.status import StateStatus, Status
from appliance.host.clock import SystemClock

LOST = {"alive": reading(False), "granted": reading(None, "it is gone"), "fit": reading(None, "it is gone")}


def whole(**changes: Any) -> Status:
    """Return the status as an agent gives it, with the state of the pair in it."""
    document = told(**changes)
    return document._replace(state=pair_state(document))


def peer(**changes: Any) -> dict[str, Any]:
    return {**to_json(told().peer), **changes}


def rows(document: Status) -> dict[str, list[str]]:
    """Return the table's rows by their name, each as its words."""
    table = [line.split() for line in status.pair_table(document)]
    return {first: rest for first, *rest in table}


def test_the_state_of_the_pair_stands_first() -> None:
    first = status.status_lines(whole())[0]
    assert (
        first
        == "Protected: the primary (haprimary) is active, and the secondary (hastandby) is ready to take over."
    )


def test_both_nodes_stand_side_by_side_the_primary_first_seen_from_either() -> None:
    here = rows(whole())
    assert here["name"] == ["haprimary", "hastandby"]
    assert (here["role"], here["ready"]) == (["active", "standby"], ["yes", "yes"])
    assert here["primary"] == ["(here)", "secondary"]
    there = rows(
        whole(node="secondary", role="standby", granted=False, peer=peer(node="primary", role="active"))
    )
    assert there["role"] == ["active", "standby"]
    assert there["primary"] == ["secondary", "(here)"]


def test_what_a_dead_node_said_last_is_not_shown_as_if_it_were_true() -> None:
    found = rows(whole(peer=peer(**LOST, role="standby", line=reading("absent"))))
    assert (found["role"], found["ready"]) == (["active", "gone"], ["yes", "no"])
    assert found["line"] == ["clear", "not", "known"]


def test_a_silent_node_is_not_known_and_not_gone() -> None:
    silent = peer(granted=reading(None, "last seen 9 s ago"), fit=reading(None, "last seen 9 s ago"))
    found = rows(whole(peer=silent))
    assert (found["role"], found["ready"]) == (["active", "not", "known"], ["yes", "not", "known"])


def test_the_table_is_readable_in_60_columns() -> None:
    assert max(map(len, status.pair_table(whole()))) <= 60


def test_why_a_node_is_not_ready_is_told_with_the_node() -> None:
    text = "\n".join(
        status.status_lines(whole(peer=peer(fit=reading(False), unfit_because="its card is gone")))
    )
    assert "not ready   secondary: its card is gone" in text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"problems": ["link of Heartbeat down: eth1"]}, 1),
        ({"peer": peer(**LOST)}, 1),
        ({"pbx": {"state": reading("hung")}}, 2),
        ({"peer": peer(granted=reading(True), role="active")}, 2),
        ({"role": "standby", "granted": False, "peer": {}}, 3),
    ],
)
@pytest.mark.parametrize("words", [["status"], ["status", "--json"]])
def test_the_exit_code_tells_the_health(
    words: list[str], changes: dict[str, Any], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "ask", lambda verb: to_json(whole(**changes)))
    result = CliRunner().invoke(main.asha, words)
    assert result.exit_code == code, result.output


def test_an_older_agent_s_state_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    document = to_json(told())
    del document["state"]
    monkeypatch.setattr(status, "ask", lambda verb: document)
    result = CliRunner().invoke(main.asha, ["status"])
    assert result.exit_code == 3 and StateStatus().says in result.output


def test_watching_goes_on_while_the_agent_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [to_json(whole()), AgentAbsent("The agent does not run."), to_json(whole())]
    waited: list[float] = []

    def ask(verb: str) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def pause(clock: SystemClock, seconds: float) -> None:
        waited.append(seconds)
        if not answers:
            raise KeyboardInterrupt

    monkeypatch.setattr(status, "ask", ask)
    monkeypatch.setattr(SystemClock, "sleep", pause)
    result = CliRunner().invoke(main.asha, ["status", "--watch", "--every", "0.5"])
    assert result.output.count("Protected: ") == 2
    assert "The agent does not run." in result.output
    assert waited == [0.5, 0.5, 0.5]


def test_json_says_the_state_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "ask", lambda verb: to_json(whole()))
    shown = json.loads(CliRunner().invoke(main.asha, ["status", "--json"]).output)
    assert shown["state"]["name"] == "protected" and shown["state"]["health"] == 0


@pytest.mark.parametrize(
    ("links", "says"),
    [
        ({}, "none seen yet"),
        ({"eth0": "up"}, "1 of 1 up: eth0 (one path only: a cut cable makes both nodes active)"),
        ({"eth0": "up", "eth1": "up"}, "2 of 2 up: eth0, eth1"),
        ({"eth0": "up", "eth1": "dead"}, "1 of 2 up; down: eth1"),
    ],
)
def test_the_links_say_what_a_single_one_means(links: dict[str, str], says: str) -> None:
    text = "\n".join(status.status_lines(whole(peer=peer(links=links))))
    assert f"  links       {says}" in text.splitlines()


def test_a_single_path_is_shown_as_a_warning() -> None:
    def tone(links: dict[str, str]) -> Tone:
        (row,) = (
            line for line in status.shown_lines(whole(peer=peer(links=links))) if "  links  " in line.text
        )
        return row.tone

    assert tone({"eth0": "up"}) is Tone.DOUBTFUL
    assert tone({"eth0": "up", "eth1": "up"}) is Tone.PLAIN
