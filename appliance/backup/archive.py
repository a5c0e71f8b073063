"""The file of a backup: a tar file with the manifest first, compressed with gzip, which every host can open.

It is read as what a stranger may have made: bounded before anything of it is looked at, and used only when its members
are plain files and exactly those of its manifest.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from appliance.core.as_json import read_as, to_json
from appliance.core.backup import MANIFEST, MOST_BYTES, MOST_FILES, Manifest, flaw_of_manifest, member_of
from appliance.core.document import parse_object
from appliance.core.errors import UserError
from appliance.host.bounded import read_all

# Bytes: of the manifest, and of the tar file as a whole, with what tar puts around each member.
_MOST_MANIFEST = 256 * 1024
_MOST_TAR = MOST_BYTES + _MOST_MANIFEST + (MOST_FILES + 32) * 4 * tarfile.BLOCKSIZE
MOST_PACKED = _MOST_TAR + 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
# What the standard library raises of bytes that are no tar file.
_NO_TAR = (tarfile.TarError, ValueError, EOFError, OSError, OverflowError, RecursionError, LookupError)


@dataclass(frozen=True, slots=True)
class Backup:
    """A manifest, and the content of each of its files by its path."""

    manifest: Manifest
    contents: Mapping[str, bytes]


def pack(backup: Backup) -> bytes:
    """Return `backup` as the content of a file; the same backup makes the same bytes."""
    written = io.BytesIO()
    manifest = json.dumps(to_json(backup.manifest), indent=2).encode() + b"\n"
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, MANIFEST, manifest, backup.manifest.made)
        for file in backup.manifest.files:
            _add(archive, member_of(file.path), backup.contents[file.path], backup.manifest.made)
    return gzip.compress(written.getvalue(), mtime=0)


def _add(archive: tarfile.TarFile, name: str, content: bytes, made: float) -> None:
    """Add a member that only its owner may read, whoever takes the file apart with tar."""
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(content), 0o600, int(made)
    archive.addfile(member, io.BytesIO(content))


def unpack(packed: bytes) -> Backup:
    """Return the backup that `packed` holds, with every size and digest verified.

    Raises UserError, which says what is wrong.
    """
    try:
        return _verified(_members(_decompressed(packed)))
    except _Unusable as flaw:
        raise UserError(f"This is no backup that can be used: {flaw}.", todo="Nothing was changed.") from None


class _Unusable(Exception):
    """Why the file is no backup, as a clause."""


def _decompressed(packed: bytes) -> bytes:
    reader = zlib.decompressobj(_GZIP)
    try:
        content = reader.decompress(packed, _MOST_TAR + 1)
    except zlib.error:
        raise _Unusable("it is not compressed with gzip, or it is damaged") from None
    if len(content) > _MOST_TAR:
        raise _Unusable(f"it holds more than {_MOST_TAR} bytes")
    if not reader.eof:
        raise _Unusable("its end is missing")
    if reader.unused_data:
        raise _Unusable("something follows its end")
    return content


def _members(content: bytes) -> dict[str, bytes]:
    """Return the content of every member by its name."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for name, member in _plain_members(archive):
                if name in found or len(found) > MOST_FILES:
                    raise _Unusable("it has a member twice, or too many members")
                found[name] = member
    except _NO_TAR:
        raise _Unusable("it is no tar file, or it is damaged") from None
    return found


def _plain_members(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in archive:
        if member.type not in _PLAIN or member.sparse is not None:
            raise _Unusable(f"its member {member.name!r} is not a regular file")
        file = archive.extractfile(member) if 0 <= member.size <= MOST_BYTES else None
        if file is None:
            raise _Unusable(f"its member {member.name!r} is too large")
        yield member.name, read_all(file, member.size, member.name)  # type: ignore[arg-type]


def _verified(members: dict[str, bytes]) -> Backup:
    manifest = _manifest(members.pop(MANIFEST, b""))
    names = {member_of(file.path): file for file in manifest.files}
    if odd := names.keys() ^ members.keys():
        raise _Unusable(f"its manifest and its members differ in {min(odd)!r}")
    for name, file in names.items():
        if len(members[name]) != file.size or digest(members[name]) != file.sha256:
            raise _Unusable(
                f"{file.path} in it is not what the manifest says: its size or its digest differs"
            )
    return Backup(manifest, {file.path: members[name] for name, file in names.items()})


def _manifest(text: bytes) -> Manifest:
    if not text or len(text) > _MOST_MANIFEST:
        raise _Unusable("it has no manifest")
    try:
        manifest = read_as(Manifest, parse_object(text))
    except ValueError as problem:
        raise _Unusable(f"its manifest cannot be read ({problem})") from None
    if flaw := flaw_of_manifest(manifest):
        raise _Unusable(flaw)
    return manifest


def digest(content: bytes) -> str:
    """Return the SHA-256 of `content` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
