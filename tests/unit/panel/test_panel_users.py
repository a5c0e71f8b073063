"""Who may log in to the page: the file is whole or as it was, and what is wrong with it lets nobody in."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from appliance.core.errors import HostError, UserError
from appliance.panel.auth import passwords
from appliance.panel.auth.users import Users
from tests.plugins.quick_hashes import make_hashes_quick

GOOD = "correct horse"
OTHER = "battery staple"


@pytest.fixture(autouse=True)
def quick_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hash costs is for its own test to look at; the others would wait for it a hundred times."""
    if "costs" not in request.node.name:
        make_hashes_quick(monkeypatch)


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return Users(tmp_path)


def test_who_was_added_can_log_in_and_nobody_else(users: Users) -> None:
    added = users.add("anna", GOOD, "viewer")
    assert users.verify("anna", GOOD) == added
    assert users.verify("anna", OTHER) is None
    assert users.verify("bert", GOOD) is None
    assert [(one.name, one.role) for one in users.all()] == [("anna", "viewer")]


def test_nobody_can_log_in_when_there_is_no_file(users: Users) -> None:
    assert users.all() == ()
    assert users.verify("anna", "") is None


def test_a_change_ends_every_session(users: Users) -> None:
    first = users.add("anna", GOOD, "operator")
    users.change_password("anna", OTHER)
    second = users.get("anna")
    users.change_role("anna", "viewer")
    third = users.get("anna")
    assert second is not None and third is not None
    assert len({first.stamp, second.stamp, third.stamp}) == 3
    assert users.verify("anna", GOOD) is None
    assert users.verify("anna", OTHER) == third


def test_who_was_removed_is_gone(users: Users) -> None:
    users.add("anna", GOOD, "operator")
    users.remove("anna")
    assert users.get("anna") is None
    assert users.verify("anna", GOOD) is None


def test_the_same_name_made_again_is_another_session(users: Users) -> None:
    before = users.add("anna", GOOD, "operator")
    users.remove("anna")
    assert users.add("anna", GOOD, "operator").stamp != before.stamp


@pytest.mark.parametrize("name", ["", "Anna", "1st", "an na", "x" * 33, "../etc", "anna\n", "änna", "-rf"])
def test_a_name_is_plain(users: Users, name: str) -> None:
    with pytest.raises(UserError, match="name is"):
        users.add(name, GOOD, "viewer")


@pytest.mark.parametrize("password", ["", "too short", "x" * 201, "tab\tin the middle", "\udcff" * 12])
def test_a_password_is_long_enough_and_text(users: Users, password: str) -> None:
    with pytest.raises(UserError, match="10 to 200"):
        users.add("anna", password, "viewer")
    assert users.verify("anna", password) is None


def test_a_name_is_taken_once(users: Users) -> None:
    users.add("anna", GOOD, "viewer")
    with pytest.raises(UserError, match="anna already"):
        users.add("anna", OTHER, "operator")
    assert users.verify("anna", GOOD) is not None


@pytest.mark.parametrize("change", ["change_password", "remove"])
def test_a_change_of_nobody_is_named(users: Users, change: str) -> None:
    words = ("bert", GOOD)[: 2 if change == "change_password" else 1]
    with pytest.raises(UserError, match="no user bert"):
        getattr(users, change)(*words)


def test_no_password_and_no_other_user_can_read_the_file(users: Users) -> None:
    users.add("anna", GOOD, "viewer")
    assert stat.S_IMODE(users.path.stat().st_mode) == 0o600
    assert GOOD not in users.path.read_text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"users": []}',
        '{"users": {"anna": {}}}',
        '{"users": {"anna": {"role": "god", "stamp": "x", "hash": "y"}}}',
        '{"users": {"anna": {"role": "viewer", "stamp": "", "hash": ""}}}',
        '{"users": {"anna": {"role": "viewer", "stamp": 1, "hash": 2}}}',
    ],
)
def test_a_damaged_file_is_named_and_lets_nobody_in(users: Users, text: str) -> None:
    users.path.write_text(text)
    for look in (users.all, lambda: users.get("anna"), lambda: users.verify("anna", GOOD)):
        with pytest.raises(HostError, match="damaged"):
            look()
    with pytest.raises(HostError, match="damaged"):
        users.add("bert", GOOD, "operator")
    assert users.path.read_text() == text


def test_what_is_not_a_file_is_not_followed(users: Users, tmp_path: Path) -> None:
    users.path.symlink_to("/etc/passwd")
    with pytest.raises(HostError, match="could not be read"):
        users.all()
    users.path.unlink()
    os.mkfifo(users.path)  # to read it would wait for ever
    with pytest.raises(HostError, match="not a plain file"):
        users.all()


def test_a_hash_that_is_none_lets_nobody_in(users: Users) -> None:
    users.path.write_text('{"users": {"anna": {"role": "operator", "stamp": "x", "hash": "plain$$"}}}')
    assert users.verify("anna", GOOD) is None


def test_changes_of_several_at_once_are_all_there(tmp_path: Path) -> None:
    names = ["anna", "bert", "cora", "dirk"]
    threads = [threading.Thread(target=Users(tmp_path).add, args=(name, GOOD, "viewer")) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.name for one in Users(tmp_path).all()] == names


def test_only_one_can_be_the_first(users: Users) -> None:
    assert users.add_first("anna", GOOD).role == "operator"
    with pytest.raises(UserError, match="already"):
        users.add_first("bert", GOOD)
    assert [one.name for one in users.all()] == ["anna"]


def test_a_name_that_nobody_has_costs_a_whole_hash(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    users.add("anna", GOOD, "viewer")
    compared: list[str] = []

    def counted(kept: str, secret: str) -> bool:
        compared.append(kept)
        return False

    monkeypatch.setattr(passwords, "check_password_hash", counted)
    users.verify("bert", GOOD)
    users.verify("anna", "x" * 5000)
    users.verify("anna", OTHER)
    assert [kept.split("$")[0] for kept in compared] == ["scrypt:16384:8:5"] * 3
