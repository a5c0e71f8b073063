"""Wrong, odd and hostile requests, made by schemathesis from the panel's own OpenAPI document.

Whoever is nobody or a viewer gets nothing done, whatever is sent; an operator's nonsense is refused in words, and the
panel never falls over. The figures go to out/panel/security.json.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings

from appliance.config import Conf
from appliance.core.errors import ClusterError
from appliance.panel.agent_client import AgentClient
from appliance.panel.app import create_app
from appliance.panel.auth.users import Users
from appliance.panel.context import PanelContext
from appliance.panel.views.openapi import document
from tests.plugins.agent_stand_in import AgentStandIn

BASE = "https://panel.example.com"
FIGURES = Path(__file__).parents[2] / "out" / "panel" / "security.json"
_EXAMPLES = 60  # for each operation and each kind of asker
ACTIONS = (
    "ha start",
    "ha stop",
    "pbx start",
    "pbx stop",
    "standby",
    "takeover",
    "maintenance on",
    "maintenance off",
)
SCHEMA = schemathesis.openapi.from_dict(document(""))


class Panel:
    """The application, the stand-in behind it, and what was asked of it."""

    def __init__(self, app: Flask, agent: AgentStandIn) -> None:
        self.app = app
        self.agent = agent
        self.seen: Counter[str] = Counter()

    def send(self, case: Any, who: str) -> tuple[int, bytes]:
        """Send `case` as `who`; its status and body."""
        client = self.app.test_client()
        headers = {str(name): str(value) for name, value in (case.headers or {}).items()}
        if who != "nobody":
            parts: PanelContext = self.app.extensions["asha"]
            user = parts.users.get(who)
            assert user is not None
            token = parts.sessions.begin(who, user.stamp)
            session = parts.sessions.get(token)
            assert session is not None
            client.set_cookie("__Host-asha", token, domain="panel.example.com")
            headers["X-CSRF"] = session.csrf
        answer = client.open(
            case.formatted_path,
            method=case.method,
            base_url=BASE,
            query_string=dict(case.query or {}),
            headers=_possible(headers),
            data=_body(case),
            content_type=case.media_type,
        )
        self.seen[f"{who} {answer.status_code}"] += 1
        return answer.status_code, answer.data


def _possible(headers: dict[str, str]) -> dict[str, str]:
    """Without what no client could put on a line."""
    return {
        name: value
        for name, value in headers.items()
        if name.isascii() and value.isprintable() and value.isascii() and name.lower() != "cookie"
    }


def _body(case: Any) -> bytes | None:
    if case.body is None or isinstance(case.body, schemathesis.core.NotSet):
        return None
    return case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("fuzzed")
    for name, role in (("olga", "operator"), ("vera", "viewer")):
        Users(folder).add(name, "correct horse battery", role)
    agent = AgentStandIn(folder / "control")
    agent.says.update({verb: {"says": "done"} for verb in (*ACTIONS, "job start")})
    agent.says.update({"conf preview": _previewed, "conf set": _refused})
    agent.start()
    panel = Panel(create_app(Conf(), agent=AgentClient(str(agent.path)), directory=folder), agent)
    try:
        yield panel
        FIGURES.parent.mkdir(parents=True, exist_ok=True)
        FIGURES.write_text(json.dumps(dict(sorted(panel.seen.items())), indent=1) + "\n")
    finally:
        agent.close()


def _previewed(request: dict[str, Any]) -> dict[str, Any]:
    return {"diff": "", "problems": [], "restarts": [], "asked": request["values"]}


def _refused(request: dict[str, Any]) -> dict[str, Any]:
    raise ClusterError("Not now.")


def _operations() -> list[Any]:
    found = [result.ok() for result in SCHEMA.get_all_operations()]
    assert len(found) >= 9
    return found


@pytest.mark.parametrize("operation", _operations(), ids=lambda operation: operation.label)
@pytest.mark.parametrize("who", ["nobody", "vera"])
def test_who_may_not_gets_nothing_done(panel: Panel, operation: Any, who: str) -> None:
    expected = {401} if who == "nobody" else {403} if operation.method.upper() == "POST" else {200, 400}

    @_often
    @given(case=operation.as_strategy())
    def attempt(case: Any) -> None:
        before = len(panel.agent.verbs())
        status, _ = panel.send(case, who)
        assert status in expected
        assert len(panel.agent.verbs()) == before

    attempt()


@pytest.mark.parametrize("operation", _operations(), ids=lambda operation: operation.label)
@pytest.mark.parametrize("mode", ["as it should be", "as it should not be"])
def test_an_operators_nonsense_is_answered_in_words(panel: Panel, operation: Any, mode: str) -> None:
    wrong = schemathesis.GenerationMode.NEGATIVE
    right = schemathesis.GenerationMode.POSITIVE
    documented = {int(code) for code in operation.definition.raw["responses"]}
    strategy = operation.as_strategy(generation_mode=right if mode == "as it should be" else wrong)

    @_often
    @given(case=strategy)
    def attempt(case: Any) -> None:
        status, body = panel.send(case, "olga")
        assert status < 500
        assert status in documented | {404, 405, 415}
        if status >= 400 and status not in (404, 405):
            said = json.loads(body)
            assert said["error"] and "Traceback" not in said["error"]

    attempt()


def _often(test: Callable[..., None]) -> Callable[..., None]:
    return settings(
        max_examples=_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )(test)
