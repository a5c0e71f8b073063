"""Who gets what: every route, asked by everybody; forged forms; sessions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from appliance.panel.auth.first_login import FirstLogin
from appliance.panel.auth.token import MetricsToken
from tests.plugins.agent_stand_in import AgentStandIn

ANYBODY = {"/login", "/static/<path:filename>", "/first", "/metrics"}
VIEWERS = {
    "/", "/live", "/logout", "/account", "/settings", "/moves", "/journal", "/alarm/<name>", "/charts", "/relay",
    "/api/openapi.json", "/api/me", "/api/status", "/api/journal", "/api/history", "/api/trends", "/api/conf",
}  # fmt: skip
_EXAMPLES = {"<path:filename>": "asha.css", "<slug>": "stop-ha", "<name>": "card-lost"}


def every_request(app: Flask) -> list[tuple[str, str, str]]:
    """Method, rule and a path for each thing that can be asked."""
    found = []
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for part, example in _EXAMPLES.items():
            path = path.replace(part, example)
        found += [(method, rule.rule, path) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    assert len(found) > 25
    return found


def test_a_stranger_gets_nothing_but_the_way_in(app: Flask, agent: AgentStandIn, visit: Callable) -> None:
    for method, rule, path in every_request(app):
        stranger = visit()
        form = {"csrf": stranger.csrf()} if method == "POST" else None
        answer = stranger.client.open(
            path, method=method, base_url="https://panel.example.com", buffered=True, data=form
        )
        if rule not in ANYBODY:
            assert answer.status_code in (302, 401), f"{method} {rule}"
            assert answer.headers.get("Location", "/login").endswith("/login")
    assert [note["says"] for note in agent.asked if note["verb"] == "panel note"] == [
        "a login as '' was refused"
    ]


def test_a_viewer_changes_nothing(app: Flask, agent: AgentStandIn, visit: Callable) -> None:
    vera = visit("vera")
    csrf = vera.csrf()
    for method, rule, path in every_request(app):
        if rule in ANYBODY | {"/live", "/logout", "/account"}:
            continue
        answer = vera.client.open(
            path, method=method, base_url="https://panel.example.com", headers={"X-CSRF": csrf}
        )
        expected = 200 if method == "GET" and rule in VIEWERS else 403
        assert answer.status_code == expected, f"{method} {rule}"
    assert agent.verbs("panel note") == []


def test_a_page_that_says_nothing_of_itself_is_the_operators_alone(app: Flask, visit: Callable) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert visit("vera").get("/forgotten").status_code == 403
    assert visit("olga").get("/forgotten").status_code == 200


@pytest.mark.parametrize("csrf", ["", "x", "é" * 40])
def test_a_forged_form_does_nothing(agent: AgentStandIn, visit: Callable, csrf: str) -> None:
    olga = visit("olga")
    answer = olga.client.post("/do/stop-ha", base_url="https://panel.example.com", data={"csrf": csrf})
    assert answer.status_code == 400
    assert agent.verbs("panel note") == []


def test_the_form_of_another_session_does_nothing(agent: AgentStandIn, visit: Callable) -> None:
    stolen = visit("olga").csrf()
    answer = visit("olga").client.post(
        "/do/stop-ha", base_url="https://panel.example.com", data={"csrf": stolen}
    )
    assert answer.status_code == 400
    assert agent.verbs("panel note") == []


@pytest.mark.parametrize("path", ["/do/stop-ha", "/login", "/first"])
def test_a_form_from_another_site_does_nothing(agent: AgentStandIn, visit: Callable, path: str) -> None:
    answer = visit("olga").post(path, {"name": "olga"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 400
    assert agent.verbs("panel note") == []


def test_a_session_that_was_put_into_the_browser_is_not_taken_over(visit: Callable) -> None:
    stranger = visit()
    stranger.client.set_cookie("__Host-asha", "chosen-by-somebody", domain="panel.example.com")
    assert stranger.log_in("olga").status_code == 302
    assert stranger.client.get_cookie("__Host-asha", domain="panel.example.com").value != "chosen-by-somebody"


def test_logging_in_again_ends_the_session_before(visit: Callable) -> None:
    olga = visit("olga")
    old = olga.client.get_cookie("__Host-asha", domain="panel.example.com").value
    assert olga.post("/login", {"name": "olga", "password": "correct horse battery"}).status_code == 302
    other = visit()
    other.client.set_cookie("__Host-asha", old, domain="panel.example.com")
    assert other.get("/").status_code == 302


def test_who_has_logged_out_is_out_even_with_the_old_cookie(visit: Callable) -> None:
    olga = visit("olga")
    old = olga.client.get_cookie("__Host-asha", domain="panel.example.com").value
    assert olga.post("/logout").status_code == 302
    olga.client.set_cookie("__Host-asha", old, domain="panel.example.com")
    assert olga.get("/").status_code == 302


def test_another_password_ends_every_session(panel_dir: object, visit: Callable) -> None:
    from appliance.panel.auth.users import Users  # noqa: PLC0415

    olga = visit("olga")
    Users(panel_dir).change_role("olga", "viewer")
    assert olga.get("/").status_code == 302


def test_a_wrong_password_is_told_in_the_journal_without_it(agent: AgentStandIn, visit: Callable) -> None:
    assert visit().log_in("olga", "not the password").status_code == 401
    note = agent.asked[-1]
    assert note["verb"] == "panel note" and "'olga' was refused" in note["says"]
    assert "not the password" not in str(agent.asked)


def test_cookies_are_for_this_host_and_tls_only(visit: Callable) -> None:
    answer = visit().log_in("olga")
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith("__Host-asha"))
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= {part.strip() for part in cookie.split(";")}


def test_every_answer_is_hardened(visit: Callable) -> None:
    for path in ("/login", "/nothing", "/static/asha.css", "/metrics"):
        headers = visit("olga").get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_first_login_is_open_once(panel_dir: Path, visit: Callable) -> None:
    (panel_dir / "users").unlink()
    code = FirstLogin(panel_dir).new_code()
    form = {"name": "ada", "new": "a long password", "again": "a long password"}
    stranger = visit()
    assert stranger.get("/login").headers["Location"] == "/first"
    assert stranger.post("/first", {**form, "code": "00000-00000-00000"}).status_code == 400
    assert stranger.get("/").status_code == 302
    assert stranger.post("/first", {**form, "code": code}).status_code == 302
    assert stranger.get("/").status_code == 200
    assert visit().post("/first", {**form, "code": code, "name": "eve"}).status_code == 404


def test_metrics_are_for_the_token_and_for_who_is_in(panel_dir: Path, visit: Callable) -> None:
    token = MetricsToken(panel_dir).new()
    assert visit().get("/metrics").status_code == 401
    assert visit().get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    told = visit().get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert told.status_code == 200 and b"asha_agent_up 1.0" in told.data
    assert visit("vera").get("/metrics").status_code == 200


def test_what_is_too_large_or_malformed_is_refused_and_done_nothing_of(
    agent: AgentStandIn, visit: Callable
) -> None:
    olga = visit("olga")
    assert olga.post("/introduction", {"text": "x" * 300_000}).status_code == 413
    many = {f"key-{number}": "x" for number in range(300)}
    assert olga.client.post(
        "/settings/save", base_url="https://panel.example.com", data={**many, "csrf": olga.csrf()},
        content_type="multipart/form-data",
    ).status_code in (400, 413)  # fmt: skip
    assert agent.verbs("panel note") == []
