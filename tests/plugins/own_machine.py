"""A test that writes where an installed asha keeps its own things fails: the next test would believe what lies there.

The simulated machines of tests/system are laid over this machine's folders, so a mark that a quick test has left here
is a mark of theirs. Python's audit events tell of every file that this process opens or changes, whoever does it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import Any

import pytest

_OURS = ("/var/lib/asha", "/run/asha", "/etc/asha", "/var/log/asha")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = frozenset(
    {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate"}
)
_written: list[str] = []


def pytest_configure() -> None:
    sys.addaudithook(_hear)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    """Fail the test during which something was written there."""
    _written.clear()
    result = yield
    assert not _written, f"written into this machine's own asha: {sorted(set(_written))}"
    return result


def _hear(event: str, words: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = words
        if not (isinstance(flags, int) and flags & _WRITES):
            return
    elif event not in _CHANGES:
        return
    else:
        path = words[1] if event in ("os.rename", "os.symlink", "os.link") else words[0]
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if isinstance(path, str | os.PathLike) and _is_ours(os.fspath(path)):
        _written.append(os.fspath(path))


def _is_ours(path: str) -> bool:
    return any(path == top or path.startswith((f"{top}/", f"{top}.")) for top in _OURS)
