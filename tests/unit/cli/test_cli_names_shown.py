"""No name in what a command prints is obeyed by the terminal."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli import sync as conflicts_command
from appliance.cli import sync as sync_command
from appliance.cli.events import entry_line, events
from appliance.cli.sync import outcome_lines
from appliance.config import Conf
from appliance.core.held_back import HeldBack
from appliance.core.journal_entry import JournalEntry
from appliance.core.text import printable
from appliance.host.clock import SystemClock
from appliance.host.paths import SyncPaths
from appliance.sync.conflicts import Conflicts
from appliance.sync.state import State, write_state
from appliance.sync.store import Attempt, Conflict, Generation, Store
from appliance.sync.sync_pass import PassResult

_EVIL = b"/etc/asterisk/\x1b]0;owned\x07\r\n\xff\xe2\x80\xae.conf"
_TEXT = "a \x1b[2J b \u202e c \x9b31m"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SyncPaths:
    """With a history, a conflict and a state, all of them full of escape sequences."""
    found = SyncPaths(tmp_path / "lasting", tmp_path / "passing", tmp_path / "apart")
    store = Store(found.store)
    store.note(Attempt(1.0, 1.0, "other", _TEXT, 1))
    store.decide(
        Generation(0, 1.0, "p", "t", 0, 0, 0, False), [], [], [Conflict(_EVIL, 1.0, b"/q" + _EVIL, _TEXT)]
    )
    store.close()
    write_state(
        found.state, State(problem=_TEXT, warnings=[_TEXT], telephony=_TEXT, postsync=_TEXT, unsettled=_TEXT)
    )
    monkeypatch.setattr(sync_command, "PLACES", found)
    return found


def harmless(output: str) -> bool:
    return all(line.isprintable() for line in output.split("\n"))


def test_history_and_status(places: SyncPaths) -> None:
    for words in (["history"], ["status"]):
        said = CliRunner().invoke(sync_command.sync, words)
        assert said.exit_code == 0, said
        assert r"\x1b[2J" in said.output
        assert harmless(said.output), said.output


def test_what_is_held_back_is_shown_with_why_since_when_and_what_to_do(places: SyncPaths) -> None:
    item = HeldBack("/etc/asterisk/a.conf", "it is empty", "Bring it back.", 86400.0)
    write_state(places.state, State(verified_at=1.0, held=[item], held_more=3))
    said = CliRunner().invoke(sync_command.sync, ["status"]).output
    assert "! /etc/asterisk/a.conf is held back: it is empty. Bring it back." in said
    assert "since 1970-01-0" in said and "3 more items are held back" in said
    shown = json.loads(CliRunner().invoke(sync_command.sync, ["status", "--json"]).output)
    assert shown["held"] == [asdict(item)] and shown["held_more"] == 3


def test_conflicts(places: SyncPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Conflicts(Conf(), places, SystemClock(), lambda *words: None)
    monkeypatch.setattr(conflicts_command, "_conflicts", lambda: here)
    said = CliRunner().invoke(conflicts_command.conflicts, [])
    assert r"\x1b]0;owned\x07" in said.output
    assert harmless(said.output)


def test_what_a_pass_found() -> None:
    held = [HeldBack(printable(_EVIL), _TEXT, _TEXT)]
    outcome = PassResult(
        held=held, changed=[_EVIL], removed=[_EVIL], conflicts=[_EVIL], warnings=[_TEXT], telephony=_TEXT
    )
    assert harmless("\n".join(outcome_lines(outcome, dry_run=True)))


def test_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"wall": 1.0, "kind": _TEXT, "reason": _TEXT, "name": _EVIL.decode(errors="surrogateescape")}
    entry = JournalEntry(fields)
    assert not harmless(entry_line(entry))
    monkeypatch.setattr("appliance.cli.events._read", lambda lines: [entry])
    said = CliRunner().invoke(events, [])
    assert r"\x1b[2J" in said.output
    assert harmless(said.output)
