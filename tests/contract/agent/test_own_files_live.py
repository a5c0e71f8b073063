"""Grant, journal and record in every state: none of them stops the agent, and each goes on."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from appliance.agent import journal_file
from appliance.agent.grant_file import GrantFile
from appliance.agent.journal import Journal
from appliance.agent.journal_file import JournalFile
from appliance.agent.kept_conf import keep, load_or_kept
from appliance.core.errors import AshaError
from appliance.core.grant import Verb, Verdict
from appliance.core.journal_rules import Broken, ChainCheck
from appliance.host.clock import SystemClock
from appliance.host.disk import locked, spoilt_versions
from appliance.sync.store import Attempt, Store
from tests.plugins.own_file_examples import examples
from tests.plugins.spoilt_states import STATES

# -- the grant


@pytest.mark.parametrize("state", STATES)
def test_a_spoilt_grant_is_lost_and_the_next_is_kept(tmp_path: Path, state: str) -> None:
    STATES[state](tmp_path / "grant", examples(tmp_path / "good")["grant"].strip())
    book = GrantFile(tmp_path / "grant", least_generation=6)
    assert not book.read().held
    assert book.lost, "only Heartbeat can say"
    grant, verdict = book.ask(Verb.START, 5.0, "7:99")
    assert (grant.held, grant.generation, verdict) == (True, 7, Verdict.ACCEPTED)
    assert (book.lost, book.problem) == (False, "")
    assert GrantFile(tmp_path / "grant").read() == grant


@pytest.mark.parametrize("ticket", [1e12, 1e300, -1.0])
def test_a_ticket_of_another_boot_does_not_make_every_script_late(tmp_path: Path, ticket: float) -> None:
    document = {"held": False, "generation": 3, "ticket": ticket, "engine": ""}
    (tmp_path / "grant").write_text(json.dumps(document))
    book = GrantFile(tmp_path / "grant")
    assert book.ask(Verb.START, 5.0, "7:99")[1] is Verdict.ACCEPTED


def test_a_grant_that_cannot_be_kept_on_file_holds_in_memory_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where a directory should be")
    book = GrantFile(tmp_path / "run" / "grant")
    assert book.ask(Verb.START, 5.0, "7:99")[0].held
    assert book.read().held
    assert "cannot be kept" in book.problem
    assert book.ask(Verb.START, 4.0, "7:99")[1] is Verdict.STALE, "a late one is late"
    (tmp_path / "run").unlink()
    assert not book.ask(Verb.STOP, 6.0, "7:99")[0].held
    assert book.problem == ""
    assert not GrantFile(tmp_path / "run" / "grant").read().held


def test_a_holder_of_the_grants_lock_that_stands_still_keeps_nobody_from_letting_go(tmp_path: Path) -> None:
    GrantFile(tmp_path / "grant").ask(Verb.START, 5.0, "7:99")
    with locked(tmp_path / "grant") as held:
        assert held is not None
        os.pwrite(held, (tmp_path / "grant").read_bytes(), 0)
        began = SystemClock().now()
        GrantFile(tmp_path / "grant").ask(Verb.STOP, 6.0, "7:99")
        assert SystemClock().now() - began < 5.0


def test_heartbeats_word_is_a_grant_that_the_next_script_may_end(tmp_path: Path) -> None:
    book = GrantFile(tmp_path / "grant", least_generation=4)
    book.read()
    grant = book.confirm("8:100")
    assert (grant.held, grant.generation, grant.engine) == (True, 5, "8:100")
    assert book.confirm("8:100") == grant, "once"
    assert not book.ask(Verb.STOP, 1.0, "8:100")[0].held


# -- the journal


@pytest.mark.parametrize("state", STATES)
def test_whatever_the_journal_has_become_it_goes_on_and_a_check_says_so(tmp_path: Path, state: str) -> None:
    path = tmp_path / "log" / "journal"
    file = JournalFile(path)
    for number in range(3):
        file.append({"kind": "order", "generation": number})
    STATES[state](path, path.read_bytes())
    assert file.newest_generation() in (0, 2)
    file.append({"kind": "next", "generation": 9})
    verdict = file.look_through()
    garbage = [line for line in path.read_bytes().split(b"\n")[:-1] if not line.startswith(b'{"')]
    assert verdict.broken is None, "what crashes leave is no forgery"
    assert file.entries()[-1].kind == "next" and file.newest_generation() == 9
    if garbage or "cut" in state:
        assert any(entry.kind == "journal" for entry in file.entries()), "it is said"
    if spoilt := spoilt_versions(path):
        assert not stat.S_ISREG(os.lstat(spoilt[0]).st_mode)


@pytest.mark.parametrize("state", [state for state in STATES if state not in ("missing", "empty")])
def test_a_spoilt_older_journal_is_set_aside_and_the_chain_is_that_of_the_newer(
    tmp_path: Path, state: str
) -> None:
    file = JournalFile(tmp_path / "log" / "journal")
    for number in range(3):
        file.append({"kind": "order", "generation": number})
    older = file.path.with_name("journal.1")
    STATES[state](older, file.path.read_bytes())
    file = JournalFile(file.path)
    file.append({"kind": "next", "generation": 3})
    assert [entry.kind for entry in file.entries()] == ["order", "order", "order", "next"]
    assert file.look_through() == ChainCheck(None)
    assert len(spoilt_versions(older)) == 1


@pytest.mark.parametrize("tail", [b'{"half', b"\0" * 5000, b"x" * 200_000, b"x" * 70_000 + b"\n", b"[1]\n"])
def test_the_next_entry_does_not_glue_itself_to_what_was_cut_short(tmp_path: Path, tail: bytes) -> None:
    file = JournalFile(tmp_path / "journal")
    file.append({"kind": "a"})
    with file.path.open("ab") as crash:
        crash.write(tail)
    file.append({"kind": "b"})
    assert [entry.kind for entry in file.entries()] == ["a", "journal", "b"]
    verdict = file.look_through()
    assert verdict.broken is None
    assert len(verdict.named) == (not (len(tail) < 65536 and not tail.endswith(b"\n"))), (
        "named where it was no half"
    )


def test_a_changed_line_before_a_named_break_is_found(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "journal")
    for number in range(3):
        file.append({"kind": "order", "generation": number})
    with file.path.open("ab") as crash:
        crash.write(b"no entry\n")
    file.append({"kind": "order", "generation": 3})
    assert (file.look_through().broken, len(file.look_through().named)) == (None, 1)
    text = file.path.read_text()
    file.path.write_text(text.replace('"generation": 1', '"generation": 7'))
    assert file.look_through().broken == Broken(2, "it was changed after it was written")
    lines = text.splitlines(keepends=True)
    file.path.write_text("".join(lines[:3] + lines[4:]))  # without the spoilt line, whose place was named
    assert file.look_through().named == (4,)
    file.path.write_text("".join(lines[:4] + lines[5:]))  # without the entry that names the place
    assert file.look_through().broken is not None


def test_a_short_write_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = JournalFile(tmp_path / "journal")
    file.append({"kind": "a"})
    whole = os.write
    monkeypatch.setattr(journal_file.os, "write", lambda fd, line: whole(fd, line[: len(line) // 2]))
    with pytest.raises(OSError, match="only"):
        file.append({"kind": "b"})
    monkeypatch.undo()
    file.append({"kind": "c"})
    assert [entry.kind for entry in file.entries()] == ["a", "c"]
    assert file.check() is None


def test_an_entry_that_is_too_long_is_cut_and_says_so(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "journal")
    file.append({"kind": "long", "says": "y" * 300_000, "keys": ["k" * 100] * 2000, "generation": 5})
    file.append({"kind": "next"})
    long, last = file.entries()
    assert long.says == "y" * 2000 and long.generation == 5
    assert int(str(long.fields["cut_from"])) > 500_000
    assert "keys" not in long.fields
    assert last.kind == "next" and file.check() is None


class FullDisk(JournalFile):
    """Refuses until it is told not to."""

    full = True

    def append(self, entry: dict[str, object]) -> dict[str, object]:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().append(entry)


def test_what_a_full_disk_refuses_is_named_and_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.agent.journal._AGAIN", 0.05)
    complaints: list[str] = []
    file = FullDisk(tmp_path / "journal")
    journal = Journal(file, SystemClock(), complaints.append)
    for number in range(5):
        journal.note("order", number=number)
    journal.settle(5.0)
    assert "No space left" in journal.problem and "5 entries wait" in journal.problem
    assert len(complaints) == 1
    file.full = False
    for _ in range(100):
        if not journal.problem:
            break
        SystemClock().sleep(0.05)
    journal.settle(5.0)
    journal.close()
    entries = file.entries()
    assert [entry.number for entry in entries[:5]] == list(range(5)), "nothing was lost"
    assert "it is written again" in entries[5].says
    assert file.check() is None


def test_a_disk_that_hangs_is_named_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.agent.journal._HANGS", 0.0)
    monkeypatch.setattr("appliance.agent.journal._LAST_PATIENCE", 0.1)
    release = threading.Event()
    file = JournalFile(tmp_path / "journal")
    monkeypatch.setattr(file, "append", lambda entry: release.wait(30))
    journal = Journal(file, SystemClock(), lambda problem: None)
    began = SystemClock().now()
    try:
        for _ in range(1000):
            journal.note("order", reason="because")
        while not journal.problem and SystemClock().now() < began + 5.0:
            SystemClock().sleep(0.01)
        assert "its disk hangs" in journal.problem
        journal.close()
        assert SystemClock().now() - began < 5.0
    finally:
        release.set()


# -- the record of the data


@pytest.mark.parametrize("state", STATES)
def test_a_spoilt_record_is_said_once_and_the_next_is_a_new_one(tmp_path: Path, state: str) -> None:
    path = tmp_path / "sync" / "store.db"
    store = Store(path)
    store.note(Attempt(1.0, 1.0, "same", "", 0))
    store.close()
    STATES[state](path, path.read_bytes())
    try:
        Store(path).close()
        told = False
    except sqlite3.Error:
        told = True
    fresh = Store(path)
    fresh.note(Attempt(2.0, 1.0, "same", "", 0))
    assert [attempt.at for attempt in fresh.attempts(9)] == [2.0]
    fresh.close()
    assert told == (state not in ("missing", "empty"))
    assert bool(spoilt_versions(path)) == told


# -- the conf


@pytest.mark.parametrize("state", STATES)
def test_a_spoilt_conf_takes_no_node_out_of_the_pair(tmp_path: Path, state: str) -> None:
    path, kept = tmp_path / "asha.conf", tmp_path / "kept" / "conf.kept"
    path.write_text(f"HAPRINODE={os.uname().nodename}\nHASECNODE=two\nHACLUSTERIP=10.0.0.5\nHADEV=eth7\n")
    path.chmod(0o600)
    keep(path, kept)
    assert load_or_kept(path, kept).problem == ""
    STATES[state](path, path.read_bytes())
    found = load_or_kept(path, kept)
    if found.problem:
        assert found.conf.device == "eth7" and "kept in" in found.problem
    else:
        assert state == "cut in the middle", "half a conf file is one, too: nobody can see what is missing"
    keep(path, kept)
    assert kept.stat().st_mode & 0o077 == 0
    path.unlink(missing_ok=True) if not path.is_dir() else None
    kept.write_text("NONSENSE=1\n")
    with pytest.raises(AshaError):
        load_or_kept(tmp_path / "none", kept)
