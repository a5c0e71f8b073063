"""A node's state on real files: backed up, and put back on an empty machine, over another one, and after a kill."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.agent.journal_file import JournalFile
from appliance.agent.own_files import own_files
from appliance.backup import places as places_module
from appliance.backup import restore as restore_module
from appliance.backup.archive import Backup, pack, unpack
from appliance.backup.collect import Collected, collect
from appliance.backup.places import BEFORE_RESTORE, Places
from appliance.backup.restore import plan
from appliance.config import Conf
from appliance.core.errors import HostError, UserError
from appliance.host.disk import replace_file
from tests.plugins.fake_engine import FakeEngine
from tests.plugins.own_file_examples import examples

MADE = 1_796_000_000.0
SECRET = "/etc/fake-engine/secret"
STATE = {
    "/etc/asha.conf": 0o600,
    "/etc/asha/panel.crt": 0o644,
    "/etc/asha/rhino-profile.toml": 0o644,
    "/var/lib/asha/card.json": 0o600,
    "/var/lib/asha/journal": 0o600,
    "/var/lib/asha/journal.1": 0o600,
    "/var/lib/asha/panel/users": 0o600,
    "/var/lib/asha/silences.json": 0o600,
    "/var/lib/asha/trends.json": 0o600,
}
KEYS = {
    "/etc/asha/bmc": 0o700,
    "/etc/asha/panel.key": 0o640,
    "/var/lib/asha/panel/metrics": 0o600,
    "/var/lib/asha/panel/seal": 0o600,
    "/var/lib/asha/ssh/id": 0o600,
    "/var/lib/asha/ssh/id.pub": 0o644,
    "/var/lib/asha/ssh/known_hosts": 0o600,
    SECRET: 0o600,
}
# The running pair's, or made again: a backup that had them would say what is no longer so.
NEVER = (
    "/etc/asha/served",
    "/etc/asha/provision-address",
    "/etc/asha/provision-address.php",
    "/etc/asha/panel.crt.before-restore-20260101T000000Z",
    "/var/lib/asha/sync/store.db",
    "/var/lib/asha/sync/served",
    "/var/lib/asha/sync/state.json",
    "/var/lib/asha/sync/lock",
    "/var/lib/asha/sync/turn",
    "/var/lib/asha/sync/handed-over",
    "/var/lib/asha/maintenance.json",
    "/var/lib/asha/poweroff-drills.json",
    "/var/lib/asha/poweroff-drills.lock",
    "/var/lib/asha/engine-change.json",
    "/var/lib/asha/engine-target",
    "/var/lib/asha/standing.json",
    "/var/lib/asha/conf.kept",
    "/var/lib/asha/sark.json",
    "/var/lib/asha/sark.lock",
    "/var/lib/asha/regenerate",
    "/var/lib/asha/notify/ways.json",
    "/var/lib/asha/notify/memory.json",
    "/var/lib/asha/notify/lock",
    "/var/lib/asha/panel/setup",
    "/run/asha/grant",
    "/run/asha/card.lock",
    "/run/asha/control",
)


@pytest.fixture(autouse=True)
def _one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places_module, "engines", lambda: (FakeEngine(),))


@pytest.fixture
def machine(tmp_path: Path) -> Places:
    """A machine with every file that asha may have on it."""
    root, known = tmp_path / "machine", examples(tmp_path / "examples")
    for path, mode in {**STATE, **KEYS, **dict.fromkeys(NEVER, 0o600)}.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(known.get(place.name, f"what is in {path}\n".encode()))
        place.chmod(mode)
    (root / "var/lib/asha/ssh").chmod(0o700)
    for name, says in (("journal.1", "older"), ("journal", "newer")):
        (root / "var/lib/asha" / name).unlink()
        JournalFile(root / "var/lib/asha" / name).append({"at": 1.0, "kind": "note", "says": says})
    return Places(root)


@pytest.fixture
def empty(tmp_path: Path) -> Places:
    """A machine on which nothing of asha's is."""
    (tmp_path / "empty").mkdir()
    return Places(tmp_path / "empty")


def collected(machine: Places, *, keys: bool = True) -> Collected:
    return collect("pbx2", "secondary", MADE, keys=keys, places=machine)


def facts(machine: Places) -> dict[str, tuple[bytes, int, int, int]]:
    """Every plain file of the machine with its content, mode and owner."""
    return dict(_facts(machine))


