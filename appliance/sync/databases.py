"""Database snapshots: copies of one moment, taken without a lock while others write, and their check."""

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
from appliance.core.text import printable
from appliance.host.clock import Clock
from appliance.host.disk import in_turn
from appliance.sync.errors import Fault, SyncProblem
from appliance.sync.lockless_copy import copy_unlocked, open_plain
from appliance.sync.trees import companions

_HEADER = b"SQLite format 3\x00"
_SQLITE_2 = b"** This file contains an SQLite 2"
# Magic numbers of a Berkeley btree and hash (file(1)): version 1.85 has them at the beginning of the file,
# later versions behind three words.
_BERKELEY = (0x00053162, 0x00061561)
_BERKELEY_AT = (0, 12)
# The time to copy all databases of one question together, in seconds.
PATIENCE = 5.0
_OVERWRITE_PATIENCE = 10.0
_SECOND = 10**9
_TICK = 0.02


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of `database` as it was at one moment.

    `copy` is the path of the copy, `digest` its hex sha256, `size` its length in bytes.
    """

    database: Path
    copy: Path
    digest: str
    size: int


class NotCopied(SyncProblem):
    """The problem that no copy of a database can be made.

    `why` is a clause without the database's name. `held` describes the database as an item that is held back.
    A database of an unsupported kind does not keep a merge from being finished.
    """

    def __init__(self, kind: Fault, database: Path, why: str) -> None:
        super().__init__(kind, f"{printable(os.fsencode(database))}: {why}.")
        self.held = HeldBack(
            printable(os.fsencode(database)),
            why,
            self.todo,
            waits=kind is not Fault.UNSUPPORTED_DATABASE,
        )


_Mark = tuple[object, ...]


class Snapshots:
    """The outbox of database copies, each renewed only when its database has changed."""

    def __init__(self, outbox: Path, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._made: dict[Path, tuple[_Mark, Snapshot | NotCopied]] = {}

    def take(self, database: Path, until: float | None = None) -> Snapshot | None:
        """Return a copy of `database`, or None when the database does not exist.

        `until`: the monotonic time, by the clock given to this object, at which to give up on a database that
        is being written without a pause. The default is `PATIENCE` seconds from now. Raises NotCopied, and
        OSError for trouble in the outbox.
        """
        # The mark is taken before the copy is made, so that a write during the copying makes the next mark
        # differ.
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
        # A process that answers an earlier asker, who is gone by now, may still be at work in the outbox.
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
    """Copy `database` as it is at one moment, with its owner and mode, to `fresh`.

    Raises NotCopied, OSError.
    """
    _remove(fresh)
    _freeze(database, fresh, clock, clock.now() + PATIENCE)
    _dress(fresh, database)


def _freeze(database: Path, fresh: Path, clock: Clock, until: float) -> None:
    """Make `fresh` a single file that holds `database` as it is at one moment.

    Raises NotCopied, and OSError for trouble in the outbox.
    """
    real = Path(os.path.realpath(database))  # SQLite keeps its journal beside the real file
    try:
        with open_plain(real) as file:
            kind, why = _unfit(file.read(512))
        if why:
            raise NotCopied(kind, database, why)
        whole = copy_unlocked(real, fresh, clock, until)
    except OSError as problem:
        if problem.filename != str(real) and problem.filename is not None:
            raise  # trouble in the outbox, not with the database
        raise NotCopied(
            Fault.UNREADABLE, database, f"it cannot be read ({problem.strerror or problem})"
        ) from None
    if not whole:
        raise NotCopied(Fault.LOCKED_DATABASE, database, "it is being written without a pause")
    try:
        with contextlib.closing(_open(fresh, "rw")) as copied:
            # This makes the copy one file: SQLite rolls back an unfinished transaction and takes in the
            # write-ahead log.
            copied.execute("SELECT count(*) FROM sqlite_master").fetchone()
            copied.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.Error as problem:
        raise NotCopied(Fault.DAMAGED_DATABASE, database, f"SQLite cannot read it ({problem})") from None
    if why := why_damaged(fresh):
        raise NotCopied(Fault.DAMAGED_DATABASE, database, why)


def _unfit(head: bytes) -> tuple[Fault, str]:
    """Return why a file beginning with `head` cannot be copied as an SQLite 3 database.

    The reason is "" when the file can be copied; the kind means nothing then.
    """
    if not head:
        return (
            Fault.DAMAGED_DATABASE,
            "it is empty (0 bytes), and an empty file does not take the place of data",
        )
    if head.startswith(_SQLITE_2):
        return Fault.UNSUPPORTED_DATABASE, "it is an SQLite 2 database, which SQLite 3 cannot read"
    if is_berkeley(head):
        return Fault.UNSUPPORTED_DATABASE, BERKELEY
    if not head.startswith(_HEADER):
        return Fault.DAMAGED_DATABASE, "it is no SQLite database"
    return Fault.OTHER, ""


BERKELEY = (
    "it is a Berkeley database (Asterisk 1.8 or older), of which no whole copy can be made: after a failover the "
    "registrations, call forwards, do-not-disturb and blacklists in it are those that the other node had before"
)


def is_berkeley(head: bytes) -> bool:
    """Return whether a file that begins with `head` is a Berkeley database."""
    words = (head[at : at + 4] for at in _BERKELEY_AT)
    return any(
        word in (magic.to_bytes(4, "little"), magic.to_bytes(4, "big"))
        for word in words
        for magic in _BERKELEY
    )


def berkeley_beside(astdb: Path) -> NotCopied | None:
    """Return the problem of a Berkeley `astdb` beside `astdb`, an SQLite file that does not exist.

    Returns None when the SQLite file exists, or when no Berkeley database is beside it.
    """
    old = astdb.with_name("astdb")
    if old == astdb or os.path.lexists(astdb):
        return None
    try:
        with open_plain(old) as file:
            found = is_berkeley(file.read(16))
    except OSError:
        return None
    why = f"there is no {astdb.name} (ASTDB) beside it, and {BERKELEY}"
    return NotCopied(Fault.UNSUPPORTED_DATABASE, old, why) if found else None


def why_damaged(copy: Path) -> str:
    """Return why `copy` does not pass SQLite's own check, or "" when it does."""
    try:
        with contextlib.closing(_open(copy, "ro&immutable=1")) as database:
            said = [str(row[0]) for row in database.execute("PRAGMA integrity_check(3)")]
    except sqlite3.Error as problem:
        said = [str(problem)]
    return "" if said == ["ok"] else f"it does not pass SQLite's check ({'; '.join(said)})"


