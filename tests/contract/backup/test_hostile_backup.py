"""Files that are no backups, or were changed on the way: each is refused as a whole, and nothing of it is used."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.backup.archive import Backup, digest, pack, unpack
from appliance.backup.places import Places
from appliance.backup.restore import plan
from appliance.core.as_json import to_json
from appliance.core.backup import FORMAT, MANIFEST, MOST_BYTES, BackupFile, Manifest
from appliance.core.errors import UserError

CONTENT = b"HADEADTIME=5\n"
PATH = "/etc/asha.conf"


def file(path: str = PATH, content: bytes = CONTENT, **fields: Any) -> BackupFile:
    given: dict[str, Any] = {"mode": 0o600, "user": "root", "group": "root", **fields}
    return BackupFile(path, given.pop("size", len(content)), digest(content), **given)


def manifest(*files: BackupFile) -> Manifest:
    return Manifest(FORMAT, "2.0.0", "primary", "pbx1", 5.0, keys=False, files=files or (file(),))


def member(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    made = tarfile.TarInfo(name)
    made.size = len(content)
    for field, value in fields.items():
        setattr(made, field, value)
    return made, content


def described(*files: BackupFile) -> tuple[tarfile.TarInfo, bytes]:
    return member(MANIFEST, json.dumps(to_json(manifest(*files))).encode())


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A tar file of these members, whatever they claim to be."""
    return b"".join(
        made.tobuf(tarfile.PAX_FORMAT) + content + bytes(-len(content) % tarfile.BLOCKSIZE)
        for made, content in members
    ) + bytes(2 * tarfile.BLOCKSIZE)


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    return gzip.compress(tar(*members))


GOOD = member("files/etc/asha.conf", CONTENT)


def sparse() -> bytes:
    written = tar(described(), member("files/etc/asha.conf", b"", type=tarfile.GNUTYPE_SPARSE))
    return gzip.compress(written)


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "its end is missing"),
    "not compressed": (lambda: tar(described(), GOOD), "not compressed with gzip"),
    "compressed nonsense": (lambda: gzip.compress(b"x" * 5000), "no tar file"),
    "nothing in it": (packed, "no manifest"),
    "its end cut off": (lambda: packed(described(), GOOD)[:-9], "its end is missing"),
    "its tar cut off": (lambda: gzip.compress(tar(described(), GOOD)[:-1536]), "no tar file|differ"),
    "something behind it": (lambda: packed(described(), GOOD) + b"x", "follows its end"),
    "no manifest": (lambda: packed(GOOD), "no manifest"),
    "a manifest of nonsense": (lambda: packed(member(MANIFEST, b"[1]")), "manifest cannot be read"),
    "a manifest of another type": (
        lambda: packed(member(MANIFEST, b'{"format": "1"}')),
        "manifest cannot be read",
    ),
    "a deep manifest": (
        lambda: packed(member(MANIFEST, b'{"a":' * 900 + b"1" + b"}" * 900)),
        "cannot be read",
    ),
    "a huge manifest": (lambda: packed(member(MANIFEST, b" " * 300_000)), "no manifest"),
    "a wrong digest": (
        lambda: packed(described(), member("files/etc/asha.conf", b"HADEADTIME=6\n")),
        "digest differs",
    ),
    "a wrong size": (lambda: packed(described(file(size=5)), GOOD), "size or its digest differs"),
    "a member too few": (lambda: packed(described()), "differ in 'files/etc/asha.conf'"),
    "a member too many": (
        lambda: packed(described(), GOOD, member("files/root/x")),
        "differ in 'files/root/x'",
    ),
    "a member twice": (lambda: packed(described(), GOOD, GOOD), "a member twice"),
    "300 members": (lambda: packed(*(member(f"files/{n}") for n in range(300))), "too many members"),
    "a path that climbs": (
        lambda: packed(described(file("/etc/../root/x")), member("files/etc/../root/x", CONTENT)),
        "no plain absolute path",
    ),
    "a relative path": (
        lambda: packed(described(file("../x")), member("files../x", CONTENT)),
        "no plain absolute path",
    ),
    "a symbolic link": (
        lambda: packed(
            described(), member("files/etc/asha.conf", type=tarfile.SYMTYPE, linkname="/etc/shadow")
        ),
        "not a regular file",
    ),
    "a hard link": (
        lambda: packed(described(), member("files/etc/asha.conf", type=tarfile.LNKTYPE, linkname=MANIFEST)),
        "not a regular file",
    ),
    "a device": (
        lambda: packed(described(), member("files/etc/asha.conf", type=tarfile.CHRTYPE)),
        "not a regular file",
    ),
    "a block device": (
        lambda: packed(described(), member("files/etc/asha.conf", type=tarfile.BLKTYPE)),
        "not a regular file",
    ),
    "a pipe": (
        lambda: packed(described(), member("files/etc/asha.conf", type=tarfile.FIFOTYPE)),
        "not a regular file",
    ),
    "a folder": (
        lambda: packed(described(), GOOD, member("files/root", type=tarfile.DIRTYPE)),
        "not a regular file",
    ),
    "a file with holes": (sparse, "not a regular file|no tar file"),
    "a huge size": (
        lambda: packed(described(), member("files/etc/asha.conf", CONTENT, size=1 << 60)),
        "too large|no tar file",
    ),
    "a size below nothing": (
        lambda: packed(described(), member("files/etc/asha.conf", CONTENT, size=-5)),
        "too large|no tar file|differ",
    ),
    "a size that is not there": (
        lambda: packed(described(), member("files/etc/asha.conf", CONTENT, size=100_000)),
        "no tar file",
    ),
    "a program with rights": (
        lambda: packed(described(file(mode=0o4755)), GOOD),
        "gives rights to programs",
    ),
    "a control character": (
        lambda: packed(described(file("/etc/asha/\x1b[2J")), member("files/etc/asha/\x1b[2J", CONTENT)),
        "no plain absolute path",
    ),
    "links upon links of names": (
        lambda: packed(*(member("x", b"name\0", type=tarfile.GNUTYPE_LONGNAME) for _ in range(3000))),
        "no tar file",
    ),
}


