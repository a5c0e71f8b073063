"""SARK's database read and written: bounded, whatever state it is in."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest
from sark_database import FILLED, make_database, save, saved

from appliance.core.errors import HostError, UserError
from appliance.sark.table import NoGlobals, read_globals, write_globals

_IMPATIENT = 0.05


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make_database(tmp_path / "a strange? place#/sark.db")


def test_the_row_is_read_as_it_is(database: Path) -> None:
    assert read_globals(database).values == FILLED


def test_reading_leaves_the_file_as_it_is(database: Path) -> None:
    before = database.stat()
    read_globals(database)
    after = database.stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert [path.name for path in database.parent.iterdir()] == ["sark.db"]


def test_columns_are_found_however_their_names_are_written(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "db")) as connection, connection:
        connection.execute("CREATE TABLE globals (pkey TEXT PRIMARY KEY, haclusterip TEXT, HASYNCH, other)")
        connection.execute("INSERT INTO globals VALUES ('global', '192.168.1.5', X'4C415A59', 7)")
    assert read_globals(tmp_path / "db").values == {"HACLUSTERIP": "192.168.1.5", "HASYNCH": "LAZY"}


def test_sarks_own_row_is_taken_should_there_be_more(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO globals (rowid, pkey, HASYNCH) VALUES (-1, 'aaa', 'LOOSE')")
    assert read_globals(database).values["HASYNCH"] == "LAZY"


@pytest.mark.parametrize("words", ["CREATE TABLE other (n)", "CREATE TABLE globals (pkey, HASYNCH)"])
def test_no_table_or_no_row_is_no_sark(tmp_path: Path, words: str) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "db")) as connection, connection:
        connection.execute(words)
    with pytest.raises(NoGlobals, match="globals"):
        read_globals(tmp_path / "db")


def test_no_file_is_no_sark_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(NoGlobals, match="There is no database"):
        read_globals(tmp_path / "sark.db")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_no_sark(tmp_path: Path) -> None:
    (tmp_path / "db").touch()
    with pytest.raises(NoGlobals):
        read_globals(tmp_path / "db")


def test_a_held_database_is_waited_for_and_then_named(database: Path) -> None:
    seen = read_globals(database)
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(HostError, match="held by somebody else"):
            read_globals(database, _IMPATIENT)
        with pytest.raises(HostError, match="held by somebody else"):
            write_globals(database, seen, {"HASYNCH": "LOOSE"}, _IMPATIENT)
        other.execute("ROLLBACK")
    assert read_globals(database).values == FILLED


def test_it_can_be_read_while_somebody_is_writing_ahead(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE globals SET HASYNCH = 'LOOSE'")
        assert read_globals(database, _IMPATIENT).values["HASYNCH"] == "LAZY"
        other.execute("COMMIT")
        assert read_globals(database).values["HASYNCH"] == "LOOSE"


def test_what_a_killed_writer_has_left_is_taken_back(database: Path, tmp_path: Path) -> None:
    """Its journal lies beside the database, and half of its change is in it already."""
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_spill = 1")
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE globals SET HASYNCH = 'LOOSE'")
        writer.execute(
            "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9)"
            " SELECT i, randomblob(9000) FROM n"
        )
        for path in database.parent.iterdir():
            shutil.copy(path, crashed / path.name)
        writer.execute("ROLLBACK")
    assert (crashed / "sark.db-journal").stat().st_size > 0
    assert read_globals(crashed / "sark.db").values == FILLED


@pytest.mark.parametrize("damage", [b"this is not a database at all, it only has its name" * 30, None])
def test_a_damaged_database_is_named_and_left_alone(database: Path, damage: bytes | None) -> None:
    seen = read_globals(database)
    whole = database.read_bytes()
    broken = damage if damage is not None else whole[:100] + b"\xff" * 4000 + whole[4100:]
    database.write_bytes(broken)
    with pytest.raises(HostError, match="is damaged"):
        read_globals(database)
    with pytest.raises(HostError, match="is damaged"):
        write_globals(database, seen, {"HASYNCH": "LOOSE"})
    assert database.read_bytes() == broken


def test_a_write_is_all_or_nothing(database: Path) -> None:
    seen = read_globals(database)
    save(database, {"HASYNCH": "LOOSE"})
    with pytest.raises(UserError, match="HASYNCH was changed in SARK"):
        write_globals(database, seen, {"HAUSECLUSTER": "YES", "HASYNCH": "LAZY"})
    assert (saved(database)["HAUSECLUSTER"], saved(database)["HASYNCH"]) == ("NO", "LOOSE")


def test_a_blank_that_is_null_can_be_filled_in(database: Path) -> None:
    save(database, {"HAUSECLUSTER": None})
    write_globals(database, read_globals(database), {"HAUSECLUSTER": "YES"})
    assert saved(database)["HAUSECLUSTER"] == "YES"


@pytest.mark.parametrize("column", ["HAMODE", "ZTP", 'HASYNCH" = 1 --'])
def test_other_columns_are_never_written(database: Path, column: str) -> None:
    with pytest.raises(ValueError, match="not to be written"):
        write_globals(database, read_globals(database), {column: "x"})
    assert {key: saved(database)[key] for key in FILLED} == FILLED
