"""What can become of a small file: every state of `STATES` is brought about at a path by a function of that name."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SEED = 20261128
_WRONG: tuple[Any, ...] = ("7", 7, -1, None, True, [], {}, 10**24, 1e300, "x" * 5000, [[1]], {"a": {"b": 1}})


def clear(path: Path) -> None:
    """Nothing is at `path`, and its directory is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)


def _holding(content: Callable[[bytes], bytes]) -> Callable[[Path, bytes], None]:
    def make(path: Path, good: bytes) -> None:
        clear(path)
        path.write_bytes(content(good))
        path.chmod(0o600)

    return make


def _garbage(good: bytes) -> bytes:
    return random.Random(_SEED).randbytes(max(len(good), 300))


def wrong_types(good: bytes, number: int) -> bytes:
    """`good`, a JSON object, with every value replaced by one of another type."""
    try:
        document = json.loads(good)
    except ValueError:
        return json.dumps(_WRONG[number]).encode()
    if not isinstance(document, dict):
        return json.dumps(_WRONG[number]).encode()
    return json.dumps(dict.fromkeys(document, _WRONG[number])).encode()


def _directory(path: Path, good: bytes) -> None:
    clear(path)
    path.mkdir()
    (path / "inside").write_bytes(good)


def _fifo(path: Path, good: bytes) -> None:
    clear(path)
    os.mkfifo(path)


def _socket(path: Path, good: bytes) -> None:
    clear(path)
    with socket.socket(socket.AF_UNIX) as one:
        # An address has 108 bytes: bind beside our working directory.
        here = Path.cwd()
        os.chdir(path.parent)
        try:
            one.bind(path.name)
        finally:
            os.chdir(here)


def _link_to(target: str) -> Callable[[Path, bytes], None]:
    def make(path: Path, good: bytes) -> None:
        clear(path)
        path.symlink_to(target)

    return make


def _missing(path: Path, good: bytes) -> None:
    clear(path)


STATES: dict[str, Callable[[Path, bytes], None]] = {
    "missing": _missing,
    "empty": _holding(lambda good: b""),
    "cut in the middle": _holding(lambda good: good[: len(good) // 2]),
    "garbage": _holding(_garbage),
    "zeros": _holding(lambda good: bytes(4096)),
    "a list": _holding(lambda good: b'[1, "two", null]'),
    "a number": _holding(lambda good: b"7"),
    "null": _holding(lambda good: b"null"),
    **{
        f"values of another type ({number})": _holding(lambda good, number=number: wrong_types(good, number))  # type: ignore[misc]
        for number in range(len(_WRONG))
    },
    "nested deeply": _holding(lambda good: b'{"a":' * 20000 + b"1" + b"}" * 20000),
    "long digits": _holding(lambda good: b'{"began": ' + b"9" * 100000 + b"}"),
    "no number": _holding(lambda good: b'{"generation": NaN, "held": Infinity}'),
    "too long": _holding(lambda good: b"x" * (3 << 20)),
    "a directory": _directory,
    "a pipe": _fifo,
    "a socket": _socket,
    "a dangling link": _link_to("/nowhere/at/all"),
    "a link to /dev/zero": _link_to("/dev/zero"),
    "a link that cannot be read": _link_to("/proc/self/mem"),
}
