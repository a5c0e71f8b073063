"""The first-login code: once, for a week, and only while nobody is there. And the token for the metrics."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.errors import UserError
from appliance.panel.auth.first_login import VALID_FOR, FirstLogin
from appliance.panel.auth.token import MetricsToken
from appliance.panel.auth.users import Users

GOOD = "correct horse"


class Wall:
    def __init__(self) -> None:
        self.time = 1e9

    def now(self) -> float:
        raise AssertionError("what outlives a boot asks the wall clock")

    def wall(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def first(tmp_path: Path, wall: Wall) -> FirstLogin:
    return FirstLogin(tmp_path, wall)


def test_the_code_makes_the_first_operator_once(first: FirstLogin, tmp_path: Path) -> None:
    code = first.new_code()
    assert first.is_open()
    assert first.use_code(code, "anna", GOOD).role == "operator"
    assert Users(tmp_path).verify("anna", GOOD) is not None
    assert not first.is_open()
    assert not first.path.exists()
    with pytest.raises(UserError, match="not the one"):
        first.use_code(code, "bert", GOOD)


def test_it_is_long_and_easy_to_type(first: FirstLogin) -> None:
    code = first.new_code()
    assert len(code.replace("-", "")) == 15
    assert not set(code) & set("ilou")
    assert first.check_code(code.upper().replace("-", " ").replace("0", "O").replace("1", "l"))


def test_another_word_is_not_the_code(first: FirstLogin) -> None:
    code = first.new_code()
    for wrong in ("", "x", code[:-1], code + "0", "\udcff", "0" * 15):
        assert not first.check_code(wrong)


def test_only_its_hash_is_kept(first: FirstLogin) -> None:
    code = first.new_code()
    assert code.replace("-", "") not in first.path.read_text()


def test_it_is_void_after_a_week(first: FirstLogin, wall: Wall) -> None:
    code = first.new_code()
    wall.time += VALID_FOR + 1
    assert not first.is_open()
    assert not first.check_code(code)


def test_a_new_one_voids_the_old_one(first: FirstLogin) -> None:
    old = first.new_code()
    new = first.new_code()
    assert not first.check_code(old)
    assert first.check_code(new)


def test_no_code_while_somebody_can_log_in(first: FirstLogin, tmp_path: Path) -> None:
    code = first.new_code()
    Users(tmp_path).add("anna", GOOD, "viewer")
    assert not first.check_code(code)
    with pytest.raises(UserError, match="users already"):
        first.new_code()


def test_a_wrong_name_or_password_does_not_use_the_code_up(first: FirstLogin) -> None:
    code = first.new_code()
    with pytest.raises(UserError, match="10 to 200"):
        first.use_code(code, "anna", "short")
    with pytest.raises(UserError, match="name is"):
        first.use_code(code, "Anna!", GOOD)
    assert first.use_code(code, "anna", GOOD)


def test_killed_between_user_and_code_leaves_no_open_code(first: FirstLogin, tmp_path: Path) -> None:
    code = first.new_code()
    Users(tmp_path).add_first("anna", GOOD)  # and killed: the code's file is there still
    assert first.path.exists()
    assert not first.is_open()
    assert not first.check_code(code)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"hash": "x"}', '{"hash": "x", "until": "y"}'])
def test_a_damaged_code_is_no_code(first: FirstLogin, text: str) -> None:
    first.path.write_text(text)
    assert not first.is_open()
    assert not first.check_code("x")


def test_the_token_is_the_last_one_made(tmp_path: Path) -> None:
    token = MetricsToken(tmp_path)
    assert not token.is_right("")
    old, new = token.new(), token.new()
    assert not token.is_right(old)
    assert token.is_right(new)
    assert not token.is_right(new + "\udcff")
    assert new not in token.path.read_text()
