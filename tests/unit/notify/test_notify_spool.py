"""The queue on disk: whole files, in order, bounded, and nothing unreadable in the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from alerts_by_hand import notice

from appliance.notify import spool as module
from appliance.notify.spool import Spool, Ways, WayState


def test_what_is_put_is_read_back_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "notify")
    assert spool.is_empty() and spool.waiting() == []
    for number in (3, 1, 2):
        spool.put(notice(number, owed=("mail", "trap")))
    assert spool.waiting() == [notice(number, owed=("mail", "trap")) for number in (1, 2, 3)]
    assert not spool.is_empty()


def test_only_root_reads_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "notify")
    spool.put(notice())
    spool.keep_memory({})
    spool.keep_ways(Ways())
    assert spool.place.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in spool.place.iterdir()} == {0o600}


def test_what_has_become_of_it_takes_its_place(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put(notice(owed=("mail", "trap")))
    spool.put(notice(owed=("mail",)))
    assert [waiting.owed for waiting in spool.waiting()] == [("mail",)]
    assert spool.remove(notice()) and not spool.remove(notice())
    assert spool.is_empty()


def test_the_oldest_go_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    spool = Spool(tmp_path)
    assert [spool.put(notice(number)) for number in range(1, 6)] == [[], [], [], [notice(1)], [notice(2)]]
    assert spool.waiting() == [notice(3), notice(4), notice(5)]


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number, damage in enumerate((b"", b"\0" * 40, b'{"id": "x"}', b"[]", b'{"kind": "no such"}')):
        (tmp_path / f"00000000000000{number}-x.alert").write_bytes(damage)
    spool.put(notice())
    assert spool.waiting() == [notice()]
    spool.remove(notice())
    assert spool.is_empty()


def test_half_written_files_of_a_killed_writer_are_no_alerts(tmp_path: Path) -> None:
    (tmp_path / ".000001700000001-x.alert.k2j3").write_bytes(b"{")
    assert Spool(tmp_path).is_empty()


def test_how_the_ways_do_is_kept_and_damage_is_a_fresh_start(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    ways = Ways({"mail": WayState("no route", 3, 17.0, 5)}, 17.0)
    spool.keep_ways(ways)
    assert spool.ways() == ways
    for damage in (b"", b"[]", b'{"by_name": {"mail": {"odd": 1}}, "next_at": 0}', b'{"next_at": 0}'):
        (tmp_path / "ways.json").write_bytes(damage)
        assert spool.ways() == Ways()
