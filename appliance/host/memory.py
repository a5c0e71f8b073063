"""How the C library hands out memory in a process of many threads."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8  # mallopt(3)


def share_one_heap() -> bool:
    """Have all threads take memory from one heap; to be called before the first thread begins.

    glibc gives each thread a heap of its own, up to eight for each processor, and memory that is free in one of them is
    of no use to the others: an agent with 25 threads that mostly wait grew for as long as faults went on. Python's lock
    lets one thread run at a time, so that they do not wait for each other at the heap.

    Returns False where the C library has no such setting: musl, that of the packages' runtime, has one heap anyway.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_M_ARENA_MAX, 1) == 1
