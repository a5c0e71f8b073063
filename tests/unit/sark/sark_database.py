"""SARK's database as a test needs it: the published columns of `globals`, and what a fresh one holds."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

# A part of the published table, in its order: the HA columns and enough of the others.
COLUMNS = (
    "ABSTIMEOUT",
    "BINDADDR",
    "EDOMAIN",
    "HAAUTOFAILBACK",
    "HACLUSTERIP",
    "HAENCRYPT",
    "HAMODE",
    "HAPRINODE",
    "HASECNODE",
    "HASYNCH",
    "HAUSECLUSTER",
    "INTRINGDELAY",
    "RESTART",
    "RHINOSPF",
    "VOIPMAX",
    "ZTP",
)
FRESH = {"HAAUTOFAILBACK": "on", "HACLUSTERIP": "", "HAMODE": "OFF", "HAPRINODE": "one8", "HASYNCH": "LOOSE"}
FILLED = {
    "HAAUTOFAILBACK": "off",
    "HACLUSTERIP": "192.168.1.5",
    "HAMODE": "ON",
    "HAPRINODE": "haprimary",
    "HASECNODE": "hastandby",
    "HASYNCH": "LAZY",
    "HAUSECLUSTER": "NO",
    "RESTART": "NO",
    "RHINOSPF": "NO",
}


def make_database(
    path: Path, row: dict[str, str | None] | None = None, without: tuple[str, ...] = ()
) -> Path:
    """SARK's database at `path`, with `row` in it; `without`: columns this version has not got."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = [column for column in COLUMNS if column not in without]
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        listed = "".join(f", {column} TEXT" for column in columns)
        database.execute(f"CREATE TABLE globals (pkey TEXT PRIMARY KEY{listed})")
        database.execute("INSERT INTO globals (pkey, VOIPMAX) VALUES ('global', '10')")
    save(path, row if row is not None else FILLED)
    return path


def save(path: Path, row: dict[str, str | None]) -> None:
    """What SARK's page does when somebody presses Save."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        for column, value in row.items():
            database.execute(f"UPDATE globals SET {column} = ? WHERE pkey = 'global'", (value,))


def saved(path: Path) -> dict[str, str | None]:
    """What is in the row."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return dict(database.execute("SELECT * FROM globals").fetchone())
