"""A backup of a node's own state: its manifest, when one may be used, and what a restore of it would do.

A backup is one compressed tar file. Its first member is the manifest, which names every other member with its size and
its SHA-256; nothing else may be in it. The file may have been on any disk since, so a restore believes nothing of it
before all of it has been compared with the manifest, and the manifest with the rules of this module.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FORMAT = 1
MANIFEST = "manifest.json"
# The members that are files of the node stand below this folder, by their paths.
FOLDER = "files"
# Of everything in a backup, in bytes: the journal turns over at 8 MiB and keeps one older file.
MOST_BYTES = 64 * 1024 * 1024
MOST_FILES = 200
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}", re.ASCII)
_LONGEST_PATH = 1024


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A file in a backup: where it belongs, its content by size (bytes) and SHA-256, its mode and its owner by name.

    `secret`: it is a key, and there only because it was asked for.
    """

    path: str
    size: int
    sha256: str
    mode: int
    user: str
    group: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class BackupFolder:
    """A folder that a file of a backup was in, to be made where it is missing."""

    path: str
    mode: int
    user: str
    group: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup, and of which node it is.

    Attributes:
        format: The version of this very description.
        version: The version of asha that made it.
        node: `primary` or `secondary`; "" when that machine was neither.
        host: Its name, as `uname -n` prints it.
        made: When, in seconds since the epoch.
        keys: Whether keys were asked for.
    """

    format: int
    version: str
    node: str
    host: str
    made: float
    keys: bool
    files: tuple[BackupFile, ...]
    folders: tuple[BackupFolder, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file of the node that is not in its backup, and why not."""

    path: str
    why: str


class RestoreEffect(enum.Enum):
    """What a restore does with one file."""

    NEW = "new"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class RestoreStep:
    """What a restore does with the file at `path`: a value of `RestoreEffect`, and where what it replaces is kept."""

    path: str
    effect: str
    aside: str = ""


def member_of(path: str) -> str:
    """Return the name by which the file `path` is in a backup."""
    return f"{FOLDER}{path}"


def flaw_of_manifest(manifest: Manifest) -> str:
    """Return why a backup with `manifest` must not be used whatever its members are; "" when it may."""
    if manifest.format != FORMAT:
        return f"its format is {manifest.format}, and this asha knows format {FORMAT}"
    if len(manifest.files) + len(manifest.folders) > MOST_FILES:
        return f"it names more than {MOST_FILES} files"
    if sum(max(0, file.size) for file in manifest.files) > MOST_BYTES:
        return f"its files would be more than {MOST_BYTES} bytes"
    paths = [file.path for file in manifest.files]
    if len({*paths}) != len(paths):
        return "it names a file twice"
    return next(filter(None, map(_flaw_of_file, manifest.files)), "") or _flaw_of_folders(manifest)


def _flaw_of_file(file: BackupFile) -> str:
    if file.size < 0 or not _DIGEST.fullmatch(file.sha256):
        return f"the size or the digest of {file.path} is none"
    return _flaw_of_place(file)


def _flaw_of_folders(manifest: Manifest) -> str:
    parents = {file.path.rpartition("/")[0] for file in manifest.files}
    for folder in manifest.folders:
        if folder.path not in parents:
            return f"no file of it is in the folder {folder.path}"
        if flaw := _flaw_of_place(folder):
            return flaw
    return ""


def _flaw_of_place(place: BackupFile | BackupFolder) -> str:
    if not is_plain_path(place.path):
        return f"{place.path} is no plain absolute path"
    if place.mode & ~0o777:
        return f"the mode of {place.path} is {place.mode:o}, which gives rights to programs"
    if not (_NAME.fullmatch(place.user) and _NAME.fullmatch(place.group)):
        return f"the owner of {place.path} is no name"
    return ""


def is_plain_path(path: str) -> bool:
    """Tell whether `path` is absolute and leads straight to one place, without `..`, and can be shown as it is."""
    parts = path.split("/")
    straight = parts[0] == "" and all(part not in ("", ".", "..") for part in parts[1:])
    return straight and len(parts) > 1 and len(path) <= _LONGEST_PATH and path.isprintable()


def why_other(manifest: Manifest, host: str, node: str) -> str:
    """Return why the backup is not of the machine `host`, which is `node` of its pair; "" when it is.

    `node` is "" where the machine's conf file says nothing yet, as after an installation.
    """
    whose = f"of the {manifest.node} node, {manifest.host}" if manifest.node else f"of {manifest.host}"
    if manifest.host.lower() != host.lower():
        return f"The backup is {whose}, and this machine is {host}."
    if manifest.node and node and manifest.node != node:
        return f"The backup is {whose}, and this machine is the {node} node by its conf file."
    return ""


def is_newer(version: str, than: str) -> bool:
    """Tell whether the asha of `version` is newer than that of `than`; both are numbers with dots between them."""
    return _numbers(version) > _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"[0-9]{1,9}", version))


def steps_of(files: Iterable[BackupFile], present: Mapping[str, BackupFile]) -> tuple[RestoreStep, ...]:
    """Return what a restore of `files` does where the files `present`, by their paths, are now."""
    return tuple(RestoreStep(file.path, _effect(file, present.get(file.path)).value) for file in files)


def _effect(file: BackupFile, there: BackupFile | None) -> RestoreEffect:
    if there is None:
        return RestoreEffect.NEW
    return RestoreEffect.UNCHANGED if _facts(there) == _facts(file) else RestoreEffect.REPLACED


def _facts(file: BackupFile) -> tuple[object, ...]:
    return file.size, file.sha256, file.mode, file.user, file.group
