"""Databases: a copy of a moment, taken without a lock while others write, and its check on arrival."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from appliance.core.held_back import HeldBack
from appliance.core.words import printable
from appliance.host.clock import Clock
from appliance.host.disk import in_turn
from appliance.sync.lockless import copy_unlocked, open_plain
from appliance.sync.problems import Kind, SyncProblem
from appliance.sync.trees import companions

_HEADER = b"SQLite format 3\x00"
_SQLITE_2 = b"** This file contains an SQLite 2"
# A Berkeley btree or hash (file(1)'s magic numbers): 1.85 has them at the beginning, later ones behind three words.
_BERKELEY = (0x00053162, 0x00061561)
_BERKELEY_AT = (0, 12)
# For all databases of one question together, in seconds.
PATIENCE = 5.0
_OVERWRITE_PATIENCE = 10.0
_SECOND = 10**9
_TICK = 0.02


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of `database` as it was at one moment; `digest` is the hex sha256 of the copy."""

    database: Path
    copy: Path
    digest: str
    size: int


class NotCopied(SyncProblem):
    """A database of which there is no copy: `why` is a sentence without its name."""

    def __init__(self, kind: Kind, database: Path, why: str) -> None:
        super().__init__(kind, f"{printable(os.fsencode(database))}: {why}.")
        self.held = HeldBack(
            printable(os.fsencode(database)), why, self.todo, waits=kind is not Kind.UNSUPPORTED_DATABASE
        )


_Mark = tuple[object, ...]


