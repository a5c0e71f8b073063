"""Putting a decided generation in place, step by step. Every step may be done twice; a kill anywhere is made good."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from appliance.sync.databases import remove_companions
from appliance.sync.mailboxes import repair
from appliance.sync.problems import OF_THE_DISK
from appliance.sync.stages import READY, Stages
from appliance.sync.store import Step, Store
from appliance.sync.traits import drop_other_attributes

REMOVE, REMOVE_DIRECTORY, MAKE_DIRECTORY, MOVE, MOVE_DATABASE = "remove", "rmdir", "mkdir", "move", "database"

# For what `finish` could not put in place.
TODO = "See what keeps it from being replaced here: a mount, an immutable file, a damaged disk."


def finish(store: Store, stages: Stages) -> dict[bytes, str]:
    """Carry out what was decided and is not in place yet. Nothing to do is no trouble.

    Mail folders in which a pass was killed are put in order too. The caller holds the lock. Returns what could not be
    put in place, with the reasons: it is in step no more, and left as it was. Raises OSError when the disk is to blame
    and not one file; what was decided stays decided then, and the next call goes on.
    """
    failed: dict[bytes, str] = {}
    if folders := store.appending():
        for folder in folders:
            repair(Path(os.fsdecode(folder)))
        store.end_appending()
    if store.pending():
        for step in store.steps():
            try:
                _DEEDS[step.verb](step)
            except OSError as problem:
                # What waits under another name may be nowhere else: a message of ours that gets another number.
                if problem.errno in OF_THE_DISK or (step.stage or b"").endswith(READY):
                    raise
                failed[step.path] = f"it cannot be put in place here ({problem.strerror})"
        store.give_up(failed)
        # What is said to be in place must be there after a power cut too.
        stages.flush()
        store.placed()
        stages.clean()
    return failed


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
