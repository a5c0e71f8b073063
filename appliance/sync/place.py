"""Putting a decided generation in place, step by step. Every step may be done twice; a kill anywhere is made good.

Every step goes by open directories (see `Below`). Nothing that somebody may have written is destroyed to make room:
what is not known to be spare is set aside in quarantine, in a directory that is called after the generation's time.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from appliance.core.words import printable
from appliance.sync.below import Below, OpenName
from appliance.sync.carrying import dress, is_leaving, move, open_directory, remove, set_aside
from appliance.sync.mailboxes import repair
from appliance.sync.problems import OF_THE_DISK
from appliance.sync.stages import READY, Stages
from appliance.sync.store import Step, Store
from appliance.sync.trees import WORK_PREFIX, companions

REMOVE, REMOVE_DIRECTORY, MAKE_DIRECTORY, MOVE, MOVE_DATABASE = "remove", "rmdir", "mkdir", "move", "database"
SET_ASIDE = "aside"
# In a mail folder: the file of a message that gets its name at once.
INCOMING = f"{WORK_PREFIX}incoming-".encode()

# What nobody expected in the way of something else, for of some of what was in it more may have been set aside.
_IN_THE_WAY = b"/in-the-way"
_NAMED = 5

# For what `finish` could not put in place.
TODO = "See what keeps it from being replaced here: a mount, an immutable file, a damaged disk."


@dataclass(slots=True)
class Placed:
    """What came of it. `aside`: where in quarantine things of ours are now. `refused`: why a path is not in place."""

    aside: list[bytes] = field(default_factory=list)
    refused: dict[bytes, str] = field(default_factory=dict)

    def told(self) -> list[str]:
        """What an operator is to know of what was set aside."""
        if not self.aside:
            return []
        names = ", ".join(printable(path) for path in self.aside[:_NAMED])
        more = f" and {len(self.aside) - _NAMED} more" if len(self.aside) > _NAMED else ""
        return [f"What was only here has made way and is kept, until you remove it: {names}{more}."]


def finish(store: Store, stages: Stages) -> Placed:
    """Carry out what was decided and is not in place yet. Nothing to do is no trouble.

    Mail folders in which a pass was killed are put in order too. The caller holds the lock. Returns what could not be
    put in place, with the reasons: it is in step no more, and left as it was. Raises OSError when the disk is to blame
    and not one file; what was decided stays decided then, and the next call goes on.
    """
    if folders := store.appending():
        for folder in folders:
            _repair(folder, stages.below)
        store.end_appending()
    decided = store.newest()
    if decided is None or not store.pending():
        return Placed()
    applier = Applier(stages.below, stages.aside(decided))
    for step in store.steps():
        applier.carry_out(step)
    refused = applier.done.refused
    store.give_up(refused, [stages.below.look_anyway(path) for path in refused])
    # What is said to be in place must be there after a power cut too.
    stages.flush()
    store.placed()
    stages.clean()
    return applier.done


def _repair(folder: bytes, below: Below) -> None:
    try:
        directory = below.directory(folder)
    except OSError:
        return  # it is gone, or somebody has put a link in its place: nothing of ours is there
    repair(Path(f"/proc/self/fd/{directory.descriptor}"))
    for name in map(os.fsencode, os.listdir(directory.descriptor)):
        if name.startswith(INCOMING):
            remove(OpenName(directory, name))


class Applier:
    """Carries out steps. `quarantine`: where things are set aside, under their full paths."""

    def __init__(self, below: Below, quarantine: bytes) -> None:
        self._below = below
        self._quarantine = quarantine
        self.done = Placed()

    def carry_out(self, step: Step) -> None:
        """Do it, or note why it cannot be done. Raises OSError when the disk is in trouble."""
        try:
            self._refuse_in_refused(step.path)
            _DEEDS[step.verb](self, step)
        except OSError as problem:
            # What waits under another name may be nowhere else: a message of ours that gets another number.
            if problem.errno in OF_THE_DISK or (step.stage or b"").endswith(READY):
                raise
            self.done.refused[step.path] = f"it cannot be put in place here ({problem.strerror})"

    def _refuse_in_refused(self, path: bytes) -> None:
        """Raise OSError for what lies in refused: a link that could not be removed must not pass for a directory."""
        if any(path == one or path.startswith(one + b"/") for one in self.done.refused):
            raise OSError(errno.ENOTDIR, "what it lies in could not be put in place")

    def remove(self, step: Step) -> None:
        """Remove a file or a link; a directory that is there by now stays."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            spot = self._below.at(step.path)
            os.unlink(spot.name, dir_fd=spot.fd)

    def remove_directory(self, step: Step) -> None:
        """Remove a directory, if nothing is in it that never travels."""
        with contextlib.suppress(OSError):
            spot = self._below.at(step.path)
            os.rmdir(spot.name, dir_fd=spot.fd)
            self._below.forget_open()

    def make_directory(self, step: Step) -> None:
        """Have a directory there, with the owner, mode and attributes of the staged one. A passage keeps its own."""
        spot = self._below.at(step.path, make=True)
        seen = spot.stat()
        if self._below.is_passage(step.path):
            return
        if is_leaving(spot) or (seen is not None and not stat.S_ISDIR(seen.st_mode)):
            self._set_aside(step.path, _IN_THE_WAY)
            seen = None
        if seen is None:
            os.mkdir(spot.name, 0o700, dir_fd=spot.fd)
        like = self._below.stat(step.staged)
        if like is not None and stat.S_ISDIR(like.st_mode):
            here, staged = open_directory(spot), open_directory(self._below.at(step.staged))
            dress(here.descriptor, staged.descriptor)

    def move(self, step: Step) -> None:
        """Have there what waits on the stage; a directory in its way is set aside unless it is empty."""
        new = self._below.stat(step.staged)
        if new is None:
            return  # done before a kill
        spot = self._below.at(step.path, make=True)
        old = spot.stat()
        if old is None and is_leaving(spot):  # a kill came between
            self._set_aside(step.path, _IN_THE_WAY)
        elif old is not None and (stat.S_ISDIR(old.st_mode) or stat.S_ISDIR(new.st_mode)):
            self._clear(spot, step.path, old)
        move(self._below.at(step.staged), spot)
        if stat.S_ISDIR(new.st_mode):
            self._below.forget_open()

    def move_database(self, step: Step) -> None:
        """As `move`, without what SQLite left beside the old one: its log would be played into the new one."""
        if self._below.stat(step.staged) is not None:
            spot = self._below.at(step.path, make=True)
            for companion in companions(Path(os.fsdecode(step.path))):
                remove(spot.beside(os.fsencode(companion.name)))
            self.move(step)

    def set_aside(self, step: Step) -> None:
        """Move to quarantine what is there."""
        self._set_aside(step.path)

    def _clear(self, spot: OpenName, path: bytes, old: os.stat_result) -> None:
        self._below.forget_open()
        if stat.S_ISDIR(old.st_mode):
            with contextlib.suppress(OSError):
                os.rmdir(spot.name, dir_fd=spot.fd)
                return
        self._set_aside(path, _IN_THE_WAY)

    def _set_aside(self, path: bytes, where: bytes = b"") -> None:
        target = self._quarantine + where + path
        with contextlib.suppress(
            FileNotFoundError, NotADirectoryError
        ):  # what it was in is gone, and it with that
            spot, kept = self._below.at(path), self._below.at(target, make=True)
            set_aside(spot, kept)
            if kept.stat() is not None:
                self.done.aside.append(target)
        self._below.forget_open()


_DEEDS: Mapping[str, Callable[[Applier, Step], None]] = {
    REMOVE: Applier.remove,
    REMOVE_DIRECTORY: Applier.remove_directory,
    MAKE_DIRECTORY: Applier.make_directory,
    MOVE: Applier.move,
    MOVE_DATABASE: Applier.move_database,
    SET_ASIDE: Applier.set_aside,
}
