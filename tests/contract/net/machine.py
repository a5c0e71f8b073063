"""Machines made of a thread in a network namespace of its own, for the tests of this folder."""

from __future__ import annotations

import ctypes
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

MAC = {"a": "02:00:00:00:00:0a", "b": "02:00:00:00:00:0b"}
CLONE_NEWNET = 0x40000000
T = TypeVar("T")


@dataclass
class Machine:
    """A thread in a network namespace of its own."""

    pool: ThreadPoolExecutor
    thread: int

    def begin(self, work: Callable[..., T], *args: object, **words: object) -> Future[T]:
        return self.pool.submit(work, *args, **words)

    def do(self, work: Callable[..., T], *args: object, **words: object) -> T:
        return self.begin(work, *args, **words).result(timeout=10)

    def ip(self, words: str) -> str:
        done = self.do(subprocess.run, ["ip", *words.split()], capture_output=True, text=True, check=True)
        return str(done.stdout)


def enter_namespace() -> int:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    return threading.get_native_id()
