"""A message put in a folder in which Asterisk works: whatever a kill leaves there is taken away again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.host.clock import SystemClock
from appliance.sync import mailboxes
from appliance.sync.mailboxes import append, repair
from appliance.sync.place import finish
from appliance.sync.places import Places
from appliance.sync.problems import Kind, SyncProblem
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


def killed_before(step: int, deed: Callable[[], object]) -> None:
    """Carry out `deed` in a process that ends, as by SIGKILL, just before its change number `step`."""
    child = os.fork()
    if not child:
        left = iter(range(step))
        for name in set(STEPS):
            setattr(os, name, _counted(getattr(os, name), left))
        deed()
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
    aside, places = tmp_path / "aside", Places(tmp_path / "lasting", tmp_path / "passing", tmp_path / "apart")
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
    with pytest.raises(SyncProblem) as refused:
        append(folder, ready(tmp_path), SystemClock(), NO_ASTERISK)
    assert refused.value.kind is Kind.BUSY
    repair(folder)
    assert (folder / ".lock").exists()
    assert "msg0001.wav" not in names(folder)
