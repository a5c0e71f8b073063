"""Copying an SQLite database while others write it, without ever taking one of SQLite's locks.

A reader's lock, however short, makes a writer without a busy time-out fail: with a rollback journal its
COMMIT needs the file for itself, and gets SQLITE_BUSY. So nothing is locked here. The files are only read,
and a reading counts only when it equals what a writer killed at one moment would have left. SQLite makes such
files whole again when it opens the copy (https://sqlite.org/lockingv3.html,
https://sqlite.org/fileformat2.html sections 3 and 4). There are three cases:

- A transaction is under way, with a rollback journal. The database is read first, then the journal. Every
  page that was changed before it was read is in the journal by then, in its old state. Each journal has a
  random number of its own in its head, and the same number before and after shows that it was one transaction
  all the time.
- There is a write-ahead log. Only checkpoints change the database, and what they have written stays in the
  log until the log is started again, which gives it another head. The database is read first, then the log.
  The same head before and after shows that there was no such start. SQLite cuts off what is appended
  meanwhile at the last whole commit.
- There is neither. The database is read twice, and nobody had begun a transaction before, between and after.
  For a torn page to be missed, both readings would have to find the same half-changed page in the middle of
  two different transactions.

POSIX locks are not affected either: closing a file drops the locks of the own process, and this process holds
none.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from appliance.host.clock import Clock

_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_JOURNAL_HEAD, _JOURNAL_NUMBER = 28, slice(12, 28)  # after the magic number and the count of pages
_WAL_MAGIC, _WAL_HEAD = bytes.fromhex("377f06"), 32
# Bytes. A reading up to this size is kept in memory: the quicker it is, the likelier nobody has written
# meanwhile.
_IN_MEMORY = 8 << 20
_PIECE = 1 << 20
_LONGEST_PAUSE = 0.004  # between two readings, in seconds


@dataclass(frozen=True, slots=True)
class _Work:
    """A transaction or a log that is under way.

    `end` is the suffix of its file's name, `mark` distinguishes it from the next transaction or log.
    """

    end: str
    mark: bytes


def copy_unlocked(database: Path, copy: Path, clock: Clock, until: float) -> bool:
    """Put at `copy` what `database` held at one moment, with its journal or log beside it for SQLite to use.

    Tries until the monotonic `clock` shows `until`, and once in any case. Returns False when writers left no
    moment to read the database whole. Raises OSError.
    """
    while True:
        if _read_into(database, copy):
            return True
        if clock.now() >= until:
            return False
        clock.sleep(random.uniform(0.0, _LONGEST_PAUSE))  # noqa: S311 - not to keep in step with a writer


def open_plain(path: Path) -> IO[bytes]:
    """Open the plain file at `path` for reading.

    Raises OSError, also when `path` is no plain file. A named pipe is not waited for.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is not a regular file", str(path))
    return os.fdopen(descriptor, "rb", buffering=0)


def _read_into(database: Path, copy: Path) -> bool:
    """Read the database once, and write a reading that counts to `copy` and the file beside it.

    Returns whether the reading counts.
    """
    work = _work_at(database)
    with _held_in_memory(copy) as read:
        with open_plain(database) as file:
            shutil.copyfileobj(file, read, _PIECE)
        if work is None:
            if _work_at(database) is not None or not _same(database, read) or _work_at(database) is not None:
                return False
        else:
            with _held_in_memory(copy) as beside:
                if not _read_work(database, work, beside):
                    return False
                _write(beside, _beside(copy, work.end))
        _write(read, copy)
    return True


def _read_work(database: Path, work: _Work, beside: IO[bytes]) -> bool:
    """Read the journal or log into `beside`, after the database was read.

    Returns whether the journal or log is still the one that was there before.
    """
    try:
        with open_plain(_beside(database, work.end)) as file:
            shutil.copyfileobj(file, beside, _PIECE)
    except FileNotFoundError:
        return False
    return not _is_of_several(beside) and _work_at(database) == work


def _is_of_several(beside: IO[bytes]) -> bool:
    """Return whether the journal belongs to a transaction over several databases.

    Whether such a transaction counts is told by a file that is not copied.
    """
    size = beside.seek(0, os.SEEK_END)
    beside.seek(max(0, size - len(_JOURNAL_MAGIC)))
    return beside.read(len(_JOURNAL_MAGIC)) == _JOURNAL_MAGIC


def _work_at(database: Path) -> _Work | None:
    head = _head(_beside(database, "-journal"), _JOURNAL_HEAD)
    if head.startswith(_JOURNAL_MAGIC):
        return _Work("-journal", head[_JOURNAL_NUMBER])
    head = _head(_beside(database, "-wal"), _WAL_HEAD)
    if len(head) == _WAL_HEAD and head.startswith(_WAL_MAGIC):
        return _Work("-wal", head)
    return None


def _head(path: Path, size: int) -> bytes:
    try:
        with open_plain(path) as file:
            return file.read(size)
    except FileNotFoundError:
        return b""


def _same(database: Path, read: IO[bytes]) -> bool:
    read.seek(0)
    try:
        with open_plain(database) as file:
            while piece := file.read(_PIECE):
                if read.read(len(piece)) != piece:
                    return False
    except FileNotFoundError:
        return False
    return not read.read(1)


def _held_in_memory(copy: Path) -> IO[bytes]:
    return cast("IO[bytes]", tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(copy.parent)))


def _write(read: IO[bytes], path: Path) -> None:
    read.seek(0)
    with path.open("wb") as file:
        shutil.copyfileobj(read, file, _PIECE)


def _beside(database: Path, end: str) -> Path:
    return database.with_name(database.name + end)
