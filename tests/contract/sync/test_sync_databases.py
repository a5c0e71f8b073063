"""Copies of a database that is being written."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from appliance.host.clock import SystemClock
from appliance.sync.databases import Snapshots, check
from appliance.sync.errors import Fault, SyncProblem


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_every_copy_under_load_is_a_state_that_existed(tmp_path: Path, mode: str) -> None:
    database = tmp_path / "sark.db"
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as maker:
        maker.execute(f"PRAGMA journal_mode={mode}")
        maker.execute("CREATE TABLE t (n INTEGER, doubled INTEGER)")
    copied_half = threading.Event()

    def write() -> None:
        with contextlib.closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as writer:
            writer.execute("PRAGMA synchronous=OFF")
            for number in range(1000):
                writer.execute("BEGIN IMMEDIATE")
                writer.execute("INSERT INTO t VALUES (?, 0)", (number,))
                writer.execute("UPDATE t SET doubled = 2 * n WHERE n = ?", (number,))
                writer.execute("COMMIT")
                if number == 500:
                    copied_half.wait(60)

    writing = threading.Thread(target=write)
    writing.start()
    snapshots, counts = Snapshots(tmp_path / "outbox", SystemClock()), []
    for turn in range(100):
        if turn == 50:
            copied_half.set()
        copy = snapshots.take(database)
        assert copy is not None
        check(copy.copy, database)
        with contextlib.closing(sqlite3.connect(copy.copy)) as reader:
            rows = reader.execute("SELECT n, doubled FROM t ORDER BY n").fetchall()
        assert rows == [(number, 2 * number) for number in range(len(rows))]
        counts.append(len(rows))
    writing.join()
    assert counts == sorted(counts)
    assert counts[49] <= 501


def test_an_unchanged_database_is_not_copied_again(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as maker:
        maker.execute("CREATE TABLE t (n)")
    os.utime(database, (1.5, 1.5))  # long ago: what is written now can get no such time
    snapshots = Snapshots(tmp_path / "outbox", SystemClock())
    first = snapshots.take(database)
    assert first is not None
    made = first.copy.stat().st_ino
    assert snapshots.take(database) == first
    assert first.copy.stat().st_ino == made
    assert snapshots.take(tmp_path / "none.db") is None


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\x00" + bytes(4000)])
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    database = tmp_path / "x.db"
    database.write_bytes(content)
    with pytest.raises(SyncProblem) as caught:
        copy = Snapshots(tmp_path / "outbox", SystemClock()).take(database)
        assert copy is not None
        check(copy.copy, database)
    assert caught.value.kind is Fault.DAMAGED_DATABASE


def test_a_damaged_copy_does_not_pass(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as maker:
        maker.execute("CREATE TABLE t (n)")
        maker.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 100)
    damaged = bytearray(database.read_bytes())
    damaged[4096:8192] = bytes(4096)
    database.write_bytes(damaged)
    with pytest.raises(SyncProblem):
        check(database, database)
