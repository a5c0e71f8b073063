"""Putting a decided generation in place, step by step.

Every step may be done twice, so that a kill at any point is repaired by running the steps again. Every step
goes by open directories (see `Below`). Nothing that somebody may have written is destroyed to make room: a
file that is not known to be spare is set aside in quarantine, in a directory named after the time and number
of the generation.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from appliance.core.text import printable
from appliance.sync.errors import OF_THE_DISK
from appliance.sync.file_moves import dress, is_leaving, move, open_directory, remove, set_aside
from appliance.sync.mailboxes import repair
from appliance.sync.open_directories import Below, OpenName
from appliance.sync.stages import READY, Stages
from appliance.sync.store import PlaceStep, Store
from appliance.sync.trees import WORK_PREFIX, companions

REMOVE, REMOVE_DIRECTORY, MAKE_DIRECTORY, MOVE, MOVE_DATABASE = "remove", "rmdir", "mkdir", "move", "database"
SET_ASIDE = "aside"
# The prefix, in a mail folder, of a message's file that is about to get its own name.
INCOMING = f"{WORK_PREFIX}incoming-".encode()

# The folder in quarantine for what stood unexpectedly in the way. It has a path of its own, since parts of
# the same directory may have been set aside already under its full path.
_IN_THE_WAY = b"/in-the-way"
_NAMED = 5

# What the operator can do about a file that `finish` could not put in place.
TODO = "See what keeps it from being replaced here: a mount, an immutable file, a damaged disk."


@dataclass(slots=True)
class Placed:
    """The result of putting a generation in place.

    `aside`: the places in quarantine where files of ours are now. `refused`: the paths that could not be put
    in place, with the reasons.
    """

    aside: list[bytes] = field(default_factory=list)
    refused: dict[bytes, str] = field(default_factory=dict)

    def told(self) -> list[str]:
        """Return what the operator has to know about files that were set aside."""
        if not self.aside:
            return []
        names = ", ".join(printable(path) for path in self.aside[:_NAMED])
        more = f" and {len(self.aside) - _NAMED} more" if len(self.aside) > _NAMED else ""
        return [f"What was only here has made way and is kept, until you remove it: {names}{more}."]


def finish(store: Store, stages: Stages) -> Placed:
    """Carry out what was decided and is not in place yet; do nothing when nothing is left.

    Mail folders in which a pass was killed are put in order too. The caller holds the sync lock. Returns the
    paths that could not be put in place, with the reasons: they count as not in step any more, and are left
    as they were. Raises OSError when the whole disk is to blame and not a single file. Then the decision
    remains, and the next call goes on with it.
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
    # A generation that is recorded as placed must be in place after a power cut too.
    stages.flush()
    store.placed()
    stages.clean()
    return applier.done


def _repair(folder: bytes, below: Below) -> None:
    try:
        directory = below.directory(folder)
    except OSError:
        return  # the folder is gone or was replaced by a link: nothing of ours is there
    repair(Path(f"/proc/self/fd/{directory.descriptor}"))
    for name in map(os.fsencode, os.listdir(directory.descriptor)):
        if name.startswith(INCOMING):
            remove(OpenName(directory, name))


class Applier:
    """The execution of steps. `quarantine`: where files are set aside, under their full paths."""

    def __init__(self, below: Below, quarantine: bytes) -> None:
        self._below = below
        self._quarantine = quarantine
        self.done = Placed()

    def carry_out(self, step: PlaceStep) -> None:
        """Do `step`, or note why it cannot be done. Raises OSError when the disk is in trouble."""
        try:
            self._refuse_in_refused(step.path)
            _ACTIONS[step.verb](self, step)
        except OSError as problem:
            # A file that waits under another name may exist nowhere else, such as a message of ours that gets
            # another number.
            if problem.errno in OF_THE_DISK or (step.stage or b"").endswith(READY):
                raise
            self.done.refused[step.path] = f"it cannot be put in place here ({problem.strerror})"

    def _refuse_in_refused(self, path: bytes) -> None:
        """Raise OSError for a path that lies in a refused one.

        A link that could not be removed must not pass for a directory.
        """
        if any(path == one or path.startswith(one + b"/") for one in self.done.refused):
            raise OSError(errno.ENOTDIR, "what it lies in could not be put in place")

    def remove(self, step: PlaceStep) -> None:
        """Remove a file or a link; a directory that has taken its place stays."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            spot = self._below.at(step.path)
            os.unlink(spot.name, dir_fd=spot.fd)

    def remove_directory(self, step: PlaceStep) -> None:
        """Remove a directory, unless files that are never synchronised are in it."""
        with contextlib.suppress(OSError):
            spot = self._below.at(step.path)
            os.rmdir(spot.name, dir_fd=spot.fd)
            self._below.forget_open()

    def make_directory(self, step: PlaceStep) -> None:
        """Make a directory with the owner, mode and attributes of the staged one.

        A passage keeps its own. A file or link in the way is set aside.
        """
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

    def move(self, step: PlaceStep) -> None:
        """Move the staged file or directory into place.

        A directory in the way is set aside unless it is empty.
        """
        new = self._below.stat(step.staged)
        if new is None:
            return  # the step was done before a kill
        spot = self._below.at(step.path, make=True)
        old = spot.stat()
        if old is None and is_leaving(spot):  # a kill came in the middle of setting aside
            self._set_aside(step.path, _IN_THE_WAY)
        elif old is not None and (stat.S_ISDIR(old.st_mode) or stat.S_ISDIR(new.st_mode)):
            self._clear(spot, step.path, old)
        move(self._below.at(step.staged), spot)
        if stat.S_ISDIR(new.st_mode):
            self._below.forget_open()

    def move_database(self, step: PlaceStep) -> None:
        """Move the staged database into place, and remove SQLite's files beside the old one.

        SQLite would play the log of the old database into the new one.
        """
        if self._below.stat(step.staged) is not None:
            spot = self._below.at(step.path, make=True)
            for companion in companions(Path(os.fsdecode(step.path))):
                remove(spot.beside(os.fsencode(companion.name)))
            self.move(step)

    def set_aside(self, step: PlaceStep) -> None:
        """Move what is at the step's path to quarantine."""
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
        ):  # the directory that held the file is gone, and the file with it
            spot, kept = self._below.at(path), self._below.at(target, make=True)
            set_aside(spot, kept)
            if kept.stat() is not None:
                self.done.aside.append(target)
        self._below.forget_open()


_ACTIONS: Mapping[str, Callable[[Applier, PlaceStep], None]] = {
    REMOVE: Applier.remove,
    REMOVE_DIRECTORY: Applier.remove_directory,
    MAKE_DIRECTORY: Applier.make_directory,
    MOVE: Applier.move,
    MOVE_DATABASE: Applier.move_database,
    SET_ASIDE: Applier.set_aside,
}
