"""`asha failback`: the request for service is made once, and again when the engine has lost it."""

from __future__ import annotations

import pytest

from appliance.cli import failback
from appliance.core.errors import ClusterError
from appliance.core.status import EngineStatus, Status

FREE = Status(role="standby")
DROPPING = FREE._replace(engine=EngineStatus(drops_requests=60))
AWAY = FREE._replace(role="off")


class Agent:
    """Answers in the agent's place: refuses when told to, and shows `status`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self.refuses = False
        self.status = FREE
        monkeypatch.setattr(failback, "wish", self.wish)
        monkeypatch.setattr(failback, "ask_status", lambda: self.status)
        monkeypatch.setattr(failback, "_TOLD_WITHIN", 0.0)

    def wish(self, verb: str) -> None:
        assert verb == "takeover"
        self.asked += 1
        if self.refuses:
            raise ClusterError("dropped")


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Agent:
    return Agent(monkeypatch)


def test_it_is_made_once_while_service_comes(agent: Agent) -> None:
    request = failback._ServiceRequest()
    for status in (FREE, FREE, FREE._replace(role="acquiring")):
        request.follow(status)
    assert agent.asked == 1


def test_a_dropped_request_is_made_again_when_the_engine_takes_requests(agent: Agent) -> None:
    request = failback._ServiceRequest()
    agent.refuses, agent.status = True, DROPPING
    request.follow(FREE)
    for status in (DROPPING, DROPPING, AWAY):
        request.follow(status)
    assert agent.asked == 1
    agent.refuses = False
    request.follow(FREE)
    request.follow(FREE)
    assert agent.asked == 2


def test_a_request_that_was_taken_and_then_lost_is_made_again(
    agent: Agent, capsys: pytest.CaptureFixture[str]
) -> None:
    request = failback._ServiceRequest()
    for status in (FREE, DROPPING, DROPPING, FREE):
        request.follow(status)
    assert agent.asked == 2
    assert capsys.readouterr().out.count("was lost") == 1


def test_a_refusal_for_another_reason_is_told_at_once(agent: Agent) -> None:
    agent.refuses = True
    with pytest.raises(ClusterError, match="dropped"):
        failback._ServiceRequest().follow(FREE)
