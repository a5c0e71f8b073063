"""ACLs, attributes and holes: whether anything has any (what cannot be told counts as yes), and what is to go."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from appliance.sync.trees import traits_of

# rw-, one more user r--, r--, mask rw-, ---: as the kernel has it.
_ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", kind, allowed, who)
    for kind, allowed, who in ((1, 6, -1 % 2**32), (2, 4, 1234), (4, 4, -1 % 2**32), (16, 6, -1 % 2**32))
)
_ACL += struct.pack("<HHI", 32, 0, -1 % 2**32)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree/deep/deeper").mkdir(parents=True)
    (tmp_path / "tree/deep/deeper/file").touch()
    (tmp_path / "outside").touch()
    (tmp_path / "tree/link").symlink_to(tmp_path / "outside")
    return tmp_path / "tree"


def test_nothing_has_any(tree: Path) -> None:
    assert not traits_of([str(tree), str(tree / "not-there")]).attributes


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("", "system.posix_acl_access"),
        ("deep/deeper", "system.posix_acl_default"),
        ("deep/deeper/file", "system.posix_acl_access"),
    ],
)
def test_one_is_enough(tree: Path, place: str, name: str) -> None:
    os.setxattr(tree / place, name, _ACL)
    assert traits_of([str(tree)]).attributes
    assert traits_of([str(tree.parent / "not-there"), str(tree)]).attributes


def test_a_link_is_not_followed(tree: Path) -> None:
    os.setxattr(tree.parent / "outside", "system.posix_acl_access", _ACL)
    assert not traits_of([str(tree)]).attributes


@pytest.mark.parametrize(
    ("refusal", "found"),
    [(errno.ENOTSUP, False), (errno.ENOENT, False), (errno.ENOTDIR, False), (errno.EACCES, True)],
)
def test_a_filesystem_without_them_has_none(
    tree: Path, monkeypatch: pytest.MonkeyPatch, refusal: int, found: bool
) -> None:
    def refuse(path: bytes, **words: bool) -> list[str]:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(os, "listxattr", refuse)
    assert traits_of([str(tree)]).attributes is found


def test_a_file_with_holes_is_told(tree: Path) -> None:
    (tree / "deep/full").write_bytes(b"x" * 100_000)
    assert not traits_of([str(tree)]).holes
    with (tree / "deep/sparse").open("wb") as file:
        file.truncate(1_000_000)
    assert traits_of([str(tree)]).holes
