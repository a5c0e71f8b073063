"""A pass under way, as status pages and terminals name it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from appliance.core.text import format_progress
from appliance.host.disk import is_held, locked
from appliance.sync.trees import traits_of


@pytest.mark.parametrize(
    ("done", "total", "words"),
    [
        (0, 0, "fetching"),
        (1200, 0, "fetching, 1200"),
        (1200, 3000, "fetching, 1200 of 3000"),
        (0, 3000, "fetching, 0 of 3000"),
        (3001, 3000, "fetching, 3000 of 3000"),
    ],
)
def test_as_much_as_is_known_is_said(done: int, total: int, words: str) -> None:
    assert format_progress("fetching", done, total) == words


def test_it_is_under_way_only_while_its_process_has_the_lock(tmp_path: Path) -> None:
    place = tmp_path / "lock"
    assert not is_held(place)
    with locked(place):
        assert is_held(place)
    assert not is_held(place), "we are there, and hold it no more"
    ended = subprocess.Popen(["true"])
    ended.wait()
    place.write_text(str(ended.pid))
    assert not is_held(place)
    place.write_text("")
    assert not is_held(place)


def test_everything_is_counted_once(tmp_path: Path) -> None:
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/file").touch()
    os.symlink("/etc", tmp_path / "tree/link")
    assert traits_of([str(tmp_path / "tree"), str(tmp_path / "none")]).entries == 4
