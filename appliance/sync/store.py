"""Generations on this node: what was last verified, and the redo log of what is being put in place.

SQLite is the log: one transaction makes a generation decided, completely or not at all. Paths are bytes, as
the kernel has them. See docs/adr/0010-a-generation-is-put-in-place-by-a-redo-log.md.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.host.disk import open_plain, set_aside
from appliance.sync.trees import TreeEntry

_SCHEMA = """
CREATE TABLE IF NOT EXISTS generation (
    number INTEGER PRIMARY KEY AUTOINCREMENT, made REAL NOT NULL, source TEXT NOT NULL, reason TEXT NOT NULL,
    changed INTEGER NOT NULL, removed INTEGER NOT NULL, bytes INTEGER NOT NULL, placed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entry (
    path BLOB PRIMARY KEY, kind TEXT NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL, digest TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS step (seq INTEGER PRIMARY KEY, verb TEXT NOT NULL, path BLOB NOT NULL, stage BLOB);
CREATE TEMP TABLE arrived (
    path BLOB PRIMARY KEY, kind TEXT NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL, digest TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS conflict (
    path BLOB PRIMARY KEY, at REAL NOT NULL, kept BLOB NOT NULL, why TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tenure (mark TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS appending (folder BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempt (
    at REAL NOT NULL, seconds REAL NOT NULL, outcome TEXT NOT NULL, says TEXT NOT NULL, generation INTEGER NOT NULL);
"""
_ATTEMPTS_KEPT = 5000
MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class PlaceStep:
    """One step of putting a generation in place.

    The new content waits on the stage `stage`, under its full path.
    """

    verb: str
    path: bytes
    stage: bytes | None = None

    @property
    def staged(self) -> bytes:
        """The path at which the new content waits."""
        return (self.stage or b"") + self.path


@dataclass(frozen=True, slots=True)
class Generation:
    """A complete state of the data that was verified.

    `made` is epoch seconds. `changed` and `removed` are numbers of paths, `bytes` is the size of what came.
    `placed`: the generation is in place.
    """

    number: int
    made: float
    source: str
    reason: str
    changed: int
    removed: int
    bytes: int
    placed: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to synchronise, for the history.

    `at` is epoch seconds, `seconds` the duration. `outcome` is "same", "changed", or the name of a problem.
    """

    at: float
    seconds: float
    outcome: str
    says: str
    generation: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """A path that both nodes have changed differently.

    Our version is in place and the peer's is at `kept`. `at`: epoch seconds.
    """

    path: bytes
    at: float
    kept: bytes
    why: str


class Store:
    """The record, an SQLite database at `path`, of what both nodes have and what is being put in place.

    There is one writer at a time, who holds the sync lock; anyone may read. A file that is no record raises
    sqlite3.DatabaseError, once: the file is set aside, the next Store makes a new one, and the next pass
    compares everything as if it were the first.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _may_be_a_record(path):
            set_record_aside(path)
            raise sqlite3.DatabaseError(f"{path} was no record, and was set aside")
        self._db = sqlite3.connect(path, timeout=10.0, isolation_level=None)
        try:
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA temp_store=FILE")
            self._db.executescript(_SCHEMA)
            self._check_columns()
        except sqlite3.DatabaseError as problem:
            self._db.close()
            if is_damage(problem):
                set_record_aside(path)
            raise

    def _check_columns(self) -> None:
        """Raise sqlite3.DatabaseError when the tables are another program's."""
        with contextlib.closing(sqlite3.connect(":memory:")) as ours:
            ours.executescript(_SCHEMA)
            for table, *_ in ours.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                if missing := _columns(ours, table) - _columns(self._db, table):
                    raise sqlite3.DatabaseError(f"its table {table} has no {missing.pop()}")

    def close(self) -> None:
        """Close the database file."""
        self._db.close()

    def decide(
        self,
        generation: Generation,
        steps: Iterable[PlaceStep],
        gone: Iterable[bytes],
        conflicts: Iterable[Conflict] = (),
    ) -> int:
        """Make `generation` decided together with all its `steps`, and return its number.

        What has arrived becomes what both nodes have, without the paths `gone`; `conflicts` are listed from
        then on. The fields `number` and `placed` of `generation` are ignored.
        """
        values = (generation.made, generation.source, generation.reason)
        counts = (generation.changed, generation.removed, generation.bytes)
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO generation (made, source, reason, changed, removed, bytes, placed)"
                " VALUES (?, ?, ?, ?, ?, ?, 0)",
                (*values, *counts),
            )
            self._db.executemany(
                "INSERT INTO step (verb, path, stage) VALUES (?, ?, ?)",
                ((step.verb, step.path, step.stage) for step in steps),
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO conflict VALUES (?, ?, ?, ?)",
                ((one.path, one.at, one.kept, one.why) for one in conflicts),
            )
            self._set_common(gone)
        return int(cursor.lastrowid or 0)

    def set_common(self, gone: Iterable[bytes]) -> None:
        """Record what has arrived as what both nodes have, without the paths `gone`.

        Nothing is to be put in place.
        """
        with self._transaction():
            self._set_common(gone)

    def _set_common(self, gone: Iterable[bytes]) -> None:
        self._db.executemany("DELETE FROM entry WHERE path = ?", ((path,) for path in gone))
        self._db.execute("INSERT OR REPLACE INTO entry SELECT path, kind, size, mtime, digest FROM arrived")
        self._db.execute("DELETE FROM arrived")

    def stage(self, entries: Iterable[TreeEntry]) -> None:
        """Note `entries` as arrived and verified.

        They are kept aside until `decide` or `set_common`, and are forgotten when this object is closed.
        """
        self._insert("arrived", entries)

    def arrival(self, path: bytes) -> TreeEntry | None:
        """Return what has arrived for `path`, or None."""
        row = self._db.execute(
            "SELECT path, kind, size, mtime, digest FROM arrived WHERE path = ?", (path,)
        ).fetchone()
        return TreeEntry(*row) if row is not None else None

    def arrived(self, *, directories: bool, outside: Iterable[bytes] = ()) -> Iterator[TreeEntry]:
        """Yield what has arrived, ordered by path: either the directories or everything else.

        `outside`: directories, none of them in another. What lies below them is left out without being read.
        """
        query = "SELECT * FROM arrived WHERE (kind = 'd') = ? AND path >= ? AND path < ? ORDER BY path"
        since = b"/"
        for until in [*sorted(one + b"/" for one in outside), b"0"]:  # "0" follows "/"
            for row in self._db.execute(query, (directories, since, until)):
                yield TreeEntry(*row)
            since = until[:-1] + b"0"

    def arrived_below(self, under: bytes) -> list[bytes]:
        """Return the paths of the arrived files below `under`."""
        query = "SELECT path FROM arrived WHERE path >= ? AND path < ? AND kind <> 'd'"
        return [row[0] for row in self._db.execute(query, (under + b"/", under + b"0"))]

    def count_arrived(self, under: bytes) -> int:
        """Return how many files and directories have arrived below `under`."""
        query = "SELECT count(*) FROM arrived WHERE path >= ? AND path < ?"
        return int(self._db.execute(query, (under + b"/", under + b"0")).fetchone()[0])

    def unstage(self, under: bytes) -> None:
        """Forget everything that has arrived below `under`: it will not be applied in this generation."""
        self._db.execute("DELETE FROM arrived WHERE path >= ? AND path < ?", (under + b"/", under + b"0"))

    def unstage_files(self, paths: Iterable[bytes]) -> None:
        """Forget the given paths: they will not be applied in this generation."""
        self._db.executemany("DELETE FROM arrived WHERE path = ?", ((path,) for path in paths))

    def arrivals(self) -> tuple[int, int]:
        """Return how many entries have arrived, and the sum of their sizes in bytes."""
        count, size = self._db.execute("SELECT count(*), coalesce(sum(size), 0) FROM arrived").fetchone()
        return int(count), int(size)

    def steps(self) -> Iterator[PlaceStep]:
        """Yield the steps of the decided generation, in order; none when the generation is in place."""
        for row in self._db.execute("SELECT verb, path, stage FROM step ORDER BY seq"):
            yield PlaceStep(*row)

    def pending(self) -> bool:
        """Return whether a decided generation is not in place yet."""
        return self._db.execute("SELECT 1 FROM generation WHERE placed = 0").fetchone() is not None

    def placed(self) -> None:
        """Record that everything that was decided is in place, and empty the redo log."""
        with self._transaction():
            self._db.execute("DELETE FROM step")
            self._db.execute("UPDATE generation SET placed = 1 WHERE placed = 0")

    def give_up(self, paths: Iterable[bytes], here: Iterable[TreeEntry] = ()) -> None:
        """Record that the nodes do not have the same at and below `paths`, where this node has `here`.

        A link of ours stays known as one that the peer may have sent.
        """
        query = "DELETE FROM entry WHERE path = ?1 OR path >= ?2 AND path < ?3"
        with self._transaction():
            self._db.executemany(query, ((path, path + b"/", path + b"0") for path in paths))
            self._insert("entry", (one for one in here if one.kind == "l"))

    def newest(self) -> Generation | None:
        """Return the newest decided generation, in place or not, or None."""
        row = self._db.execute("SELECT * FROM generation ORDER BY number DESC LIMIT 1").fetchone()
        return _generation(row) if row is not None else None

    def entry(self, path: bytes) -> TreeEntry | None:
        """Return what both nodes last had at `path`, or None."""
        row = self._db.execute(
            "SELECT path, kind, size, mtime, digest FROM entry WHERE path = ?", (path,)
        ).fetchone()
        return TreeEntry(*row) if row is not None else None

    def sent_as_link(self, path: bytes) -> bool:
        """Return whether both nodes last had a link at `path`."""
        known = self.entry(path)
        return known is not None and known.kind == "l"

    def entries(self, under: bytes, after: bytes = b"") -> Iterator[TreeEntry]:
        """Yield what both nodes last had at and below `under`, in order of path, beginning after `after`."""
        columns = "SELECT path, kind, size, mtime, digest FROM entry"
        query = f"{columns} WHERE (path = ?1 OR path >= ?2 AND path < ?3) AND path > ?4 ORDER BY path"
        for row in self._db.execute(query, (under, under + b"/", under + b"0", after)):  # "0" follows "/"
            yield TreeEntry(*row)

    def count(self, under: bytes) -> int:
        """Return how many files both nodes last had below `under`."""
        query = "SELECT count(*) FROM entry WHERE path >= ? AND path < ? AND kind <> 'd'"
        return int(self._db.execute(query, (under + b"/", under + b"0")).fetchone()[0])

    def takeover(self) -> str:
        """Return the peer's takeover (time of service) that is being merged, or "" for none yet."""
        row = self._db.execute("SELECT mark FROM tenure").fetchone()
        return str(row[0]) if row is not None else ""

    def begin_takeover(self, mark: str, common: Iterable[TreeEntry]) -> None:
        """Begin to merge the takeover `mark`: `common` is what both nodes had before it."""
        with self._transaction():
            self._db.execute("DELETE FROM tenure")
            self._db.execute("INSERT INTO tenure VALUES (?)", (mark,))
            self._db.execute("DELETE FROM entry")
            self._insert("entry", common)

    def conflicts(self) -> list[Conflict]:
        """Return the conflicts that wait for the operator, in order of path."""
        return [Conflict(*row) for row in self._db.execute("SELECT * FROM conflict ORDER BY path")]

    def resolve_conflict(self, path: bytes) -> None:
        """Delete the conflict record of `path` once the operator has resolved it."""
        self._db.execute("DELETE FROM conflict WHERE path = ?", (path,))

    def begin_appending(self, folders: Iterable[bytes]) -> None:
        """Note that messages are about to be put into `folders` while Asterisk works there."""
        with self._transaction():
            self._db.executemany("INSERT OR IGNORE INTO appending VALUES (?)", ((path,) for path in folders))

    def appending(self) -> list[bytes]:
        """Return the mail folders in which appending was begun and has not ended."""
        return [row[0] for row in self._db.execute("SELECT folder FROM appending")]

    def end_appending(self) -> None:
        """Note that appending has ended in all mail folders."""
        self._db.execute("DELETE FROM appending")

    def note(self, attempt: Attempt) -> None:
        """Record in the history how a pass ended. The newest 5000 attempts are kept."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO attempt VALUES (?, ?, ?, ?, ?)",
                (attempt.at, attempt.seconds, attempt.outcome, attempt.says, attempt.generation),
            )
            self._db.execute(
                "DELETE FROM attempt WHERE rowid <= (SELECT max(rowid) FROM attempt) - ?", (_ATTEMPTS_KEPT,)
            )

    def attempts(self, count: int) -> list[Attempt]:
        """Return the newest `count` attempts, the newest first."""
        rows = self._db.execute("SELECT * FROM attempt ORDER BY rowid DESC LIMIT ?", (count,))
        return [Attempt(*row) for row in rows]

    def _insert(self, table: str, entries: Iterable[TreeEntry]) -> None:
        self._db.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - one of our two tables
            ((one.path, one.kind, one.size, one.mtime, one.digest) for one in entries),
        )

    def _transaction(self) -> _Transaction:
        return _Transaction(self._db)


def _may_be_a_record(path: Path) -> bool:
    """Return whether `path` is an SQLite database, an empty file, or missing.

    SQLite itself would wait for a named pipe, and would write over a file of a few bytes.
    """
    try:
        descriptor = open_plain(path)
    except OSError:
        return False
    if descriptor is None:
        return True
    with os.fdopen(descriptor, "rb") as file:
        return file.read(len(MAGIC)) in (b"", MAGIC)


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {str(row[1]) for row in db.execute(f"PRAGMA table_info({table})")}


def is_damage(problem: sqlite3.Error) -> bool:
    """Return whether SQLite reports a file that is no database, or whose pages are spoilt.

    Such an error is sqlite3.DatabaseError itself and no subclass (PEP 249).
    """
    return type(problem) is sqlite3.DatabaseError


def set_record_aside(path: Path) -> None:
    """Move the record at `path`, and SQLite's files beside it, out of the way.

    The files are kept beside their place, by `set_aside` of host/disk.
    """
    for companion in ("", "-journal", "-wal", "-shm"):
        set_aside(path.with_name(path.name + companion))


class _Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _generation(row: tuple[int, float, str, str, int, int, int, int]) -> Generation:
    number, made, source, reason, changed, removed, size, placed = row
    return Generation(number, made, source, reason, changed, removed, size, bool(placed))
