"""The rack's mailboxes: numbered as Asterisk numbers them, and read back critically."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwsim.voicemail import INBOX, OLD, Mailboxes


@pytest.fixture
def mailboxes(tmp_path: Path) -> Mailboxes:
    found = Mailboxes(tmp_path)
    for caller in ("one", "two", "three"):
        found.deliver("100", caller)
    return found


def test_messages_come_in_order_and_leave_nothing_half_written(mailboxes: Mailboxes, tmp_path: Path) -> None:
    assert list(mailboxes.callers("100", INBOX)) == ["one", "two", "three"]
    assert mailboxes.folders() == [("100", INBOX)]
    assert list((tmp_path / "100/tmp").iterdir()) == []


def test_what_is_heard_goes_to_old_and_the_rest_moves_up(mailboxes: Mailboxes, tmp_path: Path) -> None:
    mailboxes.hear("100", "one")
    mailboxes.hear("100", "three")
    assert list(mailboxes.callers("100", OLD)) == ["one", "three"]
    assert [path.name for path in sorted((tmp_path / "100/INBOX").iterdir())] == [
        "msg0000.txt",
        "msg0000.wav",
    ]


def test_what_is_deleted_leaves_no_gap(mailboxes: Mailboxes, tmp_path: Path) -> None:
    mailboxes.delete("100", "two")
    assert list(mailboxes.callers("100", INBOX)) == ["one", "three"]
    assert (tmp_path / "100/INBOX/msg0001.wav").exists()


@pytest.mark.parametrize("ending", ["wav", "txt"])
def test_a_message_that_is_not_whole_is_nobodys(mailboxes: Mailboxes, tmp_path: Path, ending: str) -> None:
    (tmp_path / f"100/INBOX/msg0001.{ending}").unlink()
    (tmp_path / "100/INBOX/msg0002.wav").write_bytes(b"something else")
    one, two, three = mailboxes.callers("100", INBOX)
    assert one == "one" and two.startswith("msg0001 (incomplete") and three == "three (damaged)"
