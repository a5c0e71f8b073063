"""SQLite databases: a copy of a moment, made by SQLite itself while others write, and its check on arrival."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from appliance.sync.problems import Kind, SyncProblem
from appliance.sync.trees import companions

_HEADER = b"SQLite format 3\x00"
_BUSY_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of `database` as it was at one moment; `digest` is the hex sha256 of the copy."""

    database: Path
    copy: Path
    digest: str
    size: int


class Snapshots:
    """The outbox: makes a copy anew only when the database has changed since the last."""

    def __init__(self, outbox: Path) -> None:
        self._outbox = outbox
        self._made: dict[Path, tuple[tuple[object, ...], Snapshot]] = {}

    def take(self, database: Path) -> Snapshot | None:
        """A copy of `database`; None when there is none. Raises SyncProblem when it cannot be copied."""
        # Looked at before the copy is made: what is written meanwhile makes the next look differ.
        mark = _mark(database)
        if mark is None:
            return None
        made = self._made.get(database)
        if made is not None and made[0] == mark and made[1].copy.exists():
            return made[1]
        snapshot = self._copy(database)
        self._made[database] = (mark, snapshot)
        return snapshot

    def _copy(self, database: Path) -> Snapshot:
        with database.open("rb") as file:
            if file.read(len(_HEADER)) != _HEADER:
                raise SyncProblem(Kind.DAMAGED_DATABASE, f"{database} is no SQLite database.")
        copy = self._outbox / database.relative_to("/")
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = copy.with_name(f".{copy.name}.new")
        fresh.unlink(missing_ok=True)
        try:
            with (
                contextlib.closing(_open(database, "rw")) as source,
                contextlib.closing(_open(fresh, "rwc")) as target,
            ):
                source.backup(target, sleep=0.02)
                # The copy is one file: what it was written ahead of is in it.
                target.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.Error as problem:
            raise SyncProblem(
                Kind.DAMAGED_DATABASE, f"{database} could not be copied: {problem}."
            ) from problem
        _dress(fresh, database)
        fresh.replace(copy)
        return Snapshot(database, copy, _digest(copy), copy.stat().st_size)


def check(copy: Path, name: Path) -> None:
    """Raises SyncProblem when `copy`, which is to become `name`, does not pass SQLite's own check."""
    try:
        with contextlib.closing(_open(copy, "ro&immutable=1")) as database:
            said = [str(row[0]) for row in database.execute("PRAGMA integrity_check(3)")]
    except sqlite3.Error as problem:
        said = [str(problem)]
    if said != ["ok"]:
        raise SyncProblem(Kind.DAMAGED_DATABASE, f"{name} does not pass SQLite's check: {'; '.join(said)}.")


def overwrite(database: Path, copy: Path) -> None:
    """Have `database` hold what `copy` holds, as one transaction: whoever has it open goes on. Raises sqlite3.Error."""
    with (
        contextlib.closing(_open(copy, "ro&immutable=1")) as source,
        contextlib.closing(_open(database, "rw")) as target,
    ):
        source.backup(target, sleep=0.02)


def remove_companions(database: Path) -> None:
    """Remove what SQLite left beside `database`: a log of the old file would be played into the new one."""
    for path in companions(database):
        path.unlink(missing_ok=True)


def _open(path: Path, mode: str) -> sqlite3.Connection:
    name = urllib.parse.quote(os.fsencode(path))
    return sqlite3.connect(f"file:{name}?mode={mode}", uri=True, timeout=_BUSY_PATIENCE, isolation_level=None)


def _mark(database: Path) -> tuple[object, ...] | None:
    """Different after anything was written to the database."""
    marks: list[object] = []
    for path in (database, *(path for path in companions(database) if not path.name.endswith("-shm"))):
        try:
            seen = path.stat()
        except FileNotFoundError:
            marks.append(None)
        else:
            marks.append((seen.st_ino, seen.st_size, seen.st_mtime_ns))
    return None if marks[0] is None else tuple(marks)


def _dress(copy: Path, like: Path) -> None:
    seen = like.stat()
    os.chown(copy, seen.st_uid, seen.st_gid)
    shutil.copymode(like, copy)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