def test_a_good_one_is_read() -> None:
    backup = unpack(packed(described(), GOOD))
    assert backup == Backup(manifest(), {PATH: CONTENT})
    assert unpack(pack(backup)) == backup


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_with_what_is_wrong(name: str) -> None:
    make, why = HOSTILE[name]
    with pytest.raises(UserError, match=f"no backup that can be used: .*({why}).*Nothing was changed"):
        unpack(make())


def test_cut_off_anywhere_it_is_refused() -> None:
    whole = packed(described(), GOOD)
    for length in range(len(whole)):
        with pytest.raises(UserError):
            unpack(whole[:length])


def test_with_any_byte_changed_it_is_refused_or_says_the_same() -> None:
    whole = packed(described(), GOOD)
    wanted = unpack(whole)
    for place in range(len(whole)):
        changed = whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]
        try:
            assert unpack(changed) == wanted, place
        except UserError:
            continue


def test_with_any_byte_of_the_tar_changed_it_is_refused_or_says_the_same() -> None:
    whole = tar(described(), GOOD)
    wanted = unpack(gzip.compress(whole))
    for place in range(0, len(whole), 3):
        changed = whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :]
        try:
            found = unpack(gzip.compress(changed, compresslevel=1))
        except UserError:
            continue
        assert found.contents.keys() <= {PATH} and all(
            found.contents[path] == CONTENT for path in found.contents
        )
        assert {one.path for one in found.manifest.files} == {*wanted.contents}


def test_a_bomb_costs_no_more_memory_than_a_backup_may_have() -> None:
    blank = io.BytesIO()
    with gzip.GzipFile(fileobj=blank, mode="wb", compresslevel=1) as bomb:
        for _ in range(3 * MOST_BYTES >> 20):
            bomb.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="it holds more than"):
            unpack(blank.getvalue())
        assert tracemalloc.get_traced_memory()[1] < 3 * MOST_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/root/.ssh/authorized_keys", "/etc/asha/sub/x", "/run/asha/grant"]
)
def test_a_place_that_is_not_ashas_is_refused_and_nothing_is_written(tmp_path: Path, path: str) -> None:
    backup = unpack(packed(described(file(path)), member(f"files{path}", CONTENT)))
    with pytest.raises(UserError, match=f"has {path}, which is no file of asha's"):
        plan(backup, Places(tmp_path), 5.0)
    assert list(tmp_path.iterdir()) == []
