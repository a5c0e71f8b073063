"""What an earlier start as root has left in Asterisk's directories, on a real disk; as root."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from appliance.config import Conf
from appliance.core.pbx_start import StartWay
from appliance.pbx.start_way import make_writable

NOBODY = pwd.getpwnam("nobody")
WAY = StartWay("nobody", source="its systemd unit")


def site(tmp_path: Path) -> Conf:
    names = ("astvarlibdir", "astspooldir", "astlogdir", "astrundir")
    (tmp_path / "conf").mkdir()
    lines = "".join(f"{name} => {tmp_path / name}\n" for name in names)
    (tmp_path / "conf/asterisk.conf").write_text(f"[directories]\n{lines}")
    for name in names[:3]:
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, NOBODY.pw_uid, NOBODY.pw_gid)
    return Conf(asterisk_dir=tmp_path / "conf")


def owner(path: Path) -> int:
    return path.lstat().st_uid


def test_roots_files_are_given_to_the_user_and_said(tmp_path: Path) -> None:
    conf = site(tmp_path)
    database, log = tmp_path / "astvarlibdir/astdb.sqlite3", tmp_path / "astlogdir/messages"
    for file in (database, log):
        file.write_text("left by root")
    said = make_writable(conf, WAY)
    assert {owner(database), owner(log), owner(tmp_path / "astrundir")} == {NOBODY.pw_uid}
    assert any(str(database) in text for text in said) and any(str(log) in text for text in said)
    assert make_writable(conf, WAY) == (), "once"


def test_a_mailbox_that_was_made_as_root_is_given_with_what_is_in_it(tmp_path: Path) -> None:
    conf = site(tmp_path)
    mailboxes = tmp_path / "astspooldir/voicemail/default"
    mailboxes.mkdir(parents=True)
    for place in (mailboxes.parent, mailboxes):
        os.chown(place, NOBODY.pw_uid, NOBODY.pw_gid)
    inbox, message = mailboxes / "1001/INBOX", mailboxes / "1001/INBOX/msg0000.wav"
    inbox.mkdir(parents=True)
    message.write_text("left by root")
    make_writable(conf, WAY)
    assert {owner(place) for place in (inbox.parent, inbox, message)} == {NOBODY.pw_uid}


def test_programs_beside_the_database_stay_roots(tmp_path: Path) -> None:
    conf = site(tmp_path)
    script = tmp_path / "astvarlibdir/agi-bin/call.agi"
    script.parent.mkdir()
    script.write_text("#!/bin/sh")
    (tmp_path / "astvarlibdir/keys.txt").write_text("root's")
    make_writable(conf, WAY)
    assert {owner(script.parent), owner(script), owner(tmp_path / "astvarlibdir/keys.txt")} == {0}


def test_no_link_and_no_second_name_is_followed(tmp_path: Path) -> None:
    conf = site(tmp_path)
    secret, linked = tmp_path / "shadow", tmp_path / "passwd"
    for file in (secret, linked):
        file.write_text("root's own")
    (tmp_path / "astlogdir/a").symlink_to(secret)
    (tmp_path / "astlogdir/b").hardlink_to(linked)
    os.mkfifo(tmp_path / "astlogdir/c")
    (tmp_path / "astspooldir/away").symlink_to(tmp_path / "conf")
    make_writable(conf, WAY)
    assert {owner(place) for place in (secret, linked, tmp_path / "conf", tmp_path / "astlogdir/c")} == {0}


def test_a_directory_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    conf = site(tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/file").write_text("root's own")
    (tmp_path / "astrundir").symlink_to(tmp_path / "etc")
    make_writable(conf, WAY)
    assert owner(tmp_path / "etc") == owner(tmp_path / "etc/file") == 0
