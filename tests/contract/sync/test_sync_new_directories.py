"""A directory that is new comes with everything in it by one rename; if the stage has more in it, file by file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.config import Conf
from appliance.host.clock import SystemClock
from appliance.host.paths import SyncPaths
from appliance.sync import apply
from appliance.sync.open_directories import OpenDirectory
from appliance.sync.pull import Pull
from appliance.sync.rsync import ItemChange
from appliance.sync.stages import Stages
from appliance.sync.store import PlaceStep, Store
from appliance.sync.sync_pass import PassContext, PassResult, Request
from appliance.sync.trees import TreeEntry, look

MAILBOX = {
    "default/200/INBOX/msg0000.txt": "[message]",
    "default/200/INBOX/msg0000.wav": "sound",
    "default/200/x": "",
}

Action = Callable[[apply.Applier, PlaceStep], None]


class Killed(BaseException):
    """As SIGKILL: nothing of the pass goes on."""


class There:
    """The peer and rsync in one: its files are below `root`, under the paths they have here."""

    def __init__(self, root: Path, tree: Path) -> None:
        self.tree = tree
        self.root = root
        self.top = Path(f"{root}{tree}")
        self.ssh = SimpleNamespace(host="peer")
        self.growing: set[str] = set()
        self._listed: list[bytes] = []

    def ask(self, verb: str, **fields: object) -> dict[str, Any]:
        trees = [{"key": "VOICEMAIL", "path": str(self.tree), "there": True, "empty": False}]
        prepared = {
            "trees": trees,
            "databases": [],
            "list": "",
            "mark": "",
            "serving": True,
            "traits": {"attributes": False, "holes": False},
        }
        return {"health": "", "time": SystemClock().wall(), **prepared}

    def file_list(self, paths: Iterable[bytes], databases: Sequence[str] = ()) -> Path:
        self._listed = list(paths)
        return Path("listed")

    def manifest(self, paths: Iterable[bytes]) -> Iterator[list[TreeEntry]]:
        for path in self.growing:
            with (self.top / path).open("a") as file:
                file.write("more")
        yield [look(path, bytes(self.root) + path) for path in paths]

    def compare(self, what: object, unread: dict[bytes, str], *, deep: bool) -> Iterator[ItemChange]:
        for directory, directories, names in os.walk(bytes(self.top)):
            found = [(name, "d") for name in directories] + [(name, "f") for name in names]
            for name, kind in found:
                path = (directory + b"/" + name).removeprefix(bytes(self.root))
                theirs = look(path, bytes(self.root) + path)
                if look(path).same_as != theirs.same_as:
                    yield ItemChange(path, kind, gone=False)

    def fetch(
        self, what: Path, stage: OpenDirectory, on_item: Callable[[bytes], None], **words: bool
    ) -> None:
        apply = os.fsencode(Path(f"/proc/self/fd/{stage.descriptor}").readlink())
        for path in self._listed:
            source, target = (
                Path(os.fsdecode(bytes(self.root) + path)),
                Path(os.fsdecode(apply + path)),
            )
            if source.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)


class Here:
    """This node, with a file in its tree already: it is no first pass."""

    def __init__(self, top: Path) -> None:
        self.tree = top / "voicemail"
        self.there = There(top / "there", self.tree)
        self.places = SyncPaths(top / "lasting", top / "passing", top / "apart")
        aside = top / "aside"
        self.conf = Conf(
            asterisk_dir=aside, greetings=aside, voicemail=self.tree, db=aside / "db", astdb=aside / "astdb"
        )
        self.tree.mkdir()
        (self.tree / "kept").write_text("kept")
        self.stages = Stages(self.conf, self.places)
        write(self.there.top, {"kept": "kept", **MAILBOX})

    def run(self) -> PassResult:
        """One pass."""
        store = Store(self.places.store)
        try:
            return Pull(self._means(store)).run(Request("test"))
        finally:
            store.close()

    def _means(self, store: Store) -> PassContext:
        def agreed(*words: object) -> None:
            return None

        there: Any = self.there
        return PassContext(
            conf=self.conf,
            store=store,
            clock=SystemClock(),
            peer=there,
            rsync=there,
            may=agreed,
            vet=agreed,
            stages=self.stages,
            places=self.places,
            progress=agreed,
        )

    def leave_on_stage(self) -> None:
        """What a killed pass has fetched, and was removed there since."""
        write(Path(f"{self.places.stage}{self.tree}"), {"default/200/INBOX/msg0001.txt": "[message]"})

    def settle(self) -> None:
        """What the next does who touches the data."""
        store = Store(self.places.store)
        apply.finish(store, self.stages)
        assert not store.pending()
        store.close()


def write(top: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)


def contents(top: Path) -> dict[str, str]:
    return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


@pytest.fixture
def carried_out(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The steps that were, each with the name of what it was about."""
    done: list[tuple[str, str]] = []

    def counted(verb: str, action: Action) -> Action:
        def one(placing: apply.Applier, step: PlaceStep) -> None:
            done.append((verb, Path(os.fsdecode(step.path)).name))
            action(placing, step)

        return one

    actions = {verb: counted(verb, action) for verb, action in apply._ACTIONS.items()}
    monkeypatch.setattr(apply, "_ACTIONS", actions)
    return done