class Snapshots:
    """The outbox: makes a copy anew only when the database has changed since the last."""

    def __init__(self, outbox: Path, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._made: dict[Path, tuple[_Mark, Snapshot | NotCopied]] = {}

    def take(self, database: Path, until: float | None = None) -> Snapshot | None:
        """A copy of `database`; None when there is none. Raises NotCopied, OSError of the outbox.

        `until`: when to give up one that is being written all the time, by the clock; without, after `PATIENCE`.
        """
        # Looked at before the copy is made: what is written meanwhile makes the next look differ.
        wall, mark = self._clock.wall(), _mark(database)
        made = self._made.get(database)
        if made is None or made[0] != mark or mark is None:
            if mark is None:
                return None
            made = (mark, self._copy(database, until or self._clock.now() + PATIENCE))
            if not _is_recent(mark, wall):
                self._made[database] = made
        found = made[1]
        if isinstance(found, NotCopied):
            raise found
        return found

    def _copy(self, database: Path, until: float) -> Snapshot | NotCopied:
        copy = self._outbox / database.relative_to("/")
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = copy.with_name(f".{copy.name}.new")
        # Whoever asked before may be gone, and what answers him still be at work.
        with in_turn(copy.parent):
            _remove(fresh)
            try:
                _freeze(database, fresh, self._clock, until)
                _dress(fresh, database)
                fresh.replace(copy)
            except NotCopied as problem:
                return problem
            finally:
                _remove(fresh)
        return Snapshot(database, copy, _digest(copy), copy.stat().st_size)


def copy_whole(database: Path, fresh: Path, clock: Clock) -> None:
    """Copy `database` as it is at one moment, with its owner and mode, to `fresh`. Raises NotCopied, OSError."""
    _remove(fresh)
    _freeze(database, fresh, clock, clock.now() + PATIENCE)
    _dress(fresh, database)


def _freeze(database: Path, fresh: Path, clock: Clock, until: float) -> None:
    """Make at `fresh` one whole file of `database`. Raises NotCopied, OSError."""
    real = Path(os.path.realpath(database))  # beside that SQLite keeps its journal
    try:
        with open_plain(real) as file:
            kind, why = _unfit(file.read(512))
        if why:
            raise NotCopied(kind, database, why)
        whole = copy_unlocked(real, fresh, clock, until)
    except OSError as problem:
        if problem.filename != str(real) and problem.filename is not None:
            raise  # the outbox
        raise NotCopied(
            Kind.UNREADABLE, database, f"it cannot be read ({problem.strerror or problem})"
        ) from None
    if not whole:
        raise NotCopied(Kind.LOCKED_DATABASE, database, "it is being written without a pause")
    try:
        with contextlib.closing(_open(fresh, "rw")) as copied:
            # The copy becomes one file: what a writer was in the middle of is taken back, what is in its log taken in.
            copied.execute("SELECT count(*) FROM sqlite_master").fetchone()
            copied.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.Error as problem:
        raise NotCopied(Kind.DAMAGED_DATABASE, database, f"SQLite cannot read it ({problem})") from None
    if why := why_damaged(fresh):
        raise NotCopied(Kind.DAMAGED_DATABASE, database, why)


def _unfit(head: bytes) -> tuple[Kind, str]:
    """Why a file that begins with `head` cannot be copied as an SQLite 3 database; "" when it can."""
    if not head:
        return (
            Kind.DAMAGED_DATABASE,
            "it is empty (0 bytes), and an empty file does not take the place of data",
        )
    if head.startswith(_SQLITE_2):
        return Kind.UNSUPPORTED_DATABASE, "it is an SQLite 2 database, which SQLite 3 cannot read"
    if is_berkeley(head):
        return Kind.UNSUPPORTED_DATABASE, BERKELEY
    if not head.startswith(_HEADER):
        return Kind.DAMAGED_DATABASE, "it is no SQLite database"
    return Kind.OTHER, ""


BERKELEY = (
    "it is a Berkeley database (Asterisk 1.8 or older), of which no whole copy can be made: after a failover the "
    "registrations, call forwards, do-not-disturb and blacklists in it are those that the other node had before"
)


def is_berkeley(head: bytes) -> bool:
    """A file that begins with `head` is a Berkeley database."""
    words = (head[at : at + 4] for at in _BERKELEY_AT)
    return any(
        word in (magic.to_bytes(4, "little"), magic.to_bytes(4, "big"))
        for word in words
        for magic in _BERKELEY
    )


def berkeley_beside(astdb: Path) -> NotCopied | None:
    """What there is to say of a Berkeley `astdb` beside the place at which `astdb`, an SQLite file, is not."""
    old = astdb.with_name("astdb")
    if old == astdb or os.path.lexists(astdb):
        return None
    try:
        with open_plain(old) as file:
            found = is_berkeley(file.read(16))
    except OSError:
        return None
    why = f"there is no {astdb.name} (ASTDB) beside it, and {BERKELEY}"
    return NotCopied(Kind.UNSUPPORTED_DATABASE, old, why) if found else None


def why_damaged(copy: Path) -> str:
    """Why `copy` does not pass SQLite's own check; "" when it does."""
    try:
        with contextlib.closing(_open(copy, "ro&immutable=1")) as database:
            said = [str(row[0]) for row in database.execute("PRAGMA integrity_check(3)")]
    except sqlite3.Error as problem:
        said = [str(problem)]
    return "" if said == ["ok"] else f"it does not pass SQLite's check ({'; '.join(said)})"


def check(copy: Path, name: Path) -> None:
    """Raises NotCopied when `copy`, which is to become `name`, does not pass SQLite's own check."""
    if why := why_damaged(copy):
        raise NotCopied(Kind.DAMAGED_DATABASE, name, why)


def overwrite(database: Path, copy: Path, clock: Clock) -> None:
    """Have `database` hold what `copy` holds, as one transaction: whoever has it open goes on.

    Raises NotCopied when another program holds it for longer than 10 s, and sqlite3.Error; nothing is changed then.
    """
    give_up = clock.now() + _OVERWRITE_PATIENCE

    def go_on(status: int, left: int, total: int) -> None:
        if left and clock.now() >= give_up:
            raise NotCopied(Kind.LOCKED_DATABASE, database, "another program holds it locked")

    with (
        contextlib.closing(_open(copy, "ro&immutable=1")) as source,
        contextlib.closing(_open(database, "rw")) as target,
    ):
        source.backup(target, progress=go_on, sleep=0.02)


def _remove(fresh: Path) -> None:
    for path in (fresh, *companions(fresh)):
        path.unlink(missing_ok=True)


def _open(path: Path, mode: str) -> sqlite3.Connection:
    name = urllib.parse.quote(os.fsencode(path))
    # Nobody else has our copies; and who waits for another's lock does so with a deadline of his own.
    return sqlite3.connect(f"file:{name}?mode={mode}", uri=True, timeout=0.0, isolation_level=None)


def _mark(database: Path) -> _Mark | None:
    """Different after anything was written to the database; None when there is none."""
    marks: list[object] = []
    real = Path(os.path.realpath(database))
    for path in (real, *(path for path in companions(real) if not path.name.endswith("-shm"))):
        try:
            seen = path.stat()
        except OSError:
            marks.append(None)
        else:
            marks.append((seen.st_ino, seen.st_size, seen.st_mtime_ns))
    return tuple(marks) if os.path.lexists(database) else None


def _is_recent(mark: _Mark, wall: float) -> bool:
    """What is written now, at `wall`, could get the same time as what was written last: the mark could not show it.

    The kernel's clock for files ticks a hundred times a second or more; some filesystems keep whole seconds only.
    """
    times = [one[2] for one in mark if isinstance(one, tuple)]
    return any(wall - at / _SECOND < _TICK + (0.0 if at % _SECOND else 1.0) for at in times)


def _dress(copy: Path, like: Path) -> None:
    seen = like.stat()
    os.chown(copy, seen.st_uid, seen.st_gid)
    shutil.copymode(like, copy)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