def _facts(machine: Places) -> Iterator[tuple[str, tuple[bytes, int, int, int]]]:
    for path in sorted(machine.root.rglob("*")):
        if path.is_file():
            seen = path.stat()
            yield (
                f"/{path.relative_to(machine.root)}",
                (path.read_bytes(), seen.st_mode, seen.st_uid, seen.st_gid),
            )


def restored(backup: Backup, machine: Places, now: float = MADE + 60) -> list[tuple[str, str]]:
    done = plan(backup, machine, now)
    done.carry_out()
    return [(step.path, step.effect) for step in done.steps]


def test_what_was_backed_up_is_on_an_empty_machine_as_it_was(machine: Places, empty: Places) -> None:
    before = facts(machine)
    backup = unpack(pack(collected(machine).backup))
    restored(backup, empty)
    assert facts(empty) == {path: before[path] for path in {**STATE, **KEYS}}
    assert (empty.at("/var/lib/asha/ssh").stat().st_mode & 0o777) == 0o700
    assert (backup.manifest.host, backup.manifest.node, backup.manifest.made) == ("pbx2", "secondary", MADE)
    assert facts(machine) == before, "a backup changes nothing"


def test_without_keys_none_is_in_it_and_each_is_named(machine: Places) -> None:
    found = collected(machine, keys=False)
    assert {*found.backup.contents} == {*STATE}
    assert {one.path for one in found.left_out if "--keys" in one.why} == {*KEYS}
    assert not any(
        found.backup.contents[path] == machine.at(key).read_bytes() for path in STATE for key in KEYS
    )


def test_newer_data_are_no_part_of_it_and_that_is_said(machine: Places) -> None:
    whys = {one.path: one.why for one in collected(machine).left_out}
    assert {*whys} == {"/etc/asha/served", "/var/lib/asha/sync/served"}
    assert all("the other one does not have" in why for why in whys.values())


def test_of_every_file_of_ashas_own_it_is_settled_whether_it_is_in_a_backup(machine: Places) -> None:
    paths = {str(file.path) for file in own_files(Conf(card_profile="/etc/asha/rhino-profile.toml"))}
    assert "/var/lib/asha/journal" in paths
    assert {path for path in paths if not machine.knows(path)} - {*NEVER} == set()
    assert [path for path in NEVER if machine.knows(path)] == []


def test_the_same_state_makes_the_same_file(machine: Places) -> None:
    assert pack(collected(machine).backup) == pack(collected(machine).backup)


def test_the_journal_is_whole_lines_and_its_chain_holds(machine: Places, empty: Places) -> None:
    journal = JournalFile(machine.at("/var/lib/asha/journal"))
    journal.append({"at": 2.0, "kind": "note", "says": "last"})
    with journal.path.open("ab") as file:
        file.write(b'{"a line that is being wri')
    restored(collected(machine).backup, empty)
    there = JournalFile(empty.at("/var/lib/asha/journal"))
    assert [entry.fields["says"] for entry in there.entries()][-1] == "last"
    assert there.look_through().unfinished == 0


def test_a_journal_that_follows_its_older_file_is_unbroken_after_a_restore(
    tmp_path: Path, empty: Places
) -> None:
    machine = Places(tmp_path / "other")
    machine.at("/etc/asha.conf").parent.mkdir(parents=True)
    machine.at("/etc/asha.conf").write_text("")
    journal = JournalFile(machine.at("/var/lib/asha/journal"))
    for number in range(3):
        journal.append({"at": 1.0, "kind": "note", "number": number})
    journal.path.rename(journal.paths[1])
    journal.append({"at": 2.0, "kind": "note", "number": 3})
    restored(collected(machine).backup, empty)
    there = JournalFile(empty.at("/var/lib/asha/journal"))
    assert (there.check(), len(there.entries())) == (None, 4)


def test_what_is_replaced_stays_beside_it_and_what_is_the_same_is_left_alone(machine: Places) -> None:
    backup = collected(machine).backup
    conf, card = machine.at("/etc/asha.conf"), machine.at("/var/lib/asha/card.json")
    conf.write_text("HADEADTIME=9\n")
    conf.chmod(0o640)
    same = card.stat().st_ino
    assert [one for one in restored(backup, machine) if one[1] != "unchanged"] == [
        ("/etc/asha.conf", "replaced")
    ]
    aside = list(conf.parent.glob(f"asha.conf{BEFORE_RESTORE}*"))
    assert [one.read_text() for one in aside] == ["HADEADTIME=9\n"] and aside[
        0
    ].stat().st_mode & 0o777 == 0o640
    assert conf.read_bytes() == backup.contents["/etc/asha.conf"] and conf.stat().st_mode & 0o777 == 0o600
    assert card.stat().st_ino == same
    assert {effect for _, effect in restored(backup, machine)} == {"unchanged"}, "once more changes nothing"
    assert len(list(conf.parent.glob("*before-restore*"))) == 1


