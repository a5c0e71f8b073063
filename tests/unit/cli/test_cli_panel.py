"""`asha panel`: users, codes and tokens by the command line, and what is said of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.cli import main, panel
from appliance.config import Conf
from appliance.core.errors import ClusterError, HostError, UserError
from appliance.panel.auth import first_login, token, unlock, users
from appliance.panel.server import serve
from appliance.panel.server.proxy import secret_digest
from tests.plugins.quick_hashes import make_hashes_quick

GOOD = "correct horse"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for module, name in (
        (users, "Users"),
        (first_login, "FirstLogin"),
        (token, "MetricsToken"),
        (unlock, "Unlock"),
    ):
        made = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *_, made=made: made(tmp_path))
    monkeypatch.setattr(panel, "PANEL_DIR", tmp_path)
    make_hashes_quick(monkeypatch)
    yield tmp_path


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    notes: list[dict[str, object]] = []

    def ask(verb: str, **arguments: object) -> None:
        notes.append({"verb": verb, **arguments})
        raise ClusterError("The agent is not running.")

    monkeypatch.setattr(panel, "ask", ask)
    return notes


def asha(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(main.asha, ["panel", *words], input=given)


def test_a_user_is_made_changed_listed_and_removed(told: list[dict[str, object]]) -> None:
    assert asha("user", "add", "anna", "--password-stdin", given=f"{GOOD}\n").exit_code == 0
    assert users.Users().verify("anna", GOOD) is not None
    assert asha("user", "passwd", "anna", given="battery staple\nbattery staple\n").exit_code == 0
    assert users.Users().verify("anna", "battery staple") is not None
    asha("user", "role", "anna", "viewer")
    assert json.loads(asha("user", "list", "--json").output) == [
        {"name": "anna", "role": "viewer", "second_factor": False}
    ]
    assert asha("user", "remove", "anna").exit_code == 0
    assert users.Users().all() == ()
    assert [note["says"] for note in told] == [
        "user anna added as operator",
        "password of anna changed",
        "user anna is now viewer",
        "user anna removed",
    ]
    assert {note["verb"] for note in told} == {"panel note"}
    assert all(str(note["by"]).endswith("on this machine") for note in told)


def test_no_password_is_shown_or_told(told: list[dict[str, object]]) -> None:
    said = asha("user", "add", "anna", given=f"{GOOD}\n{GOOD}\n").output
    assert GOOD not in said
    assert GOOD not in str(told)


def test_root_makes_a_code_that_lets_a_user_go_first(told: list[dict[str, object]]) -> None:
    users.Users().add("anna", GOOD, "operator")
    code = asha("unlock", "anna").output.strip()
    assert unlock.Unlock().is_right("anna", code)
    assert told[-1]["says"] == "a code was made that lets anna log in before others"
    assert code not in str(told)
    refused = asha("unlock", "bert")
    assert isinstance(refused.exception, UserError) and "no user bert" in str(refused.exception)


def test_two_passwords_that_differ_are_asked_for_again() -> None:
    given = f"{GOOD}\nsomething else\n{GOOD}\n{GOOD}\n"
    assert asha("user", "add", "anna", "--role", "viewer", given=given).exit_code == 0
    assert users.Users().verify("anna", GOOD) is not None


def test_a_short_password_makes_no_user() -> None:
    assert isinstance(asha("user", "add", "anna", "--password-stdin", given="short\n").exception, UserError)
    assert users.Users().all() == ()


def test_the_code_is_printed_and_works() -> None:
    assert "asha panel code" in asha("user", "list").output
    code = asha("code").output.strip()
    assert first_login.FirstLogin().use_code(code, "anna", GOOD).role == "operator"
    assert isinstance(asha("code").exception, UserError)


def test_the_token_is_printed_and_works() -> None:
    assert token.MetricsToken().is_right(asha("token").output.strip())


def test_a_panel_that_is_off_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel, "load", lambda path, to_run: Conf(panel_on=False))
    result = asha("run")
    assert (result.exit_code, result.output) == (0, "asha: the panel is off (PANEL=off).\n")


def test_a_certificate_is_made_once_and_the_sites_own_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Conf(panel_cert=tmp_path / "panel.crt", panel_key=tmp_path / "panel.key", cluster_ip="192.0.2.5")
    monkeypatch.setattr(panel, "load", lambda path, to_run: ours)
    monkeypatch.setattr(panel, "Conf", lambda: ours)
    assert "was made" in asha("certificate").output
    made = ours.panel_cert.read_bytes()
    assert "good for 82" in asha("certificate").output
    shown = json.loads(asha("certificate", "--json").output)
    assert shown["made"] is False and 820 <= shown["days"] < 830
    assert ours.panel_cert.read_bytes() == made
    monkeypatch.setattr(panel, "Conf", Conf)
    assert isinstance(asha("certificate", "--renew").exception, UserError)
    assert ours.panel_cert.read_bytes() == made


def test_the_package_makes_what_a_first_visit_needs_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Conf(panel_cert=tmp_path / "panel.crt", panel_key=tmp_path / "panel.key", panel_prefix="/asha")
    monkeypatch.setattr(panel, "load", lambda path, to_run: ours)
    monkeypatch.setattr(panel, "Conf", lambda: ours)
    said = asha("welcome").output
    assert "https://127.0.0.1:8443/asha/ once its service runs" in said
    assert first_login.FirstLogin().check_code(said.split()[-1])
    assert ours.panel_cert.exists()
    assert asha("welcome").output == ""


def test_without_openssl_the_package_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Conf(panel_cert=tmp_path / "panel.crt", panel_key=tmp_path / "panel.key")
    monkeypatch.setattr(panel, "load", lambda path, to_run: ours)
    monkeypatch.setattr(panel, "Conf", lambda: ours)

    def no_program(name: str, *candidates: str) -> Path:
        raise HostError(f"The program '{name}' was not found.")

    monkeypatch.setattr("appliance.panel.server.certificate.find_program", no_program)
    result = asha("welcome")
    assert result.exit_code == 0
    assert (
        "no certificate yet. The program 'openssl' was not found. Then: asha panel certificate."
        in result.output
    )
    assert "its first visitor needs this code" in result.output


def test_a_second_factor_is_shown_once_and_root_takes_it_away(told: list[dict[str, object]]) -> None:
    users.Users().add("anna", GOOD, "operator")
    said = asha("user", "second-factor", "anna")
    assert said.exit_code == 0
    secret = re.search(
        r"^otpauth://totp/asha%20\S+:anna\?secret=([A-Z2-7]{32})&issuer=asha%20\S+$", said.stdout, re.M
    )[1]
    assert secret not in str(told) and told[-1]["says"] == "user anna has a new second factor"
    assert users.Users().verify_login("anna", GOOD, "", 0.0) is None
    assert "second factor" in asha("user", "list").output
    assert json.loads(asha("user", "list", "--json").output)[0]["second_factor"] is True
    assert asha("user", "second-factor", "anna", "--remove").exit_code == 0
    assert users.Users().verify_login("anna", GOOD, "", 0.0) is not None
    assert isinstance(asha("user", "second-factor", "berta").exception, UserError)


def test_the_page_gets_no_secret_and_the_digest_of_the_proxys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[Conf, str]] = []
    conf = Conf(panel_proxy=True, panel_proxy_secret="a-long-random-secret", notify_password="x")
    monkeypatch.setattr(panel, "load", lambda *_, **__: conf)
    monkeypatch.setattr(serve, "run_panel", lambda *words: begun.append(words))
    assert asha("run").exit_code == 0
    ((given, digest),) = begun
    assert given == Conf(panel_proxy=True)
    assert digest == secret_digest("a-long-random-secret") != "" and secret_digest("") == ""
