"""The mark of a node that has served: where it lies, what counts as one, and what a kill leaves of it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.host.paths import SyncPaths
from appliance.sync import newer_data_mark
from appliance.sync.newer_data_mark import complete_mark, drop_mark, read_mark, set_mark, takeover_of

Spoil = Callable[[Path], object]
# What may lie where the mark should be, and whether that is a mark by itself.
_STATES: dict[str, tuple[Spoil, bool]] = {
    "gone": (lambda path: path.unlink(), False),
    "folder gone": (lambda path: (path.unlink(), path.parent.rmdir()), False),
    "folder a file": (lambda path: (path.unlink(), path.parent.rmdir(), path.parent.touch()), False),
    "as it was": (lambda path: None, True),
    "empty": (lambda path: path.write_bytes(b""), True),
    "cut short": (lambda path: path.write_bytes(path.read_bytes()[:9]), True),
    "noise": (lambda path: path.write_bytes(os.urandom(40)), True),
    "long": (lambda path: path.write_bytes(b"1.000 2.000\n" * 100_000), True),
    "no times": (lambda path: path.write_bytes(b"nan inf"), True),
    "a folder": (lambda path: (path.unlink(), path.mkdir(), (path / "deep").touch()), True),
    "a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), True),
    "a link to nothing": (lambda path: (path.unlink(), path.symlink_to("/nowhere")), True),
    "a link in a circle": (lambda path: (path.unlink(), path.symlink_to(path)), True),
}


@pytest.fixture
def places(tmp_path: Path) -> SyncPaths:
    return SyncPaths(tmp_path / "lasting", tmp_path / "passing", tmp_path / "apart")


def test_a_start_goes_on_with_the_takeover_that_there_is(places: SyncPaths) -> None:
    assert read_mark(places) == ""
    set_mark(places, 100.0)
    set_mark(places, 200.5)
    assert read_mark(places) == "100.000 200.500"
    assert {path.read_text() for path in places.marks} == {"100.000 200.500"}
    assert takeover_of(read_mark(places)) == "100.000"
    drop_mark(places)
    assert read_mark(places) == ""
    set_mark(places, 300.0)
    assert read_mark(places) == "300.000 300.000"


@pytest.mark.parametrize(("first", "second"), list(itertools.product(_STATES, _STATES)))
def test_whatever_lies_there_is_a_mark_that_can_be_set_and_dropped(
    places: SyncPaths, first: str, second: str
) -> None:
    set_mark(places, 100.0)
    for path, state in zip(places.marks, (first, second), strict=True):
        _STATES[state][0](path)
    there = _STATES[first][1] or _STATES[second][1]
    mark = read_mark(places)
    assert bool(mark) is there
    assert mark == read_mark(places), "a peer that has merged it must find it again"
    if "as it was" in (first, second):
        assert mark == "100.000 100.000"
    try:
        set_mark(places, 5e9)
    except OSError:
        assert there or "folder a file" in (first, second)
    else:
        assert read_mark(places) == f"{takeover_of(mark) or '5000000000.000'} 5000000000.000"
    assert read_mark(places) or first == second == "folder a file"
    drop_mark(places)
    assert read_mark(places) == ""


def test_the_later_start_counts(places: SyncPaths) -> None:
    """A place that could not be written, or was restored, has an older one."""
    for (old, new), at in itertools.product([("7.000 8.000", "100.000 200.000")], (0, 1)):
        set_mark(places, 1.0)
        places.marks[at].write_text(old)
        places.marks[1 - at].write_text(new)
        assert read_mark(places) == new


def test_a_drop_that_is_cut_short_leaves_the_mark(places: SyncPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each of its steps: only what a whole drop leaves is no mark."""
    steps = 0

    def unlink(path: Path, *, missing_ok: bool = False) -> None:
        nonlocal steps
        if steps == 0:
            raise KeyboardInterrupt
        steps -= 1
        os.unlink(path)

    monkeypatch.setattr(Path, "unlink", unlink)
    for killed_before in range(len(places.marks)):
        monkeypatch.undo()
        set_mark(places, 100.0)
        monkeypatch.setattr(Path, "unlink", unlink)
        steps = killed_before
        with pytest.raises(KeyboardInterrupt):
            drop_mark(places)
        assert read_mark(places) == "100.000 100.000"


@pytest.mark.parametrize("broken", [0, 1])
def test_one_place_is_enough_and_the_other_is_told_of(
    places: SyncPaths, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    write = newer_data_mark.replace_file

    def on_full_disk(path: Path, content: str) -> None:
        if path == places.marks[broken]:
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(newer_data_mark, "replace_file", on_full_disk)
    with pytest.raises(OSError, match="No space"):
        set_mark(places, 100.0)
    assert read_mark(places) == "100.000 100.000"
    monkeypatch.undo()
    complete_mark(places, 300.0)
    assert {path.read_text() for path in places.marks} == {"100.000 100.000"}


def test_a_running_asterisk_has_the_mark_made_once(places: SyncPaths) -> None:
    complete_mark(places, 100.0)
    seen = [path.stat().st_ino for path in places.marks]
    complete_mark(places, 200.0)
    assert [path.stat().st_ino for path in places.marks] == seen
    assert read_mark(places) == "100.000 100.000"
    assert places.lasting.stat().st_mode & 0o777 == 0o700


def test_a_mark_that_cannot_be_read_counts(places: SyncPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt_disk(path: Path, limit: int) -> bytes | None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(newer_data_mark, "read_small", spoilt_disk)
    assert read_mark(places) == "0.000 0.000"