def test_all_of_it_comes_by_one_move(here: Here, carried_out: list[tuple[str, str]]) -> None:
    assert here.run().left == 0
    assert carried_out == [("move", "default")]
    assert contents(here.tree) == {"kept": "kept", **MAILBOX}


def test_what_is_new_in_an_old_directory_comes_by_one_move_too(
    here: Here, carried_out: list[tuple[str, str]]
) -> None:
    here.run()
    carried_out.clear()
    write(here.there.top, {"default/200/Old/msg0000.txt": "heard", "default/200/x": "changed"})
    here.run()
    assert carried_out == [("move", "Old"), ("move", "x")]
    assert contents(here.tree) == contents(here.there.top)


def test_a_file_that_is_being_written_comes_later(here: Here, carried_out: list[tuple[str, str]]) -> None:
    here.there.growing = {"default/200/INBOX/msg0000.wav"}
    assert here.run().left == 1
    assert carried_out == [("move", "default")]
    whole = contents(here.there.top)
    assert contents(here.tree) == {
        name: text for name, text in whole.items() if name not in here.there.growing
    }
    here.there.growing.clear()
    assert here.run().left == 0
    assert contents(here.tree) == contents(here.there.top)


def test_with_something_on_the_stage_that_is_not_wanted_it_comes_file_by_file(
    here: Here, carried_out: list[tuple[str, str]]
) -> None:
    here.leave_on_stage()
    here.run()
    made = [("mkdir", "default"), ("mkdir", "200"), ("mkdir", "INBOX")]
    assert carried_out == [*made, ("move", "msg0000.txt"), ("move", "msg0000.wav"), ("move", "x")]
    assert contents(here.tree) == {"kept": "kept", **MAILBOX}


@pytest.mark.parametrize(("stale", "steps"), [(False, 1), (True, 6)])
@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_any_step_is_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stale: bool, after: bool, steps: int
) -> None:
    """`after`: the step was carried out, and nothing tells of it."""
    for step in range(steps):
        (tmp_path / str(step)).mkdir()
        here = Here(tmp_path / str(step))
        if stale:
            here.leave_on_stage()
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(apply, "_ACTIONS", _mortal(step, after))
            here.run()
        here.settle()
        assert contents(here.tree) == {"kept": "kept", **MAILBOX}
        assert not here.places.stage.exists()


def _mortal(step: int, after: bool) -> dict[str, Action]:
    """The actions of which number `step` is the last."""
    left = iter(range(step))

    def mortal(action: Action) -> Action:
        def one(placing: apply.Applier, step: PlaceStep) -> None:
            dies = next(left, None) is None
            if after or not dies:
                action(placing, step)
            if dies:
                raise Killed

        return one

    return {verb: mortal(action) for verb, action in apply._ACTIONS.items()}
