"""Commands that move service: they ask a person, wait until it is done, and are harmless when it is so already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from test_cli_status import whole
from test_cli_words import reading, told

from appliance.cli import ha, main, waiting
from appliance.control import answers
from appliance.control.client import AgentAbsent
from appliance.core.as_json import to_json
from appliance.core.status import PermitStatus, Status

PEER = to_json(told().peer)
HERE = whole()
STANDS_BY = whole(
    role="standby",
    granted=False,
    headline="It is on standby.",
    peer={**PEER, "granted": reading(True), "role": "active"},
)
TAKES = whole(role="acquiring", headline="It is taking over.")
LETS_GO = whole(role="releasing", granted=False, headline="It is letting go.")
COULD_NOT = STANDS_BY._replace(unfit_because=("no modules.conf",))


class Agent:
    """An agent whose status is each of `statuses` in turn, the last for good; `asked`: what it was asked to do."""

    def __init__(self, *statuses: Status | Exception) -> None:
        self._statuses = list(statuses)
        self.asked: list[str] = []

    def status(self) -> Status:
        found = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if isinstance(found, Exception):
            raise found
        return found

    def ask(self, verb: str, **arguments: Any) -> Any:
        self.asked.append(verb)
        return {"says": f"Asked for: {verb}."}


Give = Callable[..., Any]


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Give:
    """Give a command to an agent; return what was printed and its exit code."""
    monkeypatch.setattr(waiting, "_LOOK", 0.0)

    def run(agent: Agent, *words: str, typed: str | None = None) -> Any:
        monkeypatch.setattr(ha, "ask_status", agent.status)
        monkeypatch.setattr(waiting, "ask_status", agent.status)
        monkeypatch.setattr(answers, "ask", agent.ask)
        return CliRunner().invoke(main.asha, list(words), input=typed)

    return run


def test_a_takeover_waits_until_this_node_serves_and_shows_the_pair(give: Give) -> None:
    agent = Agent(STANDS_BY, STANDS_BY, TAKES, AgentAbsent("It is away."), HERE)
    result = give(agent, "takeover")
    assert result.exit_code == 0, result.output
    assert agent.asked == ["takeover"]
    told_in_turn = [
        "Asked for: takeover.",
        "  It is on standby.",
        "  It is taking over.",
        "  It is away.",
        "Done: ",
    ]
    places = [result.output.index(words) for words in told_in_turn]
    assert places == sorted(places)
    assert "Protected: " in result.output and "  role        active" in result.output


def test_a_takeover_whose_service_leaves_again_says_why(give: Give) -> None:
    result = give(Agent(STANDS_BY, TAKES, COULD_NOT), "takeover")
    assert result.exit_code == 1 and "came here and left again: no modules.conf" in str(result.exception)


def test_it_is_an_error_when_it_is_not_done_in_time(give: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_PATIENCE", 0.0)
    result = give(Agent(STANDS_BY), "takeover")
    assert "Not yet after 0 s that this node serves. It is on standby." in str(result.exception)


@pytest.mark.parametrize("words", [["standby"], ["pbx", "stop"], ["line", "release"]])
def test_what_ends_service_here_waits_until_the_other_node_serves(give: Give, words: list[str]) -> None:
    result = give(Agent(HERE, LETS_GO, STANDS_BY), *words)
    assert result.exit_code == 0 and "Done: the other node serves." in result.output


def test_a_line_that_is_released_on_a_standby_is_not_waited_for(give: Give) -> None:
    nobody = STANDS_BY._replace(peer=STANDS_BY.peer._replace(role="standby"))
    result = give(Agent(nobody), "line", "release")
    assert result.exit_code == 0 and "Done" not in result.output


@pytest.mark.parametrize(
    "words", [["standby"], ["takeover"], ["pbx", "stop"], ["line", "release"], ["ha", "stop"]]
)
def test_it_need_not_be_waited_for(give: Give, words: list[str]) -> None:
    agent = Agent(STANDS_BY if words == ["takeover"] else HERE)
    result = give(agent, *words, "--no-wait")
    assert (result.exit_code, result.output) == (0, f"Asked for: {' '.join(words)}.\n")


@pytest.mark.parametrize(
    ("words", "so"),
    [(["takeover"], HERE), (["ha", "start"], HERE), (["ha", "stop"], whole(role="off", granted=False))],
)
def test_what_is_so_already_changes_nothing_and_is_no_error(give: Give, words: list[str], so: Status) -> None:
    agent = Agent(so)
    result = give(agent, *words)
    assert result.exit_code == 0 and result.output.startswith("Already so: ")
    assert agent.asked == []


@pytest.mark.parametrize(("typed", "code", "asked"), [("y\n", 0, ["standby"]), ("n\n", 1, []), ("", 1, [])])
def test_a_person_is_asked_with_what_would_come_of_it(
    give: Give, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, asked: list[str]
) -> None:
    monkeypatch.setattr(waiting, "at_terminal", lambda: True)
    permitted = HERE._replace(permits={"standby": PermitStatus(True, "service moves to the other node")})
    agent = Agent(permitted, permitted, STANDS_BY)
    result = give(agent, "standby", typed=typed)
    assert (result.exit_code, agent.asked) == (code, asked)
    assert "service moves to the other node. Go on?" in result.output


def test_a_person_who_has_said_yes_is_not_asked(give: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "at_terminal", lambda: True)
    result = give(Agent(HERE, STANDS_BY), "standby", "--yes")
    assert result.exit_code == 0 and "Go on?" not in result.output
