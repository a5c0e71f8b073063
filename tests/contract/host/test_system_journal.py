"""systemd's journal gets each entry as a datagram with fields, and nothing waits for it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.agent.journal import Journal, JournalFile
from appliance.core.journal_entry import JournalEntry, system_journal_fields
from appliance.host import system_journal
from appliance.host.system_journal import SystemJournal, datagram
from tests.plugins.hand_clock import HandClock


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """What stands at the journal's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.settimeout(5)
        made.bind(str(tmp_path / "socket"))
        yield made


def read(content: bytes) -> dict[str, str]:
    """A datagram as journald reads it: NAME, newline, eight bytes of length, value, newline."""
    found = {}
    while content:
        name, _, rest = content.partition(b"\n")
        length = int.from_bytes(rest[:8], "little")
        found[name.decode()] = rest[8 : 8 + length].decode()
        assert rest[8 + length : 9 + length] == b"\n"
        content = rest[9 + length :]
    return found


def test_an_entry_arrives_with_its_fields(tmp_path: Path, listener: socket.socket) -> None:
    journal = Journal(
        JournalFile(tmp_path / "journal"), HandClock(), print, system=SystemJournal(str(tmp_path / "socket"))
    )
    journal.note("order", order="RELEASE", reason="two\nlines", generation=7)
    journal.close()
    found = read(listener.recv(65536))
    assert (found["ASHA_KIND"], found["ASHA_ORDER"], found["ASHA_GENERATION"]) == ("order", "RELEASE", "7")
    assert found["ASHA_REASON"] == "two\nlines" and found["MESSAGE"].startswith("order: RELEASE")
    assert (found["PRIORITY"], found["SYSLOG_IDENTIFIER"]) == ("6", "asha")
    assert not {"ASHA_AT", "ASHA_WALL"} & found.keys()


def test_it_arrives_once_though_the_disk_refuses_it_for_a_while(
    tmp_path: Path, listener: socket.socket
) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "in the way").touch()
    refused: list[str] = []
    journal = Journal(
        JournalFile(tmp_path / "journal" / "in the way" / "x"),
        HandClock(),
        refused.append,
        system=SystemJournal(str(tmp_path / "socket")),
    )
    journal.note("order", order="RELEASE")
    journal.note("done", order="RELEASE", problem="the card does not answer")
    journal.close()
    first, second = read(listener.recv(65536)), read(listener.recv(65536))
    assert (first["ASHA_KIND"], second["ASHA_KIND"], second["PRIORITY"]) == ("order", "done", "4")
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recv(65536)
    assert refused


@pytest.mark.parametrize("state", ["nobody listens", "its queue is full", "the entry is too large"])
def test_nothing_waits_and_nothing_is_raised(tmp_path: Path, listener: socket.socket, state: str) -> None:
    where = tmp_path / ("socket" if state != "nobody listens" else "nowhere")
    journal = SystemJournal(str(where))
    for _ in range(2000 if state == "its queue is full" else 1):
        journal.send({"MESSAGE": "x" * (8_000_000 if state == "the entry is too large" else 10)})
    if state != "its queue is full":
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.recv(10)


def test_the_journal_is_used_only_by_a_process_whose_errors_go_there(
    tmp_path: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_journal, "ADDRESS", str(tmp_path / "socket"))
    with (tmp_path / "errors").open("w") as errors:
        monkeypatch.setattr(sys, "stderr", errors)
        seen = os.fstat(errors.fileno())
        listener.setblocking(False)
        for stream in ("", "9:9"):
            monkeypatch.setenv("JOURNAL_STREAM", stream)
            SystemJournal.of_this_process().send({"MESSAGE": "x"})
            with pytest.raises(BlockingIOError):
                listener.recv(100)
        monkeypatch.setenv("JOURNAL_STREAM", f"{seen.st_dev}:{seen.st_ino}")
        SystemJournal.of_this_process().send({"MESSAGE": "x"})
        assert read(listener.recv(100)) == {"MESSAGE": "x"}


def test_fields_that_journald_would_not_take_are_left_out() -> None:
    entry = JournalEntry(
        {
            "kind": "x",
            "evidence": [1],
            "Odd Name": 1,
            "_OWN": "forged",
            "n" * 80: 1,
            "says": "\udc80é",
            "held": True,
        }
    )
    fields = system_journal_fields(entry)
    assert {*fields} == {"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "ASHA_KIND", "ASHA_SAYS", "ASHA_HELD"}
    assert read(datagram(fields))["ASHA_SAYS"] == "\\udc80é"
