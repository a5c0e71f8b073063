"""A backup put back on this machine: what would change, and one file after the other.

Every file is replaced in one step, and what it replaces stays beside it. So a restore that was killed is done by doing
it again: what is in place already counts as unchanged.
"""

from __future__ import annotations

import grp
import os
import pwd
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from appliance.agent.grant_file import GrantFile
from appliance.backup.archive import Backup
from appliance.backup.collect import described
from appliance.backup.places import BEFORE_RESTORE, Places
from appliance.cluster.installed import engines
from appliance.control.client import AgentAbsent, ask
from appliance.core.backup import BackupFile, BackupFolder, RestoreEffect, RestoreStep, steps_of
from appliance.core.errors import AshaError, HostError, UserError
from appliance.host.disk import read_small, replace_file, sync_directory
from appliance.host.leftovers import temporary_beside
from appliance.host.paths import GRANT

# As long as the journal turns over at; anything larger in the place of a file is no file of asha's.
_MOST_THERE = 16 * 1024 * 1024


def what_runs() -> tuple[str, ...]:
    """Return what runs on this machine that a restore would pull its files from under, each with what stops it."""
    return tuple(_what_runs())


def _what_runs() -> Iterator[str]:
    grant = GrantFile(GRANT).peek()
    if grant is not None and grant.held:
        yield "This node serves: 'service asha stop' or 'asha leave' gives service to the other node."
    for engine in engines():
        if engine.identity():
            yield f"{engine.traits.title} runs: 'asha leave' stops it."
    try:
        ask("status")
    except AgentAbsent:
        return
    except AshaError:  # it runs, and does not answer
        pass
    yield "The agent runs: 'service asha stop' stops it."


@dataclass(frozen=True, slots=True)
class Restore:
    """A restore of `backup` into `places`, with its `steps`."""

    backup: Backup
    places: Places
    steps: tuple[RestoreStep, ...]

    @property
    def changes(self) -> tuple[RestoreStep, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.effect != RestoreEffect.UNCHANGED.value)

    def carry_out(self) -> None:
        """Put every file in place. Raises HostError; what was done until then stays, and it can be done again."""
        files = {file.path: file for file in self.backup.manifest.files}
        try:
            for folder in self.backup.manifest.folders:
                _make_folder(folder, self.places)
            for step in self.changes:
                self._carry_out(step, files[step.path])
        except OSError as problem:
            raise HostError(
                f"{problem.filename or 'A file'} could not be written: {problem.strerror}.",
                todo="Put that right and give the command again: it goes on where it ended.",
            ) from problem

    def _carry_out(self, step: RestoreStep, file: BackupFile) -> None:
        path = self.places.at(step.path)
        if step.aside:
            os.link(path, self.places.at(step.aside), follow_symlinks=False)
        replace_file(path, self.backup.contents[step.path], file.mode, _numbers(file))


def plan(backup: Backup, places: Places, now: float) -> Restore:
    """Return the restore of `backup` as it would be now, in epoch seconds. Nothing is changed.

    Raises UserError when the backup names a place that is none of asha's here, and HostError when a file that is there
    cannot be read or replaced, or when a user of the backup does not exist here.
    """
    _refuse_strange_places(backup, places)
    present = dict(_present(backup, places))
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    steps = (
        replace(step, aside=_aside(step.path, stamp, places))
        if step.effect == RestoreEffect.REPLACED.value
        else step
        for step in steps_of(backup.manifest.files, present)
    )
    owned: tuple[BackupFile | BackupFolder, ...] = (*backup.manifest.files, *backup.manifest.folders)
    for one in owned:
        _numbers(one)
    return Restore(backup, places, tuple(steps))


def _refuse_strange_places(backup: Backup, places: Places) -> None:
    for file in backup.manifest.files:
        if not places.knows(file.path):
            raise UserError(
                f"The backup has {file.path}, which is no file of asha's on this machine. Nothing was changed.",
                todo="If it is the secret of a cluster engine, install that engine first.",
            )


def _present(backup: Backup, places: Places) -> Iterator[tuple[str, BackupFile]]:
    for file in backup.manifest.files:
        path = places.at(file.path)
        if not os.path.lexists(path):
            continue
        if path.is_symlink() or not path.is_file():
            raise HostError(f"{path} is not a regular file. Nothing was changed.", todo="Move it away first.")
        try:
            content = read_small(path, _MOST_THERE) or b""
        except OSError as problem:
            raise HostError(f"{path} cannot be read: {problem.strerror}. Nothing was changed.") from None
        yield file.path, described(file.path, places, content)


def _aside(path: str, stamp: str, places: Places) -> str:
    names = (f"{path}{BEFORE_RESTORE}{stamp}{more}" for more in ("", *map("-{}".format, range(2, 99))))
    return next(name for name in names if not os.path.lexists(places.at(name)))


def _make_folder(folder: BackupFolder, places: Places) -> None:
    """Make the folder, and whatever is missing above it, unless it is there.

    It gets its name last, when its owner and mode are set: what is there already is left as it is.
    """
    path = places.at(folder.path)
    if path.is_dir():
        return
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = temporary_beside(path)
    fresh.mkdir(mode=0o700)
    os.chown(fresh, *_numbers(folder))
    fresh.chmod(folder.mode)
    fresh.rename(path)
    sync_directory(path.parent)


def _numbers(owned: BackupFile | BackupFolder) -> tuple[int, int]:
    """Return the numbers of the user and the group here. Raises HostError when one does not exist.

    An owner that had no name where the backup was made is a number in it.
    """
    try:
        user = int(owned.user) if owned.user.isdigit() else pwd.getpwnam(owned.user).pw_uid
        return user, int(owned.group) if owned.group.isdigit() else grp.getgrnam(owned.group).gr_gid
    except KeyError:
        raise HostError(
            f"{owned.path} belongs to {owned.user}:{owned.group}, whom this machine does not know.",
            todo="Nothing was changed. Install asha's packages first: they make asha's users.",
        ) from None
