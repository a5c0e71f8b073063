"""SARK's SQLite database: its only row of `globals`, read and written. Every wait is bounded."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.core.errors import HostError, UserError
from appliance.sark.reconcile import SHARED, SHOWN_ONLY

# How long another program may hold the database, in seconds. SARK's own saves take milliseconds.
PATIENCE = 2.0
_WANTED = (*SHARED, *SHOWN_ONLY)


class NoGlobals(HostError):
    """The error that SARK has no settings here: no database, no table `globals`, or no row in it."""


@dataclass(frozen=True, slots=True)
class Globals:
    """The row of `globals`.

    `values` holds the columns that asha knows and this version of SARK has (None is NULL). `rowid` finds the
    row again.
    """

    rowid: int
    values: Mapping[str, str | None]


def read_globals(database: Path, patience: float = PATIENCE) -> Globals:
    """Return the row as it is now, waiting up to `patience` seconds for the database.

    Raises NoGlobals, or HostError when the row cannot be read: the database is locked, damaged, or not
    accessible.
    """
    if not database.is_file():
        raise NoGlobals(f"There is no database {database}.", todo="Where SARK keeps its own is told by DB.")
    try:
        return _read(database, "ro", patience)
    except sqlite3.OperationalError as problem:
        if _name(problem) not in ("SQLITE_READONLY_ROLLBACK", "SQLITE_READONLY_RECOVERY", "SQLITE_CANTOPEN"):
            raise _explained(database, problem) from problem
    except sqlite3.Error as problem:
        raise _explained(database, problem) from problem
    # The last writer was killed while writing. SQLite rolls that back, for which it has to open the file for
    # writing.
    try:
        return _read(database, "rw", patience)
    except sqlite3.Error as problem:
        raise _explained(database, problem) from problem


def write_globals(
    database: Path, seen: Globals, values: Mapping[str, str], patience: float = PATIENCE
) -> None:
    """Write `values` into their columns in one transaction, if those columns are still as in `seen`.

    `patience`: see `read_globals`. Raises UserError when somebody else has changed a column meanwhile, and
    HostError as `read_globals` does. Nothing is written then.
    """
    unknown = set(values) - (set(SHARED) & set(seen.values))
    if unknown:
        raise ValueError(f"not to be written: {', '.join(sorted(unknown))}")
    try:
        with contextlib.closing(_open(database, "rw", patience)) as connection:
            connection.execute(
                "BEGIN IMMEDIATE"
            )  # the end of the with block rolls back what is not committed
            for column, value in values.items():
                # The name is one of SHARED, checked above; it cannot be a parameter.
                words = f'UPDATE globals SET "{column}" = ? WHERE rowid = ? AND "{column}" IS ?'  # noqa: S608
                if connection.execute(words, (value, seen.rowid, seen.values[column])).rowcount != 1:
                    raise UserError(f"{column} was changed in SARK in the same moment; nothing was written.")
            connection.execute("COMMIT")
    except sqlite3.Error as problem:
        raise _explained(database, problem) from problem


def _read(database: Path, mode: str, patience: float) -> Globals:
    with contextlib.closing(_open(database, mode, patience)) as connection:
        there = [str(row[1]).upper() for row in connection.execute("PRAGMA table_info(globals)")]
        if not there:
            raise NoGlobals(f"{database} has no table 'globals': it is not SARK's.")
        columns = [column for column in _WANTED if column in there]
        listed = "".join(f', "{column}"' for column in columns)
        # SARK itself takes the first row. Should there ever be several, SARK's own is called 'global'.
        order = "pkey IS NOT 'global', rowid" if "PKEY" in there else "rowid"
        row = connection.execute(f"SELECT rowid{listed} FROM globals ORDER BY {order} LIMIT 1").fetchone()  # noqa: S608
    if row is None:
        raise NoGlobals(f"The table 'globals' in {database} is empty.", todo="Save once in SARK's globals.")
    return Globals(row[0], dict(zip(columns, map(_text, row[1:]), strict=True)))


def _open(database: Path, mode: str, patience: float) -> sqlite3.Connection:
    name = urllib.parse.quote(os.fsencode(database))
    return sqlite3.connect(f"file:{name}?mode={mode}", uri=True, timeout=patience, isolation_level=None)


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return None if value is None else str(value)


def _name(problem: sqlite3.Error) -> str:
    return getattr(problem, "sqlite_errorname", "")


def _explained(database: Path, problem: sqlite3.Error) -> HostError:
    name = _name(problem)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return HostError(
            f"{database} is held by somebody else: SARK's settings were not looked at.", todo="Try again."
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return HostError(
            f"{database} is damaged ({problem}): nothing was taken from it or written to it.",
            todo="SARK needs it too: bring back its last good copy.",
        )
    return HostError(f"{database} could not be used: {problem}.")
