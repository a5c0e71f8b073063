"""Single sign-on: who the site's proxy names is let in, and nobody else can name anybody, however it is spelt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.config import Conf
from appliance.panel.agent_client import AgentClient
from appliance.panel.app import create_app
from appliance.panel.server.proxy import secret_digest
from tests.plugins.agent_stand_in import AgentStandIn

BASE = "https://panel.example.com"
SECRET = "a-long-random-secret"
ANNA = {"X-Asha-User": "anna@example.com", "X-Asha-Role": "operator", "X-Asha-Proxy": SECRET}
Make = Callable[..., FlaskClient]


@pytest.fixture
def make(agent: AgentStandIn, panel_dir: Path) -> Make:
    """`make(…)`: a client of the page, whose conf has these values besides the proxy; `secret`: that of the proxy."""

    def made(**values: Any) -> FlaskClient:
        secret = values.pop("secret", SECRET)
        app: Flask = create_app(
            replace(Conf(), **{"panel_proxy": True, **values}),
            agent=AgentClient(str(agent.path)),
            directory=panel_dir,
            proxy_digest=secret_digest(secret),
        )
        return app.test_client()

    return made


def me(client: FlaskClient, headers: dict[str, str], peer: str = "127.0.0.1") -> tuple[int, str]:
    """The status, and who that is."""
    answer = client.get("/api/me", base_url=BASE, headers=headers, environ_overrides={"REMOTE_ADDR": peer})
    return answer.status_code, f"{answer.json.get('name', '')} {answer.json.get('role', '')}".strip()


def test_whom_the_proxy_names_is_in_with_that_role(make: Make) -> None:
    client = make()
    assert me(client, ANNA) == (200, "anna@example.com operator")
    assert me(client, {**ANNA, "X-Asha-Role": "viewer"}) == (200, "anna@example.com viewer")
    assert me(client, {**ANNA, "X-Asha-User": "EXAMPLE\\berta"}, peer="::1") == (
        200,
        "EXAMPLE\\berta operator",
    )


def test_each_request_is_named_anew(make: Make) -> None:
    """Nothing stays in the browser: who is logged out at the proxy is out."""
    client = make()
    answer = client.get("/", base_url=BASE, headers=ANNA)
    assert answer.status_code == 200 and "Set-Cookie" not in answer.headers
    assert me(client, {"X-Asha-Proxy": SECRET})[0] == 401
    assert client.get("/", base_url=BASE).headers["Location"].endswith("/login")


@pytest.mark.parametrize("peer", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", ""])
def test_from_elsewhere_it_counts_for_nothing(make: Make, peer: str) -> None:
    assert me(make(), ANNA, peer)[0] == 401


@pytest.mark.parametrize("values", [{"panel_proxy": False}, {"secret": ""}])
def test_where_no_proxy_may_say_it_it_counts_for_nothing(make: Make, values: dict[str, Any]) -> None:
    assert me(make(**values), ANNA)[0] == 401
    assert me(make(**values), {**ANNA, "X-Asha-Proxy": ""})[0] == 401


@pytest.mark.parametrize(
    "wrong", ["", "a-long-random-secre", f"{SECRET}x", SECRET.upper(), "ü" * 20, f"{SECRET}, {SECRET}"]
)
def test_without_the_secret_it_is_refused(make: Make, wrong: str) -> None:
    """Any program on this machine can connect to the page."""
    assert me(make(), {**ANNA, "X-Asha-Proxy": wrong.encode().decode("latin-1")})[0] == 403


@pytest.mark.parametrize("name", ["(null)", "-", "a b", "anna, root", "anna;", "<script>", "a" * 65, "änna"])
def test_a_name_that_is_none_is_refused(make: Make, name: str) -> None:
    answer = make().get("/", base_url=BASE, headers={**ANNA, "X-Asha-User": name.encode().decode("latin-1")})
    assert answer.status_code == 403 and "<script>" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("role", ["", "Operator", "operator, viewer", "root", "operator viewer"])
def test_a_role_that_is_none_is_refused(make: Make, role: str) -> None:
    assert me(make(), {**ANNA, "X-Asha-Role": role})[0] == 403


@pytest.mark.parametrize(
    "name", ["REMOTE_USER", "X-Remote-User", "Remote-User", "X-Forwarded-User", "Authorization"]
)
def test_no_other_header_names_anybody(make: Make, name: str) -> None:
    assert me(make(), {name: "anna", "X-Asha-Role": "operator", "X-Asha-Proxy": SECRET})[0] == 401


def test_a_change_needs_the_token_of_the_page_and_is_noted_by_name(agent: AgentStandIn, make: Make) -> None:
    agent.says["standby"] = {"says": "Handing over."}
    client = make()
    assert client.post("/do/hand-over", base_url=BASE, headers=ANNA).status_code == 400
    csrf = client.get("/api/me", base_url=BASE, headers=ANNA).json["csrf"]
    other = {**ANNA, "X-Asha-User": "berta"}
    assert client.post("/do/hand-over", base_url=BASE, headers=other, data={"csrf": csrf}).status_code == 400
    headers = {**ANNA, "X-Forwarded-For": "198.51.100.9"}
    assert (
        client.post("/do/hand-over", base_url=BASE, headers=headers, data={"csrf": csrf}).status_code == 302
    )
    (wish,) = [one for one in agent.asked if one["verb"] == "standby"]
    assert wish["by"] == "anna@example.com at 198.51.100.9 (panel)"


def test_a_viewer_of_the_site_changes_nothing(agent: AgentStandIn, make: Make) -> None:
    client, vera = make(), {**ANNA, "X-Asha-Role": "viewer"}
    csrf = client.get("/api/me", base_url=BASE, headers=vera).json["csrf"]
    assert client.post("/do/hand-over", base_url=BASE, headers=vera, data={"csrf": csrf}).status_code == 403
    assert agent.verbs("panel note") == []


def test_the_sites_user_has_nothing_of_a_user_of_that_name_here(make: Make) -> None:
    """olga is a user of the page too, with a password of her own."""
    client, olga = make(), {**ANNA, "X-Asha-User": "olga", "X-Asha-Role": "viewer"}
    page = client.get("/account", base_url=BASE, headers=olga).get_data(as_text=True)
    assert "single sign-on" in page and "<form" not in page
    csrf = client.get("/api/me", base_url=BASE, headers=olga).json["csrf"]
    form = {
        "csrf": csrf,
        "old": "correct horse battery",
        "new": "another long one",
        "again": "another long one",
    }
    assert client.post("/account", base_url=BASE, headers=olga, data=form).status_code == 403


def test_it_works_under_a_prefix_and_beside_the_login_of_the_page(make: Make) -> None:
    client = make(panel_prefix="/asha")
    assert client.get("/asha/", base_url=BASE, headers=ANNA).status_code == 200
    assert client.get("/asha/", base_url=BASE).headers["Location"] == "/asha/login"
