"""Killed at every step, what replaces the last copy of something has left both versions; done again, it ends right."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.core.errors import SyncError
from appliance.host.clock import SystemClock
from appliance.host.paths import SyncPaths
from appliance.sync import apply
from appliance.sync.apply import finish
from appliance.sync.conflicts import Conflicts
from appliance.sync.stages import Stages
from appliance.sync.store import Conflict, Generation, PlaceStep, Store
from appliance.sync.trees import look
from tests.plugins.security_figures import Count

# What changes a disk, by the names of Python's audit events; a file opened for writing is one too.
_NAMES = ("rename", "remove", "link", "symlink", "mkdir", "rmdir", "chown", "chmod", "utime")
_CHANGES = tuple(f"os.{name}" for name in _NAMES)
_SQL = "sqlite3.connect"


class Node:
    """One node's tree and places, with a conflict over `name` in it."""

    def __init__(self, top: Path, kind: str) -> None:
        top.mkdir()
        self.tree, self.kind = top / "etc", kind
        self.tree.mkdir()
        aside = top / "aside"
        database = self.tree / "x" if kind == "database" else aside / "db"
        self.conf = replace(
            Conf(),
            asterisk_dir=self.tree,
            greetings=aside,
            voicemail=aside,
            db=database,
            astdb=aside / "astdb",
        )
        self.places = SyncPaths(top / "lasting", top / "passing", top / "apart")
        self.places.lasting.mkdir()
        self.path = self.tree / "x"
        self.kept = Path(os.fsdecode(self.places.kept(bytes(self.path), "ab" * 32)))
        self.kept.parent.mkdir(parents=True)
        self._write(self.path, "OURS", "dir" if kind == "directory" else kind)
        self._write(self.kept, "THEIRS", "file" if kind == "directory" else kind)
        store = Store(self.places.store)
        conflict = Conflict(bytes(self.path), 1.0, bytes(self.kept), "both")
        store.decide(Generation(0, 1.0, "peer", "t", 0, 0, 0, False), [], [], [conflict])
        store.placed()
        store.close()
        self.conflicts = Conflicts(self.conf, self.places, SystemClock(), lambda *words: None)

    def take(self) -> Path:
        return self.conflicts.take_theirs(bytes(self.path))

    def keep(self) -> None:
        self.conflicts.keep_ours(bytes(self.path))

    def _write(self, at: Path, text: str, kind: str) -> None:
        match kind:
            case "file":
                at.write_text(text)
            case "link":
                at.symlink_to(text)
            case "dir":
                (at / "deep").mkdir(parents=True)
                (at / "deep/a").write_text(text)
            case _:
                with sqlite3.connect(at) as database:
                    database.execute("CREATE TABLE t (version)")
                    database.execute("INSERT INTO t VALUES (?)", (text,))
                database.close()

    def versions(self) -> set[str]:
        """Which of the two can be read somewhere, whole."""
        found = set()
        for directory, directories, names in os.walk(self.tree.parent):
            for name in (*names, *directories):
                at = Path(directory) / name
                if not at.name.endswith((".db", "-journal", "-wal", ".new")):
                    found.add(read(at))
        return found & {"OURS", "THEIRS"}

    def in_place(self) -> str:
        return read(self.path)


def read(at: Path) -> str:
    if at.is_symlink():
        return str(at.readlink())
    if at.is_dir():
        return ""
    if at.read_bytes()[:6] != b"SQLite":
        return at.read_text(errors="replace")
    database = sqlite3.connect(at)
    try:
        return str(database.execute("SELECT version FROM t").fetchone()[0])
    except (sqlite3.Error, TypeError):
        return ""
    finally:
        database.close()


def killed_at(number: int, action: Callable[[], object]) -> bool:
    """Carry out `action` in a process that is killed at its change number `number`; whether it came to that."""
    child = os.fork()
    if not child:
        left = iter(range(number))

        def hook(event: str, words: tuple[object, ...]) -> None:
            writes = event == "open" and isinstance(words[2], int) and words[2] & (os.O_WRONLY | os.O_RDWR)
            if (event in _CHANGES or event == _SQL or writes) and next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            action()
        except SyncError:
            os._exit(1)  # a choice that is settled already cannot be made again
        except BaseException:  # the child of a test must not go on with the tests
            traceback.print_exc()
            os._exit(2)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 1, -signal.SIGKILL)
    return code == -signal.SIGKILL


KINDS = ("file", "link", "directory", "database")


@pytest.mark.parametrize("kind", KINDS)
def test_a_choice_for_the_peers_never_leaves_only_one(tmp_path: Path, kind: str, count: Count) -> None:
    number = gone = 0
    while True:
        node = Node(tmp_path / str(number), kind)
        killed = killed_at(number, node.take)
        gone += 2 - len(node.versions())
        assert gone == 0, f"killed at change {number}"
        for _ in range(2):  # another kill at the same change, then nothing in the way
            killed_at(number, node.take)
            assert node.versions() == {"OURS", "THEIRS"}
        if node.conflicts.open():
            kept = node.conflicts.take_theirs(bytes(node.path))
            assert kept.exists() or kept.is_symlink()
        assert node.in_place() == "THEIRS"
        assert node.versions() == {"OURS", "THEIRS"}
        assert node.conflicts.open() == []
        with pytest.raises(SyncError, match="waits for no choice"):
            node.conflicts.take_theirs(bytes(node.path))
        left = [one.name for one in node.tree.rglob(".asha-*")]
        assert left == [], "and nothing of the work is left"
        number += 1
        if not killed:
            break
    assert number > 4
    count("kills", 3 * number - 2)
    count("lost", gone)


