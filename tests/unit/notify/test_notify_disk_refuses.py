"""The alert that the disk takes nothing goes out all the same, and none goes out again and again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from alerts_by_hand import notice

from appliance.notify.spool import Spool, Ways


def test_an_alert_that_the_disk_does_not_take_waits_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "disk").write_text("a file where a directory should be")
    spool = Spool(tmp_path / "disk" / "notify", tmp_path / "run")
    spool.put(notice(1))
    spool.keep_ways(Ways(next_at=5.0))  # what cannot be kept keeps no alert from going out
    assert (spool.count(), [one.id for one in spool.waiting()]) == (1, [notice(1).id])
    assert spool.remove(notice(1)) and spool.is_empty()


def test_what_could_not_be_removed_afterwards_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "disk", tmp_path / "run")
    spool.put(notice(1))
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / "disk")  # it has become read-only
    assert spool.count() == 1 and spool.waiting() == []
    monkeypatch.undo()
    assert len(spool.waiting()) == 1, "it waits until the disk is well"


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", "x" * 500, 7, None])
def test_a_spoilt_alert_names_no_file_but_its_own(tmp_path: Path, name: object) -> None:
    spool = Spool(tmp_path / "disk", tmp_path / "run")
    spool.put(notice(1))
    (path,) = spool.place.glob("*.alert")
    path.write_text(json.dumps({**json.loads(path.read_text()), "id": name}))
    assert spool.waiting() == [] and spool.is_empty()
    assert len(list(spool.place.glob("*.spoilt-*"))) == 1
