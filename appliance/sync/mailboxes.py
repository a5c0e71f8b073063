"""Asterisk's voicemail on disk: CONTEXT/MAILBOX/FOLDER/msgNNNN.ENDING.

One message consists of all files of one number, with different endings.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from appliance.core.data_merge import MOST, Mailbox, Spot
from appliance.core.held_back import HeldBack
from appliance.core.text import printable
from appliance.host.clock import Clock
from appliance.host.running import first_start
from appliance.sync.errors import OF_THE_DISK, Fault, SyncProblem
from appliance.sync.trees import TreeEntry

_NAME = re.compile(rb"msg([0-9]{4})\.([A-Za-z0-9]+)")
_DEPTH = 4  # context, mailbox, folder, file
# Asterisk itself gives up after five seconds (main/app.c, ast_lock_path_lockfile).
_LOCK_PATIENCE = 5.0
_LOCK, _MARK = ".lock", "asha-"
_OWN_LOCK = re.compile(rf"{_MARK}([0-9]{{4}})")
_LOCK_LOOK = 0.02
_DEAD_AFTER = 60.0
_LOCKED = "If no Asterisk holds it, remove it; the messages come with the next pass then."
_EMPTY = "Have messages in it deleted; the others come then."

Parts = dict[Spot, dict[str, TreeEntry]]
"""The files of each message, by the ending of their names."""


class Part(NamedTuple):
    """One file of a message: its mailbox's directory, its folder and number, and the ending of its name."""

    box: bytes
    spot: Spot
    ending: str


def part_of(path: bytes, top: bytes) -> Part | None:
    """Return what message file `path`, below the voicemail directory `top`, is; None for others."""
    steps = path[len(top) + 1 :].split(b"/")
    name = _NAME.fullmatch(steps[-1])
    if len(steps) != _DEPTH or name is None:
        return None
    box = top + b"/" + steps[0] + b"/" + steps[1]
    return Part(box, Spot(os.fsdecode(steps[2]), int(name[1])), name[2].decode())


def stem_of(path: bytes, top: bytes) -> bytes:
    """Return the part of the full path common to all files of a message.

    Returns b"" when `path` is not a message file.
    """
    return path[: path.rindex(b".")] if part_of(path, top) is not None else b""


def box_of(directory: bytes, top: bytes) -> bytes:
    """Return the mailbox in which `directory` lies, or `directory` itself when it lies in none."""
    steps = directory[len(top) + 1 :].split(b"/")
    return top + b"/" + b"/".join(steps[:2]) if len(steps) > 2 else directory


def place_of(box: bytes, spot: Spot, ending: str) -> bytes:
    """Return the full path at which the message file of `spot` with that `ending` belongs."""
    return box + b"/" + os.fsencode(spot.folder) + f"/msg{spot.number:04d}.{ending}".encode()


def sort_parts(entries: Iterable[TreeEntry], top: bytes) -> Parts:
    """Return those of `entries` that are message files, by message."""
    found: Parts = {}
    for entry in entries:
        part = part_of(entry.path, top)
        if part is not None and entry.kind:
            found.setdefault(part.spot, {})[part.ending] = entry
    return found


def mailbox(parts: Mapping[Spot, Mapping[str, TreeEntry]]) -> Mailbox:
    """Return the messages that the files in `parts` make."""
    return {
        spot: frozenset((ending, entry.digest) for ending, entry in files.items())
        for spot, files in parts.items()
    }


class FolderRefused(SyncProblem):
    """The problem that nothing can be put in one mail folder now; `held` says why."""

    def __init__(self, folder: Path, why: str, todo: str) -> None:
        name = printable(os.fsencode(folder))
        super().__init__(Fault.BUSY, f"{name}: {why}. {todo}")
        self.held = HeldBack(name, why, todo)


