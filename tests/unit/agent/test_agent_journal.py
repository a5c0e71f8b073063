"""The journal: chained, shared between processes, mended after a crash, never a hindrance."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.agent import journal_file
from appliance.agent.journal import Journal, JournalFile
from appliance.core.journal_rules import ChainCheck, verify
from appliance.host.clock import SystemClock
from tests.plugins.hand_clock import HandClock


def test_entries_are_chained_and_read_back(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "journal")
    for number in range(3):
        file.append({"kind": "order", "generation": number})
    assert [entry.generation for entry in file.entries()] == [0, 1, 2]
    assert [entry.generation for entry in file.entries(newest=1)] == [2]
    assert file.check() is None


def test_a_changed_entry_is_found(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "journal")
    for number in range(3):
        file.append({"kind": "order", "generation": number})
    text = (tmp_path / "journal").read_text()
    (tmp_path / "journal").write_text(text.replace('"generation": 1', '"generation": 9'))
    broken = file.check()
    assert broken is not None
    assert broken.line == 2


def test_a_half_written_line_is_cut_off_and_the_chain_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    file = JournalFile(path)
    file.append({"kind": "a"})
    with path.open("a") as crash:
        crash.write('{"kind": "b", "prev": "12')
    file.append({"kind": "c"})
    kinds = [(entry.kind, entry.fields.get("began")) for entry in file.entries()]
    assert kinds == [("a", None), ("journal", '{"kind": "b", "prev": "12'), ("c", None)], "it is said"
    assert file.look_through() == ChainCheck(None), "and it is no break"


def _killed_where_there_is_no_room(path: Path, room: int) -> None:
    """Append where only `room` bytes more fit, and be killed before what did fit is taken off again."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, resource.RLIM_INFINITY))
    os.ftruncate = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    JournalFile(path).append({"kind": "order", "reason": "x" * 900})


def _run(target: Callable[..., None], *args: object) -> None:
    process = multiprocessing.get_context("fork").Process(target=target, args=args)
    process.start()
    process.join(20)


def test_a_writer_killed_on_a_full_disk_breaks_no_chain_and_the_next_entry_makes_the_journal_whole(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal"
    file = JournalFile(path)
    file.append({"kind": "a"})
    whole = path.read_bytes()
    _run(_killed_where_there_is_no_room, path, 300)
    assert len(path.read_bytes()) == len(whole) + 300, "half a line is there"
    assert file.look_through() == ChainCheck(None, (), 300)
    assert [entry.kind for entry in file.entries()] == ["a"]
    file.append({"kind": "b"})
    assert [entry.kind for entry in file.entries()] == ["a", "journal", "b"]
    assert file.look_through() == ChainCheck(None), "there is room again"


def test_one_who_reads_while_a_full_disk_refuses_sees_no_broken_chain(tmp_path: Path) -> None:
    """The writer has put down a piece that fits, and takes it off and writes another line while the reader reads."""
    path = tmp_path / "journal"
    file = JournalFile(path)
    file.append({"kind": "a"})
    end = path.stat().st_size
    with path.open("ab") as piece:
        piece.write(b'{"kind": "b", "rea')
    lines = file._lines()
    assert '"kind": "a"' in next(lines)
    os.truncate(path, end)
    file.append({"kind": "c", "reason": "of another length"})
    assert verify(lines) is None


def _append_many(path: Path, name: str) -> None:
    for number in range(50):
        JournalFile(path).append({"kind": name, "number": number})


def test_agent_and_script_write_one_chain_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_append_many, args=(path, name)) for name in ("agent", "script")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(20)
    file = JournalFile(path)
    assert file.check() is None
    assert len(file.entries()) == 100


def test_a_turned_over_journal_goes_on_with_the_same_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "TURN_OVER", 400)
    file = JournalFile(tmp_path / "journal")
    for number in range(4):
        file.append({"kind": "order", "generation": number, "reason": "x" * 20})
    assert (tmp_path / "journal.1").exists()
    assert file.check() is None


def test_a_full_disk_is_complained_of_and_delays_nothing(tmp_path: Path) -> None:
    complaints: list[str] = []
    (tmp_path / "nowhere").write_text("a file where a directory should be")
    written = Journal(JournalFile(tmp_path / "nowhere" / "journal"), SystemClock(), complaints.append)
    written.note("order", reason="because")
    assert written.since(0)[0].fields["reason"] == "because"
    written.close()
    assert len(complaints) == 1
    assert "cannot be written" in complaints[0]


def test_a_spoilt_part_that_the_journal_names_for_good_is_told_for_an_hour(tmp_path: Path) -> None:
    path, clock = tmp_path / "journal", HandClock()
    path.write_text("no entry\n")
    written = Journal(JournalFile(path), clock, lambda problem: None)
    written.note("order")
    written.settle()
    assert "was spoilt and goes on" in written.problem
    clock.time += 3600.0
    assert not written.problem
    written.close()


def test_names_that_are_no_text_do_not_break_the_chain(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "journal")
    file.append({"kind": "odd", "reason": 'quotes " and \n lines and \udce4'})
    file.append({"kind": "next"})
    assert file.check() is None
    assert json.loads((tmp_path / "journal").read_text().splitlines()[1])["kind"] == "next"
