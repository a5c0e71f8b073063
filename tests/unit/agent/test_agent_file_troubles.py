"""What the agent says of asha's own files: in the status, the journal and an alert; and what it removes."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from appliance.agent.components import file_troubles
from appliance.agent.components.file_troubles import FileTroubles
from appliance.agent.context import Context
from appliance.agent.journal import Journal, JournalFile
from appliance.agent.own_files import OwnFile
from appliance.config import Conf
from appliance.core.alert_rules import problems
from appliance.core.alerts import AlertKind
from appliance.core.status import Status
from appliance.host.clock import SystemClock
from appliance.host.statefile import StateFile
from tests.unit.core.alert_documents import status


class Bench:
    """One file in a directory of its own, and what is said of it."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = tmp_path / "lib" / "state.json"
        self.path.parent.mkdir()
        self.file = StateFile(self.path, int, int, "it is begun anew")
        monkeypatch.setattr(file_troubles, "own_files", lambda conf: (OwnFile(self.path, self.file.trouble),))
        monkeypatch.setattr(file_troubles, "own_directories", lambda conf: (self.path.parent,))
        monkeypatch.setattr(file_troubles, "JOURNAL", self.path.parent / "journal")
        monkeypatch.setattr(file_troubles, "GRANT", tmp_path / "run" / "grant")
        monkeypatch.setattr(file_troubles, "keep", lambda path: None)
        monkeypatch.setattr(file_troubles, "remove_old_lists", lambda places: None)
        self.journal = Journal(JournalFile(self.path.parent / "journal"), SystemClock(), lambda problem: None)
        self.grant = ""
        context = Context(tmp_path / "asha.conf", SystemClock(), self.journal)
        self.room = FileTroubles(context, conf=Conf, grant=lambda: self.grant)

    def look(self) -> list[str]:
        asyncio.run(self.room.look())
        return list(self.room.report(Status()).problems)

    def told(self) -> list[str]:
        return [entry.says for entry in self.journal.since(0) if entry.kind == "files"]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_nothing_is_said_while_all_is_well(bench: Bench) -> None:
    bench.path.write_text("7")
    assert bench.look() == [] and bench.told() == []
    assert bench.room.report(Status()).files == ()


def test_a_spoilt_file_is_named_until_what_was_set_aside_is_removed(bench: Bench) -> None:
    bench.path.write_text("no number")
    (problem,) = bench.look()
    assert str(bench.path) in problem and "it is begun anew" in problem
    assert bench.file.load() == 0
    (problem,) = bench.look()
    assert "was set aside" in problem and ".spoilt-" in problem
    bench.look()
    assert len(bench.told()) == 2, "each is noted once"
    for aside in bench.path.parent.glob("*.spoilt-*"):
        aside.unlink()
    assert bench.look() == []


def test_what_the_status_names_is_an_alert(bench: Bench) -> None:
    bench.path.write_text("no number")
    bench.look()
    told = [standing.alert for standing in problems(bench.room.report(status()))]
    (alert,) = [alert for alert in told if alert.kind is AlertKind.FILE_SPOILT]
    assert str(bench.path) in alert.key and "begun anew" in alert.text


def test_a_grant_that_is_not_on_file_is_named_at_once(bench: Bench) -> None:
    bench.grant = "the grant cannot be kept"
    assert bench.room.report(Status()).problems == ("the grant cannot be kept",)


def test_what_killed_processes_have_left_is_removed(bench: Bench) -> None:
    left = bench.path.parent / ".state.json.asha-1-1.0123456789ab"
    left.write_text("half")
    bench.look()
    assert not left.exists()


def test_a_directory_that_takes_nothing_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.path.parent.parent / "file").write_text("in the way")
    monkeypatch.setattr(file_troubles, "GRANT", bench.path.parent.parent / "file" / "grant")
    (problem,) = bench.look()
    assert "nothing can be written" in problem and "service goes on" in problem


def test_a_disk_that_hangs_is_named_and_does_not_hold_up_the_agent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(file_troubles, "_PATIENCE", 0.05)
    monkeypatch.setattr(file_troubles, "own_directories", lambda conf: release.wait(30) and ())
    try:
        (problem,) = bench.look()
        assert "hangs" in problem
    finally:
        release.set()
    monkeypatch.setattr(file_troubles, "_PATIENCE", 30.0)
    # The thread takes one look at a time, so this one ends only after the one that hung: nothing of it outlives the
    # places that this test has set.
    assert bench.look() == [], "a disk that answers again is no trouble any more"
