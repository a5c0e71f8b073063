"""A decided generation is put in place whole, wherever it was interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.host.paths import SyncPaths
from appliance.sync import apply
from appliance.sync.stages import Stages
from appliance.sync.store import Generation, PlaceStep, Store
from appliance.sync.trees import TreeEntry, look

WHOLE = {"keep": "keep", "changed": "new", "dir/fresh": "fresh"}


def contents(top: Path) -> dict[str, str]:
    return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}


def prepare(root: Path) -> tuple[SyncPaths, Path]:
    places, live = SyncPaths(root / "lasting", root / "passing", root / "apart"), root / "live"
    live.mkdir(parents=True)
    for name, text in {"keep": "keep", "changed": "old", "gone": "gone"}.items():
        (live / name).write_text(text)
    staged = Path(str(places.stage) + str(live))
    (staged / "dir").mkdir(parents=True)
    (staged / "changed").write_text("new")
    (staged / "dir/fresh").write_text("fresh")
    return places, live


def stages(places: SyncPaths, live: Path) -> Stages:
    aside = places.lasting.parent / "aside"
    conf = Conf(
        asterisk_dir=live,
        greetings=aside,
        voicemail=aside,
        db=aside / "sark.db",
        astdb=aside / "astdb.sqlite3",
    )
    return Stages(conf, places)


def placing(places: SyncPaths, live: Path) -> apply.Applier:
    return apply.Applier(stages(places, live).below, bytes(places.quarantine / "test"))


def carry_out(places: SyncPaths, live: Path, verb: str) -> None:
    """One step with the file `changed`."""
    work = placing(places, live)
    work.carry_out(PlaceStep(verb, bytes(live / "changed"), bytes(places.stage)))
    assert work.done.refused == {}


def decide(places: SyncPaths, live: Path) -> Store:
    store, stage = Store(places.store), bytes(places.stage)
    names = ("dir", "changed", "dir/fresh")
    store.stage(look(bytes(live / name), stage + bytes(live / name)) for name in names)
    steps = [
        PlaceStep(apply.REMOVE, bytes(live / "gone")),
        PlaceStep(apply.MAKE_DIRECTORY, bytes(live / "dir"), stage),
        PlaceStep(apply.MOVE, bytes(live / "changed"), stage),
        PlaceStep(apply.MOVE, bytes(live / "dir/fresh"), stage),
    ]
    number = store.decide(Generation(0, 1.0, "peer", "test", 3, 1, 8, False), steps, [bytes(live / "gone")])
    assert number == 1
    return store


@pytest.mark.parametrize("done", range(5))
@pytest.mark.parametrize("twice", [False, True])
def test_it_ends_whole_after_any_number_of_steps(tmp_path: Path, done: int, twice: bool) -> None:
    places, live = prepare(tmp_path)
    store = decide(places, live)
    # What a kill leaves: some steps carried out, the log as it was.
    for step in list(store.steps())[:done]:
        for _ in range(1 + twice):
            placing(places, live).carry_out(step)
    store.close()
    again = Store(places.store)
    assert again.pending()
    apply.finish(again, stages(places, live))
    assert contents(live) == WHOLE
    assert not again.pending()
    assert not places.stage.exists()
    newest = again.newest()
    assert newest is not None
    assert newest.placed
    assert [entry.path for entry in again.entries(bytes(live))] == sorted(
        bytes(live / name) for name in ("changed", "dir", "dir/fresh")
    )


def test_what_was_not_decided_changes_nothing(tmp_path: Path) -> None:
    places, live = prepare(tmp_path)
    store = Store(places.store)
    store.stage([look(bytes(live / "changed"), bytes(places.stage) + bytes(live / "changed"))])
    store.close()
    again = Store(places.store)
    apply.finish(again, stages(places, live))
    assert contents(live) == {"keep": "keep", "changed": "old", "gone": "gone"}
    assert again.arrivals() == (0, 0)


def test_an_old_log_is_not_played_into_a_new_database(tmp_path: Path) -> None:
    places, live = prepare(tmp_path)
    for name in ("changed-wal", "changed-shm", "changed-journal"):
        (live / name).write_text("of the old one")
    carry_out(places, live, apply.MOVE_DATABASE)
    assert contents(live) == {"keep": "keep", "changed": "new", "gone": "gone"}


def test_a_file_takes_the_place_of_a_directory_and_what_never_travelled_in_it(tmp_path: Path) -> None:
    places, live = prepare(tmp_path)
    (live / "changed").unlink()
    (live / "changed").mkdir()
    (live / "changed" / ".asha-stage").write_text("ours")
    carry_out(places, live, apply.MOVE)
    assert contents(live) == {"keep": "keep", "changed": "new", "gone": "gone"}
    assert contents(places.quarantine) == {f"test/in-the-way{live}/changed/.asha-stage": "ours"}


def test_a_generation_without_steps_is_in_place_too(tmp_path: Path) -> None:
    places, live = prepare(tmp_path)
    store = Store(places.store)
    store.stage([look(bytes(live / "keep"))])
    store.decide(Generation(0, 1.0, "peer", "it was here already", 1, 0, 4, False), [], [])
    assert store.pending()
    apply.finish(store, stages(places, live))
    newest = store.newest()
    assert newest is not None
    assert newest.placed
    assert not store.pending()


def test_what_lies_in_whole_directories_is_left_out(tmp_path: Path) -> None:
    """Names that sort otherwise with a slash behind them, and neighbours that only begin alike."""
    store = Store(tmp_path / "store.db")
    files = (b"/t/a", b"/t/b/1", b"/t/b-c/2", b"/t/b-d", b"/t/b/deep/3", b"/t/b0", b"/t/z/4")
    store.stage(TreeEntry(path, "f") for path in files)
    store.stage(TreeEntry(path, "d") for path in (b"/t/b", b"/t/b-c", b"/t/b/deep", b"/t/z"))
    whole = {b"/t/b", b"/t/b-c"}
    left = [entry.path for entry in store.arrived(directories=False, outside=whole)]
    assert sorted(left) == [b"/t/a", b"/t/b-d", b"/t/b0", b"/t/z/4"]
    assert {entry.path for entry in store.arrived(directories=True, outside=whole)} == {*whole, b"/t/z"}
    store.close()
