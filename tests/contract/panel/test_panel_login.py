"""Logging in: by a form of ours only, in a session of its own, within limits, and never kept out for good."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from appliance.config import Conf
from appliance.core.errors import UserError
from appliance.core.login_limit import FREE
from appliance.panel.agent_client import AgentClient
from appliance.panel.app import create_app
from appliance.panel.auth.first_login import FirstLogin
from appliance.panel.auth.seal import DEVICE_VALID_FOR, FORM_VALID_FOR, Seal
from appliance.panel.auth.second_factor import STEP, code, new_secret
from appliance.panel.auth.unlock import VALID_FOR, Unlock
from appliance.panel.auth.users import Users
from appliance.panel.server.proxy import client_of
from tests.plugins.agent_stand_in import AgentStandIn
from tests.plugins.login_form import hidden_in

PASSWORD = "correct horse battery"
HOST = "panel.example.com"
BASE = f"https://{HOST}"
OLD_BROWSER: dict[str, str] = {}  # sends no Sec-Fetch-Site
FORM, SESSION, DEVICE = "__Host-asha-form", "__Host-asha", "__Host-asha-device"


class Wall:
    def __init__(self) -> None:
        self.time = 1e9

    def now(self) -> float:
        raise AssertionError("what outlives a boot asks the wall clock")

    def wall(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


def cookie(browser: Any, name: str) -> str:
    found = browser.client.get_cookie(name, domain=HOST)
    return found.value if found else ""


def elsewhere(address: str) -> dict[str, Any]:
    return {"environ_overrides": {"REMOTE_ADDR": address}}


def wrong(browser: Any, times: int, **more: Any) -> list[int]:
    return [browser.log_in("olga", "wrong wrong wrong", **more).status_code for _ in range(times)]


# ------------------------------------------------------------------------------------- forms that are not ours


@pytest.mark.parametrize("csrf", ["", "x", "1.2", "é" * 9, "9999999999.00"])
def test_another_site_cannot_log_anybody_in(agent: AgentStandIn, visit: Callable, csrf: str) -> None:
    """Not in an old browser either, which says nothing of where a form comes from."""
    victim = visit()
    victim.get("/login")
    form = {"name": "vera", "password": PASSWORD, "csrf": csrf}
    answer = victim.client.post("/login", base_url=BASE, data=form, headers=OLD_BROWSER)
    assert answer.status_code == 400
    assert cookie(victim, SESSION) == ""
    assert agent.verbs() == []


def test_a_form_that_was_given_to_another_browser_does_nothing(visit: Callable) -> None:
    victim, attacker = visit(), visit()
    victim.get("/login")
    form = {"name": "vera", "password": PASSWORD, "csrf": attacker.csrf()}
    assert cookie(attacker, FORM) and cookie(victim, FORM) != cookie(attacker, FORM)
    assert victim.client.post("/login", base_url=BASE, data=form).status_code == 400
    without = visit()  # no cookie at all
    assert without.client.post("/login", base_url=BASE, data=form).status_code == 400


def test_the_first_login_and_logging_out_take_our_own_form_too(panel_dir: Path, visit: Callable) -> None:
    olga = visit("olga")
    for csrf in ("", "x", visit().csrf()):
        assert olga.client.post("/logout", base_url=BASE, data={"csrf": csrf}).status_code == 400
    assert olga.get("/").status_code == 200
    (panel_dir / "users").unlink()
    code = FirstLogin(panel_dir).new_code()
    form = {"name": "eve", "new": "a long password", "again": "a long password", "code": code}
    assert visit().client.post("/first", base_url=BASE, data=form).status_code == 400
    assert Users(panel_dir).all() == ()
    assert visit().post("/first", form).status_code == 302


def test_one_cookie_serves_every_form_of_a_browser(visit: Callable) -> None:
    """A second tab does not make the form in the first one void."""
    browser = visit()
    first = browser.csrf()
    kept = cookie(browser, FORM)
    browser.get("/login")
    assert cookie(browser, FORM) == kept
    form = {"name": "olga", "password": PASSWORD, "csrf": first}
    assert browser.client.post("/login", base_url=BASE, data=form).status_code == 302
    assert cookie(browser, FORM) == ""


def test_a_form_is_good_for_half_a_day_also_over_a_restart(tmp_path: Path) -> None:
    wall = Wall()
    sealed = Seal(tmp_path, wall).form("cookie")
    wall.time += FORM_VALID_FOR - 1
    assert Seal(tmp_path, wall).is_form("cookie", sealed)
    assert not Seal(tmp_path, wall).is_form("another", sealed)
    assert not Seal(tmp_path, wall).is_form("", Seal(tmp_path, wall).form(""))
    wall.time += 2
    assert not Seal(tmp_path, wall).is_form("cookie", sealed)


def test_the_seal_is_kept_from_others_and_one_that_is_spoilt_stops_nobody(tmp_path: Path) -> None:
    seal = Seal(tmp_path, Wall())
    sealed = seal.form("cookie")
    assert seal.path.stat().st_mode & 0o777 == 0o600
    for spoilt in (b"", b"short", b"\xff" * 64, b"x" * 64 + b"\n"):
        seal.path.write_bytes(spoilt)
        fresh = Seal(tmp_path, Wall())
        assert not fresh.is_form("cookie", sealed)
        assert fresh.is_form("cookie", fresh.form("cookie"))
    seal.path.unlink()
    os.mkfifo(seal.path)
    fresh = Seal(tmp_path, Wall())
    assert fresh.is_form("cookie", fresh.form("cookie"))


# ------------------------------------------------------------------------------------- limits, and who is known


def test_who_fails_too_often_is_told_when_to_come_again(visit: Callable) -> None:
    stranger = visit()
    assert wrong(stranger, FREE) == [401] * FREE
    refused = stranger.log_in("olga")
    said = refused.get_data(as_text=True)
    assert refused.status_code == 429 and 25 <= int(refused.headers["Retry-After"]) <= 30
    assert "Too many logins from here have failed" in said and "asha panel unlock NAME" in said
    assert 'value="olga"' in said and hidden_in(said)  # the form again, filled in
    assert stranger.log_in("olga", **elsewhere("192.0.2.8")).status_code == 302


def test_a_browser_that_has_logged_in_is_known_and_not_kept_out_by_its_neighbours(visit: Callable) -> None:
    olga = visit()
    assert olga.log_in("olga").status_code == 302
    olga.post("/logout")
    assert cookie(olga, DEVICE)
    assert wrong(visit(), FREE + 1)[-1] == 429  # from the same address
    assert visit().log_in("olga").status_code == 429
    assert olga.log_in("olga").status_code == 302
    assert olga.post("/logout").status_code == 302
    assert olga.log_in("vera").status_code == 429  # known as olga's only


def test_a_known_browser_has_its_own_limit(visit: Callable) -> None:
    olga = visit()
    olga.log_in("olga")
    olga.post("/logout")
    # As a known browser, then as a stranger, and then no more.
    codes = wrong(olga, 2 * FREE + 1)
    assert codes == [401] * 2 * FREE + [429]


def test_another_password_makes_every_browser_a_stranger(panel_dir: Path, visit: Callable) -> None:
    seal, users = Seal(panel_dir), Users(panel_dir)
    device = seal.device(users.get("olga"))
    assert seal.known_device(device, users.get("olga"))
    assert not seal.known_device(device, users.get("vera")) and not seal.known_device(device, None)
    users.change_role("olga", "viewer")
    assert not seal.known_device(device, users.get("olga"))


@pytest.mark.parametrize("forged", ["", ".", "a.b.c", "x.9999999999.00", "é.1.2", "a" * 5000])
def test_a_forged_device_is_none(panel_dir: Path, forged: str) -> None:
    assert Seal(panel_dir).known_device(forged, Users(panel_dir).get("olga")) == ""


def test_a_device_is_known_for_half_a_year(panel_dir: Path) -> None:
    wall, olga = Wall(), Users(panel_dir).get("olga")
    device = Seal(panel_dir, wall).device(olga)
    wall.time += DEVICE_VALID_FOR - 1
    assert Seal(panel_dir, wall).known_device(device, olga)
    wall.time += 2
    assert not Seal(panel_dir, wall).known_device(device, olga)


def test_root_lets_somebody_in_before_others(panel_dir: Path, visit: Callable) -> None:
    assert wrong(visit(), FREE + 1)[-1] == 429
    assert 'name="code"' not in visit().get("/login").get_data(as_text=True)
    code = Unlock(panel_dir).new_code("olga")
    stranger = visit()
    assert 'name="code"' in stranger.get("/login").get_data(as_text=True)
    for name, given in (("olga", "00000-00000-00000"), ("vera", code)):
        form = {"name": name, "password": PASSWORD, "code": given}
        assert stranger.post("/login", form).status_code == 429
    wrong_password = {"name": "olga", "password": "wrong wrong wrong", "code": code}
    assert [stranger.post("/login", wrong_password).status_code for _ in range(FREE + 1)] == [401] * FREE + [
        429
    ]
    assert Unlock(panel_dir).is_open()
    code = Unlock(panel_dir).new_code("vera")
    form = {"name": "vera", "password": PASSWORD, "code": code.upper().replace("-", " ")}
    assert stranger.post("/login", form).status_code == 302
    assert not Unlock(panel_dir).is_open()
    assert cookie(stranger, DEVICE)


def test_a_code_is_for_a_quarter_of_an_hour_and_for_a_user_there_is(panel_dir: Path) -> None:
    wall = Wall()
    unlock = Unlock(panel_dir, wall)
    with pytest.raises(UserError, match="no user eve"):
        unlock.new_code("eve")
    code = unlock.new_code("olga")
    assert code.replace("-", "") not in unlock.path.read_text()
    assert (
        unlock.is_right("olga", code)
        and not unlock.is_right("olga", "")
        and not unlock.is_right("vera", code)
    )
    wall.time += VALID_FOR + 1
    assert not unlock.is_right("olga", code) and not unlock.is_open()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"name": "olga", "hash": "x", "until": "y"}', "[" * 5000]
)
def test_a_damaged_code_lets_nobody_before_others(panel_dir: Path, text: str) -> None:
    Unlock(panel_dir).path.write_text(text)
    assert not Unlock(panel_dir).is_open()
    assert not Unlock(panel_dir).is_right("olga", "x")


# ------------------------------------------------------------------------------------- behind another web server


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("", "127.0.0.1"),
        ("198.51.100.9", "198.51.100.9"),
        ("203.0.113.1, 198.51.100.9", "198.51.100.9"),
        ("203.0.113.1, 198.51.100.9, 127.0.0.1", "198.51.100.9"),
        ("203.0.113.1,198.51.100.9 , ::1, 127.9.9.9,::ffff:127.0.0.1", "198.51.100.9"),
        ("127.0.0.1", "127.0.0.1"),
        ("198.51.100.9:50000", "198.51.100.9"),
        ("[2001:db8::1]:50000", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("203.0.113.1, unknown", "127.0.0.1"),
        ("203.0.113.1, ", "127.0.0.1"),
        ("198.51.100.9, <script>", "127.0.0.1"),
    ],
)
def test_the_last_address_that_is_not_this_machines_counts(forwarded: str, client: str) -> None:
    assert client_of(forwarded, "127.0.0.1") == client


def proxied(agent: AgentStandIn, panel_dir: Path, *, proxy: bool = True) -> Flask:
    return create_app(
        replace(Conf(), panel_proxy=proxy), agent=AgentClient(str(agent.path)), directory=panel_dir
    )


def tried(app: Flask, forwarded: str, peer: str = "127.0.0.1", times: int = 1) -> list[int]:
    client = app.test_client()
    token = hidden_in(client.get("/login", base_url=BASE).get_data(as_text=True))
    form = {"name": "olga", "password": "wrong wrong wrong", "csrf": token}
    headers = {"X-Forwarded-For": forwarded}
    return [
        client.post("/login", base_url=BASE, data=form, headers=headers, **elsewhere(peer)).status_code
        for _ in range(times)
    ]


def test_behind_a_proxy_each_address_has_its_limit_whatever_it_sends_along(
    agent: AgentStandIn, panel_dir: Path
) -> None:
    app = proxied(agent, panel_dir)
    codes = [tried(app, f"203.0.113.{number}, 198.51.100.9")[0] for number in range(FREE + 1)]
    assert codes == [401] * FREE + [429]
    assert tried(app, "198.51.100.10") == [401]
    codes = [tried(app, f"2001:db8::{number + 1:x}")[0] for number in range(FREE + 1)]
    assert codes[-1] == 429 and tried(app, "2001:db8:0:1::1") == [401]


@pytest.mark.parametrize("proxy", [True, False])
def test_forged_from_elsewhere_it_changes_nothing(agent: AgentStandIn, panel_dir: Path, proxy: bool) -> None:
    app = proxied(agent, panel_dir, proxy=proxy)
    codes = [tried(app, f"203.0.113.{number}", "192.0.2.7")[0] for number in range(FREE + 1)]
    assert codes == [401] * FREE + [429]
    assert tried(app, "192.0.2.7", "192.0.2.8") == [401]


def test_without_a_proxy_not_even_this_machine_may_say_it(agent: AgentStandIn, panel_dir: Path) -> None:
    app = proxied(agent, panel_dir, proxy=False)
    assert [tried(app, f"203.0.113.{number}")[0] for number in range(FREE + 1)][-1] == 429


# --------------------------------------------------------------------------------------------- a second factor


def test_a_login_needs_the_code_too_and_each_code_once(app: Flask, panel_dir: Path, visit: Callable) -> None:
    secret = new_secret()
    assert 'name="totp"' not in visit().get("/login").get_data(as_text=True), "nobody has one yet"
    Users(panel_dir).set_second_factor("olga", secret)
    assert 'name="totp"' in visit().get("/login").get_data(as_text=True)
    now = code(secret, int(time.time() // STEP))
    form = {"name": "olga", "password": PASSWORD}
    for wrong in ({}, {"totp": ""}, {"totp": "000000" if now != "000000" else "000001"}):
        answer = visit().post("/login", {**form, **wrong})
        assert answer.status_code == 401 and "name, password and code" in answer.get_data(as_text=True)
    olga = visit()
    assert olga.post("/login", {**form, "totp": now}).status_code == 302
    assert olga.get("/").status_code == 200
    assert visit().post("/login", {**form, "totp": now}).status_code == 401, "a code is good once"
    assert visit().log_in("vera").status_code == 302


def test_guessing_codes_is_held_up_as_guessing_passwords_is(panel_dir: Path, visit: Callable) -> None:
    """The password is right each time."""
    Users(panel_dir).set_second_factor("olga", new_secret())
    form = {"name": "olga", "password": PASSWORD, "totp": "12345"}
    assert [visit().post("/login", form).status_code for _ in range(FREE + 1)] == [401] * FREE + [429]


def test_a_wrong_password_and_a_wrong_code_are_answered_alike(panel_dir: Path, visit: Callable) -> None:
    Users(panel_dir).set_second_factor("olga", new_secret())
    answers = [
        visit().post("/login", {"name": name, "password": password, "totp": "12345"}).get_data(as_text=True)
        for name, password in (("olga", PASSWORD), ("olga", "wrong wrong wrong"))
    ]
    told = {re.search(r'role="alert">([^<]+)<', answer)[1] for answer in answers}
    assert len(told) == 1