def test_a_choice_for_ours_never_loses_ours(tmp_path: Path, count: Count) -> None:
    number, killed = 0, True
    while killed:
        node = Node(tmp_path / str(number), "file")
        killed = killed_at(number, node.keep)
        assert node.in_place() == "OURS"
        if node.conflicts.open():
            assert node.versions() == {"OURS", "THEIRS"}
            node.conflicts.keep_ours(bytes(node.path))
        assert node.in_place() == "OURS"
        assert node.conflicts.open() == []
        number += 1
    count("kills", number - 1)


class Disk:
    """What a power cut leaves, as it happens: both versions are safe on it whenever a name goes."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.events: list[tuple[str, str]] = []
        real = os.fsync

        def fsync(descriptor: int) -> None:
            self.events.append(("fsync", os.readlink(f"/proc/self/fd/{descriptor}")))
            real(descriptor)

        patch.setattr(os, "fsync", fsync)
        for name in ("rename", "unlink"):
            patch.setattr(os, name, self._noting(name, getattr(os, name)))

    def _noting(self, name: str, real: Callable[..., None]) -> Callable[..., None]:
        def noting(at: bytes, *words: object, **more: int) -> None:
            where = more.get("dir_fd", more.get("src_dir_fd"))
            directory = os.readlink(f"/proc/self/fd/{where}") + "/" if where is not None else ""
            self.events.append((name, directory + os.fsdecode(at)))
            real(at, *words, **more)

        return noting


def test_both_are_on_the_disk_before_the_other_copy_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(tmp_path / "n", "file")
    disk = Disk(monkeypatch)
    node.conflicts.take_theirs(bytes(node.path))
    events = disk.events
    replaced = events.index(("rename", f"{node.tree}/.asha-new-x"))
    removed = events.index(("unlink", str(node.kept)))
    for written, before in (
        (f"{node.kept.parent}/.asha-new-x.ours", replaced),  # ours, before theirs takes its place
        (str(node.kept.parent), replaced),  # and its name
        (f"{node.tree}/.asha-new-x", replaced),  # theirs, before it has the name
        (str(node.tree), removed),  # and its name, before the copy in quarantine goes
    ):
        assert events.index(("fsync", written)) < before, events


@pytest.mark.parametrize("same_disk", [True, False])
def test_what_makes_way_is_never_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same_disk: bool, count: Count
) -> None:
    """A generation that sets aside a file and a directory of ours, killed at every change, then finished."""
    number, killed = 0, True
    if not same_disk:
        monkeypatch.setattr(os, "rename", _no_rename_to_quarantine(os.rename))
    while killed:
        top = tmp_path / str(number)
        live, places = top / "etc", SyncPaths(top / "lasting", top / "passing", top / "apart")
        for name, text in {"f": "OURS f", "d/a": "OURS a", "d/sub/b": "OURS b"}.items():
            (live / name).parent.mkdir(parents=True, exist_ok=True)
            (live / name).write_text(text)
        aside = top / "aside"
        conf = replace(
            Conf(), asterisk_dir=live, greetings=aside, voicemail=aside, db=aside / "a", astdb=aside / "b"
        )
        stage = bytes(places.stage)
        staged = Path(os.fsdecode(stage) + str(live))
        staged.mkdir(parents=True)
        for name in ("f", "d"):
            (staged / name).write_text(f"THEIRS {name}")
        store = Store(places.store)
        store.stage(look(bytes(live / name), stage + bytes(live / name)) for name in ("f", "d"))
        steps = [PlaceStep(apply.SET_ASIDE, bytes(live / "f"))]
        steps += [PlaceStep(apply.MOVE, bytes(live / name), stage) for name in ("f", "d")]
        store.decide(Generation(0, 1.0, "peer", "t", 2, 0, 8, False), steps, [])
        store.close()

        def settle(conf: Conf = conf, places: SyncPaths = places) -> None:
            again = Store(places.store)
            finish(again, Stages(conf, places, again.sent_as_link))
            again.close()

        everything = {"OURS f", "OURS a", "OURS b", "THEIRS f", "THEIRS d"}
        killed = killed_at(number, settle)
        assert everything <= _texts(top), number
        killed_at(number, settle)
        assert everything <= _texts(top), number
        settle()
        assert (live / "f").read_text() == "THEIRS f"
        assert (live / "d").read_text() == "THEIRS d"
        assert everything <= _texts(top), number
        assert set(live.iterdir()) == {live / "f", live / "d"}, "and nothing of the work is left"
        number += 1
    assert number > 6
    count("kills", 2 * number - 2)
    count("lost", len(everything - _texts(top)))


def _texts(top: Path) -> set[str]:
    return {
        at.read_text(errors="replace")
        for at in top.rglob("*")
        if at.is_file() and not at.name.endswith(".db")
    }


def _no_rename_to_quarantine(real: Callable[..., None]) -> Callable[..., None]:
    """The quarantine is on another filesystem."""

    def rename(source: bytes, target: bytes, **where: int) -> None:
        ends = [os.readlink(f"/proc/self/fd/{number}") for number in where.values()]
        if len(ends) == 2 and len({"/quarantine" in end for end in ends}) == 2:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target, **where)

    return rename
