"""Putting a decided generation in place, step by step. Every step may be done twice; a kill anywhere is made good."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from appliance.host import disk
from appliance.sync.databases import remove_companions
from appliance.sync.places import Places
from appliance.sync.problems import Kind, SyncProblem
from appliance.sync.store import Step, Store
from appliance.sync.trees import WORK_PREFIX

REMOVE, REMOVE_DIRECTORY, MAKE_DIRECTORY, MOVE, MOVE_DATABASE = "remove", "rmdir", "mkdir", "move", "database"


def finish(store: Store, places: Places, tops: Iterable[Path]) -> None:
    """Carry out what was decided and is not in place yet. Nothing to do is no trouble.

    `tops`: the directories and database directories that steps reach. The caller holds the lock.
    Raises SyncProblem; what was decided stays decided, and the next call goes on.
    """
    if store.pending():
        try:
            for step in store.steps():
                _DEEDS[step.verb](step)
        except OSError as problem:
            raise SyncProblem(
                Kind.DISK_FULL if problem.errno == 28 else Kind.OTHER,
                f"{problem.filename!r} could not be put in place: {problem.strerror}.",
            ) from problem
        # What is said to be in place must be there after a power cut too.
        for top in filesystems((places.lasting, *tops)):
            disk.flush(top)
        store.placed()
        clean(places, tops)


def clean(places: Places, tops: Iterable[Path]) -> None:
    """Empty the stages. What a cut link has left there is kept until a pass ends well: it need not come again."""
    for top in tops:
        shutil.rmtree(work_directory(top), ignore_errors=True)
    shutil.rmtree(places.stage, ignore_errors=True)


def work_directory(top: Path) -> Path:
    """The stage of a `top` that is on a filesystem of its own."""
    return top / f"{WORK_PREFIX}stage"


def stage_for(top: Path, places: Places) -> Path:
    """Where what belongs below `top` waits: on the same filesystem, since a rename does not reach another."""
    top.mkdir(parents=True, exist_ok=True)
    places.stage.mkdir(mode=0o700, parents=True, exist_ok=True)
    if places.stage.stat().st_dev == top.stat().st_dev:
        return places.stage
    return work_directory(top)


def filesystems(places: Iterable[Path]) -> list[Path]:
    """One of `places` for each filesystem they are on."""
    found: dict[int, Path] = {}
    for place in places:
        if place.is_dir():
            found.setdefault(place.stat().st_dev, place)
    return list(found.values())


def _remove(step: Step) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(step.path)


def _remove_directory(step: Step) -> None:
    # A directory with something in it that never travels stays.
    with contextlib.suppress(OSError):
        os.rmdir(step.path)


def _make_directory(step: Step) -> None:
    os.makedirs(step.path, exist_ok=True)
    if os.path.isdir(step.staged):
        seen = os.stat(step.staged)
        os.chown(step.path, seen.st_uid, seen.st_gid)
        shutil.copystat(step.staged, step.path)


def _move(step: Step) -> None:
    if not os.path.lexists(step.staged):
        return  # done before a kill
    if os.path.isdir(step.path) and not os.path.islink(step.path):
        os.rename(step.path, step.path + b".asha-was-a-directory")
    try:
        os.rename(step.staged, step.path)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(step.path), exist_ok=True)
        os.rename(step.staged, step.path)


def _move_database(step: Step) -> None:
    if os.path.lexists(step.staged):
        remove_companions(Path(os.fsdecode(step.path)))
        _move(step)


_DEEDS: Mapping[str, Callable[[Step], None]] = {
    REMOVE: _remove,
    REMOVE_DIRECTORY: _remove_directory,
    MAKE_DIRECTORY: _make_directory,
    MOVE: _move,
    MOVE_DATABASE: _move_database,
}
