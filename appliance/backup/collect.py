"""What is in a backup of this node: each file read once, whole, with its owner and mode."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from appliance import __version__
from appliance.agent.journal_file import JournalFile
from appliance.backup.archive import Backup, digest
from appliance.backup.places import Place, Places
from appliance.core.backup import FORMAT, BackupFile, BackupFolder, LeftOut, Manifest
from appliance.core.errors import HostError
from appliance.host.disk import read_small
from appliance.host.paths import CONF, JOURNAL

_NOT_ASKED_FOR = "it is a key, or readable by its owner only: --keys includes it"


@dataclass(slots=True)
class Collected:
    """A backup of this node as it is now, and what of the node is not in it."""

    backup: Backup
    left_out: list[LeftOut] = field(default_factory=list)


def collect(host: str, node: str, made: float, *, keys: bool, places: Places) -> Collected:
    """Read the state of this node, with its keys if `keys`.

    Args:
        host: The name of this machine.
        node: `primary` or `secondary`, "" for neither.
        made: The time, in seconds since the epoch.
        keys: Whether keys are to be in it.
        places: Where everything is.

    Raises:
        HostError: A file cannot be read, or there is no conf file.
    """
    journal = _journal(places)
    files: list[BackupFile] = []
    contents: dict[str, bytes] = {}
    left_out = list(places.left_out())
    for place in places.all():
        path = str(place.path)
        if place.secret and not keys:
            left_out.append(LeftOut(path, _NOT_ASKED_FOR))
            continue
        try:
            content = journal[place.path] if place.path in journal else _content(places, place)
        except _NoPlainFile as why:
            left_out.append(LeftOut(path, str(why)))
            continue
        if content is not None:  # it was there a moment ago
            files.append(described(path, places, content, secret=place.secret))
            contents[path] = content
    if str(CONF) not in contents:
        raise HostError(
            f"There is no regular file {places.at(CONF)}: a backup without it would be of no use."
        )
    folders = tuple(_folders(files, places))
    manifest = Manifest(FORMAT, __version__, node, host, made, keys, tuple(files), folders)
    return Collected(Backup(manifest, contents), left_out)


def described(path: str, places: Places, content: bytes, *, secret: bool = False) -> BackupFile:
    """Return what a manifest says of the file `path` with that `content`. Raises HostError."""
    mode, user, group = _owner(places.at(path))
    return BackupFile(path, len(content), digest(content), mode, user, group, secret)


class _NoPlainFile(Exception):
    """Why something is not in a backup."""


def _content(places: Places, place: Place) -> bytes | None:
    path = places.at(place.path)
    if not path.is_file() or path.is_symlink():
        raise _NoPlainFile("it is not a regular file")
    try:
        return read_small(path)
    except OSError as problem:
        raise HostError(f"{path} cannot be read: {problem.strerror}.") from None


def _journal(places: Places) -> dict[Path, bytes]:
    file = JournalFile(places.at(JOURNAL))
    try:
        found = file.contents()
    except OSError as problem:
        raise HostError(f"The journal {file.path} cannot be read: {problem.strerror}.") from None
    return {JOURNAL.with_name(path.name): content for path, content in found.items()}


def _folders(files: list[BackupFile], places: Places) -> Iterator[BackupFolder]:
    for path in sorted({str(Path(file.path).parent) for file in files}):
        yield BackupFolder(path, *_owner(places.at(path)))


def _owner(path: Path) -> tuple[int, str, str]:
    """Return the mode of `path`, and its user and group by name, or by number where they have no name."""
    try:
        seen = os.lstat(path)
    except OSError as problem:
        raise HostError(f"{path} cannot be read: {problem.strerror}.") from None
    return seen.st_mode & 0o777, _user(seen.st_uid), _group(seen.st_gid)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
