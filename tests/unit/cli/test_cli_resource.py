"""The resource script that finds no agent: one that has started meanwhile is asked after all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.agent import resource_fallback as fallback_module
from appliance.cli import resource, script_work
from appliance.cluster.resource import ScriptVerb
from appliance.control.client import AgentAbsent, AgentSilent
from appliance.core.grant import Verb as Wish

Ask = Callable[..., dict[str, bool]]


class Alone:
    """The work without an agent, as far as the script asks for it."""

    executed: list[tuple[Wish, float]]

    def __init__(self, clock: object) -> None:
        pass

    def execute(self, verb: Wish, ticket: float) -> None:
        self.executed.append((verb, ticket))

    def running(self) -> bool:
        return True


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Exception | bool]], list[str]]:
    """Has the agent answer so, question by question; what was asked is in the list."""
    Alone.executed = []
    monkeypatch.setattr(fallback_module, "ResourceFallback", Alone)

    def prepare(answers: list[Exception | bool]) -> list[str]:
        questions: list[str] = []

        def ask(verb: str, **words: object) -> dict[str, bool]:
            questions.append(verb)
            answer = answers[len(questions) - 1]
            if isinstance(answer, Exception):
                raise answer
            return {"running": answer}

        monkeypatch.setattr(script_work, "ask", ask)
        return questions

    return prepare


def test_an_agent_that_has_started_meanwhile_is_asked_after_all(asked: Callable[..., list[str]]) -> None:
    questions = asked([AgentAbsent("nobody"), True])
    assert resource._answer(ScriptVerb.START, 7.0).status == 0
    assert (questions, Alone.executed) == (["start", "start"], [])


def test_without_an_agent_the_script_does_the_work(asked: Callable[..., list[str]]) -> None:
    asked([AgentAbsent("nobody"), AgentAbsent("still nobody")])
    assert resource._answer(ScriptVerb.STOP, 7.0).status == 0
    assert Alone.executed == [(Wish.STOP, 7.0)]


def test_an_agent_that_hangs_is_not_waited_for_twice(asked: Callable[..., list[str]]) -> None:
    questions = asked([AgentSilent("it hangs")])
    assert resource._answer(ScriptVerb.START, 7.0).status == 0
    assert (questions, Alone.executed) == (["start"], [(Wish.START, 7.0)])


def test_the_status_too_is_the_agents_when_there_is_one_in_the_end(asked: Callable[..., list[str]]) -> None:
    asked([AgentAbsent("nobody"), False])
    assert resource._answer(ScriptVerb.STATUS, 7.0).output == "stopped"