@pytest.mark.parametrize("killed_at", range(17))
def test_killed_at_any_file_it_is_done_by_doing_it_again(
    machine: Places, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    backup = collected(machine).backup
    wanted = {path: fact for path, fact in facts(machine).items() if path in backup.contents}
    assert len(wanted) == 17
    others = {path: f"another {path}".encode() for path in wanted}
    for path, content in others.items():
        machine.at(path).write_bytes(content)
    real, calls = replace_file, iter(range(99))

    def killed(*words: object) -> None:
        if next(calls) == killed_at:
            raise KeyboardInterrupt
        real(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(restore_module, "replace_file", killed)
    with pytest.raises(KeyboardInterrupt):
        restored(backup, machine)
    monkeypatch.setattr(restore_module, "replace_file", real)
    restored(backup, machine, MADE + 120)
    after = facts(machine)
    assert {path: after[path] for path in wanted} == wanted
    kept = {content for path, (content, *_) in after.items() if BEFORE_RESTORE in path}
    assert {*others.values()} <= kept


def test_killed_while_a_folder_is_made_it_has_its_owner_and_mode_the_next_time(
    machine: Places, empty: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, real, calls = collected(machine).backup, os.chown, iter(range(99))
    folders = [folder.path for folder in backup.manifest.folders]

    def killed(*words: Any) -> None:
        if next(calls) == folders.index("/var/lib/asha/ssh"):
            raise KeyboardInterrupt
        real(*words)

    monkeypatch.setattr(os, "chown", killed)
    with pytest.raises(KeyboardInterrupt):
        restored(backup, empty)
    assert not empty.at("/var/lib/asha/ssh").exists()
    monkeypatch.setattr(os, "chown", real)
    restored(backup, empty)
    assert empty.at("/var/lib/asha/ssh").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("there", ["a directory", "a link", "a pipe"])
def test_what_is_no_plain_file_is_not_replaced(machine: Places, there: str) -> None:
    backup, card, conf = (
        collected(machine).backup,
        machine.at("/var/lib/asha/card.json"),
        machine.at("/etc/asha.conf"),
    )
    card.unlink()
    conf.write_text("other")
    if there == "a directory":
        card.mkdir()
    elif there == "a link":
        card.symlink_to(conf)
    else:
        os.mkfifo(card)
    with pytest.raises(HostError, match=r"card.json is not a regular file. Nothing was changed"):
        plan(backup, machine, MADE)
    assert conf.read_text() == "other"


def test_an_owner_whom_this_machine_does_not_know_is_refused_before_anything_changes(
    machine: Places, empty: Places
) -> None:
    backup = collected(machine).backup
    object.__setattr__(backup.manifest.files[-1], "user", "nobody-here")
    with pytest.raises(HostError, match=r"belongs to nobody-here:.*Nothing was changed"):
        plan(backup, empty, MADE)
    assert facts(empty) == {}


def test_the_secret_of_an_engine_that_is_not_here_is_refused(
    machine: Places, empty: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = collected(machine).backup
    monkeypatch.setattr(places_module, "engines", lambda: ())
    with pytest.raises(UserError, match=f"{SECRET}, which is no file of asha's.*install that engine first"):
        plan(backup, Places(empty.root), MADE)


def test_a_file_that_is_something_else_is_left_out_and_named(machine: Places) -> None:
    card = machine.at("/var/lib/asha/card.json")
    card.unlink()
    card.mkdir()
    found = collected(machine)
    assert "/var/lib/asha/card.json" not in found.backup.contents
    assert ("/var/lib/asha/card.json", "it is not a regular file") in [
        (one.path, one.why) for one in found.left_out
    ]


def test_without_a_conf_file_there_is_no_backup(machine: Places) -> None:
    machine.at("/etc/asha.conf").unlink()
    with pytest.raises(HostError, match=r"There is no regular file .*/etc/asha.conf"):
        collected(machine)