def check(copy: Path, name: Path) -> None:
    """Check `copy`, which is to become the database `name`.

    Raises NotCopied when `copy` does not pass SQLite's own check.
    """
    if why := why_damaged(copy):
        raise NotCopied(Fault.DAMAGED_DATABASE, name, why)


def overwrite(database: Path, copy: Path, clock: Clock) -> None:
    """Write the content of `copy` into `database` as one transaction.

    Programs that have the database open go on working. Raises NotCopied when another program holds it locked
    for longer than 10 s, and sqlite3.Error; in both cases nothing is changed.
    """
    give_up = clock.now() + _OVERWRITE_PATIENCE

    def go_on(status: int, left: int, total: int) -> None:
        if left and clock.now() >= give_up:
            raise NotCopied(Fault.LOCKED_DATABASE, database, "another program holds it locked")

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
    # No time-out: nobody else opens our copies, and `overwrite`, which waits for a lock, has a deadline of
    # its own.
    return sqlite3.connect(f"file:{name}?mode={mode}", uri=True, timeout=0.0, isolation_level=None)


def _mark(database: Path) -> _Mark | None:
    """Return a value that differs after any write to the database, or None when there is no database."""
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
    """Return whether the files were changed so recently that the next write could get the same time.

    In that case the mark could not show the next write. `wall` is epoch seconds. The kernel's clock for files
    ticks a hundred times a second or more; some filesystems keep whole seconds only.
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
