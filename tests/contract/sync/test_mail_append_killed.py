"""A message put in a folder in which Asterisk works: whatever a kill leaves there is taken away again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.core.data_merge import MOST
from appliance.host.clock import SystemClock
from appliance.host.paths import SyncPaths
from appliance.sync import mailboxes
from appliance.sync.apply import finish
from appliance.sync.mailboxes import FolderRefused, append, repair
from appliance.sync.stages import Stages
from appliance.sync.store import Store

NO_ASTERISK = "asterisk-that-runs-nowhere"
# What changes a directory: the lock is made, two files come, the lock goes.
STEPS = ("symlink", "rename", "rename", "unlink")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With one message, and half of one that Asterisk has left long ago."""
    found = tmp_path / "INBOX"
    found.mkdir()
    for name in ("msg0000.txt", "msg0000.wav", "msg0002.wav"):
        (found / name).write_text("old")
    return found


def ready(tmp_path: Path) -> dict[str, bytes]:
    for ending in ("wav", "txt"):
        (tmp_path / ending).write_text("new")
    return {ending: bytes(tmp_path / ending) for ending in ("wav", "txt")}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def killed_before(step: int, action: Callable[[], object]) -> None:
    """Carry out `action` in a process that ends, as by SIGKILL, just before its change number `step`."""
    child = os.fork()
    if not child:
        left = iter(range(step))
        for name in set(STEPS):
            setattr(os, name, _counted(getattr(os, name), left))
        action()
        os._exit(1)  # it came to its end
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _counted(change: Callable[..., object], left: Iterator[int]) -> Callable[..., object]:
    def counted(*words: object, **more: object) -> object:
        if next(left, None) is None:
            os._exit(0)
        return change(*words, **more)

    return counted


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_a_message_comes_whole_or_not_at_all(tmp_path: Path, folder: Path, step: int) -> None:
    before, files = names(folder), ready(tmp_path)
    killed_before(step, lambda: append(folder, files, SystemClock(), NO_ASTERISK))
    repair(folder)
    came = {"msg0001.wav", "msg0001.txt"} if step == 3 else set()
    assert names(folder) == before | came
    assert append(folder, ready(tmp_path), SystemClock(), NO_ASTERISK) == (3 if came else 1)
    assert not (folder / ".lock").is_symlink()


@pytest.mark.parametrize("step", range(2))
def test_the_repair_may_be_killed_too(tmp_path: Path, folder: Path, step: int) -> None:
    before, files = names(folder), ready(tmp_path)
    killed_before(2, lambda: append(folder, files, SystemClock(), NO_ASTERISK))
    assert names(folder) == {*before, "msg0001.wav", ".lock"}
    killed_before(step, lambda: repair(folder))
    repair(folder)
    assert names(folder) == before


def test_the_next_who_holds_the_data_repairs(tmp_path: Path, folder: Path) -> None:
    files = ready(tmp_path)
    aside, places = (
        tmp_path / "aside",
        SyncPaths(tmp_path / "lasting", tmp_path / "passing", tmp_path / "apart"),
    )
    conf = Conf(asterisk_dir=aside, greetings=aside, voicemail=tmp_path, db=aside / "a", astdb=aside / "b")
    store = Store(places.store)
    store.begin_appending([bytes(folder), bytes(tmp_path / "gone")])
    killed_before(2, lambda: append(folder, files, SystemClock(), NO_ASTERISK))
    finish(store, Stages(conf, places))
    assert not (folder / ".lock").is_symlink()
    assert store.appending() == []


def test_a_lock_of_asterisks_is_waited_for_and_left(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "_LOCK_PATIENCE", 0.05)
    (folder / ".lock").touch()
    with pytest.raises(FolderRefused) as refused:
        append(folder, ready(tmp_path), SystemClock(), NO_ASTERISK)
    assert refused.value.held.path == str(folder)
    repair(folder)
    assert (folder / ".lock").exists()
    assert "msg0001.wav" not in names(folder)


def test_a_lock_that_is_older_than_every_asterisk_is_taken_away(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".lock").touch()
    monkeypatch.setattr(mailboxes, "_DEAD_AFTER", 0.0)
    assert append(folder, ready(tmp_path), SystemClock(), NO_ASTERISK) == 1
    assert ".lock" not in names(folder)


@pytest.mark.parametrize(
    ("make", "asterisk"),
    [
        (
            "touch .lock",
            Path(sys.executable).name,
        ),  # this very program runs, and has run before the lock was made
        ("echo 4711 >.lock", NO_ASTERISK),
        ("touch .lock; ln .lock .lock-0a1b2c3d", NO_ASTERISK),
        ("mkdir .lock", NO_ASTERISK),
        ("ln -s elsewhere .lock", NO_ASTERISK),
    ],
)
def test_a_lock_that_somebody_may_hold_stays(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, make: str, asterisk: str
) -> None:
    subprocess.run(["sh", "-c", make], cwd=folder, check=True)
    before = names(folder)
    monkeypatch.setattr(mailboxes, "_DEAD_AFTER", 0.0)
    monkeypatch.setattr(mailboxes, "_LOCK_PATIENCE", 0.0)
    with pytest.raises(FolderRefused):
        append(folder, ready(tmp_path), SystemClock(), asterisk)
    assert names(folder) == before


def test_an_own_lock_that_was_left_is_no_obstacle(tmp_path: Path, folder: Path) -> None:
    files = ready(tmp_path)
    killed_before(2, lambda: append(folder, files, SystemClock(), NO_ASTERISK))
    assert append(folder, ready(tmp_path), SystemClock(), NO_ASTERISK) == 1
    assert {"msg0001.wav", "msg0001.txt"} < names(folder)
    assert ".lock" not in names(folder)


def test_a_full_folder_is_left(tmp_path: Path, folder: Path) -> None:
    for number in range(MOST):
        (folder / f"msg{number:04d}.txt").touch()
    before = names(folder)
    with pytest.raises(FolderRefused, match="9999 messages"):
        append(folder, ready(tmp_path), SystemClock(), NO_ASTERISK)
    assert names(folder) == before


def test_what_cannot_be_written_whole_is_taken_back(tmp_path: Path, folder: Path) -> None:
    files, before = ready(tmp_path), names(folder)
    (tmp_path / "txt").unlink()
    with pytest.raises(FolderRefused, match="cannot be written here"):
        append(folder, files, SystemClock(), NO_ASTERISK)
    assert names(folder) == before
