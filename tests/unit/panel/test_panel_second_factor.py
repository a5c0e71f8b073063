"""The second factor: the vectors of RFC 6238, one step of skew, no code twice, and a damaged secret lets nobody in."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import HostError
from appliance.panel.auth.second_factor import STEP, accepted_step, address, code, is_secret, new_secret
from appliance.panel.auth.users import Users
from tests.plugins.quick_hashes import make_hashes_quick

SECRET = base64.b32encode(b"12345678901234567890").decode()
PASSWORD = "correct horse battery"
NOW = 1_790_000_000.0


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Users:
    """anna has a second factor, bert has none."""
    make_hashes_quick(monkeypatch)
    made = Users(tmp_path)
    for name in ("anna", "bert"):
        made.add(name, PASSWORD, "operator")
    made.set_second_factor("anna", SECRET)
    return made


def at(wall: float) -> str:
    return code(SECRET, int(wall // STEP))


@pytest.mark.parametrize(
    ("wall", "digits"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
     (20000000000, "353130")],
)  # fmt: skip
def test_the_vectors_of_the_rfc(wall: int, digits: str) -> None:
    """RFC 6238, appendix B, SHA-1; it has eight digits, of which the last six are those of a code of six."""
    assert code(SECRET, wall // 30) == digits


@pytest.mark.parametrize(("skew", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_of_skew_and_no_more(users: Users, skew: int, good: bool) -> None:
    assert (users.verify_login("anna", PASSWORD, at(NOW + skew * STEP), NOW) is not None) is good


def test_a_code_is_accepted_once_and_none_from_before_it(users: Users) -> None:
    assert users.verify_login("anna", PASSWORD, at(NOW), NOW) is not None
    assert users.verify_login("anna", PASSWORD, at(NOW), NOW + 1) is None
    assert users.verify_login("anna", PASSWORD, at(NOW - STEP), NOW) is None
    assert Users(users.directory).verify_login("anna", PASSWORD, at(NOW), NOW) is None, (
        "not after a restart either"
    )
    assert users.verify_login("anna", PASSWORD, at(NOW + STEP), NOW + STEP) is not None


def test_of_many_who_come_at_once_by_the_same_code_one_gets_in(users: Users) -> None:
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(users.verify_login("anna", PASSWORD, at(NOW), NOW)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len([one for one in found if one is not None]) == 1


def test_a_wrong_password_costs_no_code(users: Users) -> None:
    assert users.verify_login("anna", "wrong horse battery", at(NOW), NOW) is None
    assert users.verify_login("anna", PASSWORD, at(NOW), NOW) is not None


def test_who_has_no_second_factor_needs_no_code(users: Users) -> None:
    assert users.verify_login("bert", PASSWORD, "", NOW) is not None
    assert users.verify_login("carl", PASSWORD, at(NOW), NOW) is None


def test_a_change_ends_the_sessions_and_the_authenticator_before(users: Users) -> None:
    first = users.get("anna")
    users.set_second_factor("anna", new_secret())
    second = users.get("anna")
    assert first is not None and second is not None and first.stamp != second.stamp
    assert users.verify_login("anna", PASSWORD, at(NOW), NOW) is None
    users.set_second_factor("anna", "")
    assert users.verify_login("anna", PASSWORD, "", NOW) is not None


def test_another_password_or_role_keeps_it(users: Users) -> None:
    users.change_password("anna", "another horse battery")
    users.change_role("anna", "viewer")
    assert users.verify_login("anna", "another horse battery", "", NOW) is None
    assert users.verify_login("anna", "another horse battery", at(NOW), NOW) is not None


@pytest.mark.parametrize(
    "change",
    [{"totp": "x"}, {"totp": 5}, {"totp": None}, {"totp": "AAAA"}, {"totp_step": "1"}, {"totp_step": True}],
)
def test_a_second_factor_that_was_damaged_does_not_become_none(
    users: Users, change: dict[str, object]
) -> None:
    document = json.loads(users.path.read_text())
    document["users"]["anna"] |= change
    users.path.write_text(json.dumps(document))
    with pytest.raises(HostError, match="damaged"):
        users.verify_login("anna", PASSWORD, "", NOW)


def test_a_file_of_an_older_version_has_none(users: Users) -> None:
    document = json.loads(users.path.read_text())
    for entry in document["users"].values():
        del entry["totp"], entry["totp_step"]
    users.path.write_text(json.dumps(document))
    assert [user.second_factor for user in users.all()] == [False, False]


@given(st.text(max_size=12))
def test_what_is_no_code_is_not_accepted(typed: str) -> None:
    good = {code(SECRET, int(NOW // STEP) + skew) for skew in (-1, 0, 1)}
    assert (accepted_step(SECRET, typed, NOW, -1) is not None) is (typed.replace(" ", "") in good)


def test_a_code_may_be_typed_in_two_halves() -> None:
    assert accepted_step(SECRET, f"{at(NOW)[:3]} {at(NOW)[3:]}", NOW, -1) is not None


def test_the_address_is_one_that_authenticators_read() -> None:
    assert address(SECRET, "anna", "pbx1.example.com") == (
        f"otpauth://totp/asha%20pbx1.example.com:anna?secret={SECRET}&issuer=asha%20pbx1.example.com"
    )


def test_each_secret_is_its_own() -> None:
    made = {new_secret() for _ in range(50)}
    assert len(made) == 50 and all(is_secret(one) and len(one) == 32 for one in made)
