"""Putting a decided generation in place, step by step. Every step may be done twice; a kill anywhere is made good."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from appliance.sync.databases import remove_companions
from appliance.sync.mailboxes import repair
from appliance.sync.stages import Stages
from appliance.sync.store import Step, Store
from appliance.sync.traits import drop_other_attributes

REMOVE, REMOVE_DIRECTORY, MAKE_DIRECTORY, MOVE, MOVE_DATABASE = "remove", "rmdir", "mkdir", "move", "database"


def finish(store: Store, stages: Stages) -> None:
    """Carry out what was decided and is not in place yet. Nothing to do is no trouble.

    Mail folders in which a pass was killed are put in order too. The caller holds the lock. Raises OSError; what was
    decided stays decided, and the next call goes on.
    """
    if folders := store.appending():
        for folder in folders:
            repair(Path(os.fsdecode(folder)))
        store.end_appending()
    if store.pending():
        for step in store.steps():
            _DEEDS[step.verb](step)
        # What is said to be in place must be there after a power cut too.
        stages.flush()
        store.placed()
        stages.clean()


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
        drop_other_attributes(step.path, step.staged)


def _move(step: Step) -> None:
    if not os.path.lexists(step.staged):
        return  # done before a kill
    if os.path.isdir(step.path) and not os.path.islink(step.path):
        shutil.rmtree(step.path)  # what is left in it never travels, and belonged to the directory
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
