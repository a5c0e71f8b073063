"""Writers without any busy time-out, while their database is copied again and again: none may ever be refused."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.host.clock import SystemClock
from appliance.sync.databases import NotCopied, Snapshots

_SECONDS = 4.0
# Each transaction leaves as many rows as `total` says in both tables, over many pages. Some are taken back after so
# much was written that SQLite has put it into the database itself. "anew": every transaction has its own connection.
_WRITER = """
import contextlib, os, sqlite3, sys, time
path, mode, synchronous, kind, seconds = sys.argv[1:]

def opened():
    db = sqlite3.connect(path, timeout=0, isolation_level=None)
    for setting in (f"journal_mode={mode}", f"synchronous={synchronous}", "cache_size=5"):
        db.execute(f"PRAGMA {setting}")
    return db

def change(db, number):
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO one VALUES (?, ?)", (number, os.urandom(1500)))
    db.execute("DELETE FROM one WHERE n <= ?", (number - 40,))
    db.execute("INSERT INTO other VALUES (?, ?)", (number, os.urandom(700)))
    db.execute("DELETE FROM other WHERE n <= ?", (number - 40,))
    db.execute("UPDATE total SET n = (SELECT count(*) FROM one), filler = ?", (os.urandom(900),))
    db.execute("COMMIT")

def change_and_regret(db):
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE one SET filler = ?", (os.urandom(1500),))
    db.execute("ROLLBACK")

commits = refused = 0
kept, end = opened(), time.monotonic() + float(seconds)
while time.monotonic() < end:
    db = kept
    try:
        db = opened() if kind == "anew" else kept
        change(db, commits + 1)
        commits += 1
        if commits % 7 == 0:
            change_and_regret(db)
    except sqlite3.OperationalError as problem:
        if "locked" not in str(problem):
            raise
        refused += 1
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
    if kind == "anew":
        db.close()
    if kind == "paused":
        time.sleep(0.004)
print(commits, refused)
"""


def broken(copy: Path) -> bool:
    """The copy is not what the writer has left after one of its transactions."""
    with contextlib.closing(sqlite3.connect(copy)) as db:
        sound = db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        one, other = (db.execute(f"SELECT n FROM {name} ORDER BY n").fetchall() for name in ("one", "other"))
        return not sound or one != other or db.execute("SELECT n FROM total").fetchone()[0] != len(one)


@pytest.mark.parametrize(
    ("mode", "synchronous", "kind", "copied"),
    [
        ("DELETE", "FULL", "kept", 20),
        ("DELETE", "OFF", "kept", 1),
        ("DELETE", "OFF", "paused", 50),
        ("TRUNCATE", "FULL", "anew", 20),
        ("PERSIST", "NORMAL", "paused", 50),
        ("WAL", "NORMAL", "kept", 20),
        ("WAL", "FULL", "anew", 20),
        ("WAL", "OFF", "paused", 50),
    ],
)
def test_none_is_refused_and_every_copy_is_whole(
    tmp_path: Path, mode: str, synchronous: str, kind: str, copied: int, count: Callable[[str, int], None]
) -> None:
    database = tmp_path / "sark.db"
    with contextlib.closing(sqlite3.connect(database)) as maker:
        maker.executescript(
            "CREATE TABLE one (n, filler); CREATE TABLE other (n, filler); CREATE TABLE total (n, filler);"
            "INSERT INTO total VALUES (0, '')"
        )
    snapshots, whole, torn, missed = Snapshots(tmp_path / "outbox", SystemClock()), 0, 0, 0
    words = [sys.executable, "-c", _WRITER, str(database), mode, synchronous, kind, str(_SECONDS)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as writer:
        while writer.poll() is None:
            try:
                found = snapshots.take(database, SystemClock().now() + 0.5)
            except NotCopied as problem:
                assert "without a pause" in problem.held.why
                missed += 1
                continue
            assert found is not None
            torn += broken(found.copy)
            whole += 1
        said = writer.communicate()[0].split()
    assert writer.returncode == 0
    commits, refused = map(int, said)
    count("commits while databases were copied", commits)
    count("copies made while writers wrote", whole)
    count("writers refused", refused)
    count("copies that were not whole", torn)
    assert (refused, torn) == (0, 0)
    assert commits > 50
    assert whole >= copied, (whole, missed, commits)