def append(folder: Path, files: Mapping[str, bytes], clock: Clock, asterisk: str) -> int:
    """Put a message into a folder in which Asterisk may be working, and return its number.

    `files` maps the ending to the file that is moved there. The order is Asterisk's own: under the folder's
    lock, at the first number that no file has, `txt` last. What a kill leaves behind is removed by `repair`.
    `asterisk` is the path of Asterisk's program.

    Raises FolderRefused when the lock cannot be had, or the folder is full or cannot be written; OSError when
    the disk is to blame. A half-added message is taken back then.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _folder_lock(folder, clock, asterisk) as number:
            for ending in sorted(files, key=lambda ending: ending == "txt"):
                os.rename(files[ending], os.fsencode(folder / f"msg{number:04d}.{ending}"))
    except OSError as problem:
        if problem.errno in OF_THE_DISK:
            raise
        why = f"it cannot be written here ({problem.strerror})"
        raise FolderRefused(folder, why, "See what keeps it from being written.") from problem
    return number


def repair(folder: Path) -> None:
    """Remove what a killed `append` has left in `folder`: our lock and half a message.

    Asterisk would wait for the lock for ever. The caller knows that the `append` does not run any more.
    Nothing that Asterisk has left there is touched. Raises OSError.
    """
    lock = folder / _LOCK
    try:
        ours = _OWN_LOCK.fullmatch(os.readlink(lock))
    except OSError:  # there is no lock, or it is Asterisk's, which is a file
        return
    if ours is not None:
        message = folder / f"msg{ours[1]}.txt"
        for part in folder.glob(f"msg{ours[1]}.*") if not message.exists() else ():
            part.unlink()
        lock.unlink()


@contextlib.contextmanager
def _folder_lock(folder: Path, clock: Clock, asterisk: str) -> Iterator[int]:
    """Hold Asterisk's own lock on a folder, `.lock`, and yield the number for the new message.

    Our lock is a link whose target names the number. A link is made in one step, can be told from Asterisk's
    lock, which is a file, and says which message may be there by halves.
    """
    lock = folder / _LOCK
    number = _lock_number(folder, lock, clock, asterisk)
    try:
        yield number
    except BaseException:
        repair(folder)
        raise
    lock.unlink(missing_ok=True)


def _lock_number(folder: Path, lock: Path, clock: Clock, asterisk: str) -> int:
    give_up = clock.now() + _LOCK_PATIENCE
    while True:
        number = _free_number(folder)
        if number >= MOST:
            raise FolderRefused(folder, f"it holds {MOST} messages, and Asterisk numbers no more", _EMPTY)
        try:
            lock.symlink_to(f"{_MARK}{number:04d}")
        except FileExistsError:
            # No other process of asha's is at work here (see `place.finish`), so a lock of ours was left
            # behind.
            repair(folder)
            if not _remove_dead_lock(lock, clock, asterisk):
                _wait_for(lock, clock, give_up)
        else:
            if _free_number(folder) == number:
                return number
            lock.unlink()  # a message has got that number meanwhile


def _wait_for(lock: Path, clock: Clock, give_up: float) -> None:
    """Wait a moment for another program's lock to go.

    Raises FolderRefused when waiting is no use: Asterisk holds a lock only for a moment.
    """
    try:
        age = clock.wall() - lock.lstat().st_ctime
    except FileNotFoundError:
        return
    if age > _LOCK_PATIENCE or clock.now() >= give_up:
        why = f"its {_LOCK} is held by another program, or was left by one that has died, {max(0, round(age))} s ago"
        raise FolderRefused(lock.parent, why, _LOCKED)
    clock.sleep(_LOCK_LOOK)


def _remove_dead_lock(lock: Path, clock: Clock, asterisk: str) -> bool:
    """Remove the lock of an Asterisk that has died, and return whether there is no lock any more.

    The lock must look as Asterisk makes it: an empty plain file with one name. It must also be older, by a
    minute, than the oldest Asterisk that runs here now, or than a minute when none runs; then its maker has
    ended since. A file's change time is set by the kernel and by nobody else. A clock that was set meanwhile
    could only mislead this test if it was set in the very moment for which a living Asterisk holds a lock.
    Any other lock stays.
    """
    try:
        seen = lock.lstat()
        as_made = stat.S_ISREG(seen.st_mode) and seen.st_size == 0 and seen.st_nlink == 1
        alive_since = first_start(Path(asterisk).name)
        until = clock.wall() if alive_since is None else min(alive_since, clock.wall())
        if as_made and seen.st_ctime + _DEAD_AFTER < until:
            lock.unlink()
    except FileNotFoundError:
        return True
    return not os.path.lexists(lock)


def _free_number(folder: Path) -> int:
    used = {int(found[1]) for name in os.listdir(os.fsencode(folder)) if (found := _NAME.fullmatch(name))}
    return next(number for number in range(len(used) + 1) if number not in used)
