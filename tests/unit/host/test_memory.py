"""The threads of the agent have one heap: what one of them frees the others can use."""

from __future__ import annotations

import subprocess
import sys

import pytest

from appliance.host.memory import share_one_heap

# Threads that hold 100 kB each, in pieces that Python takes from the C library; then the heaps that this library has
# made beside the first, each of which begins at a multiple of 64 MiB (glibc's HEAP_MAX_SIZE).
_PROGRAM = """
import threading, sys
from appliance.host.memory import share_one_heap
if sys.argv[1:]:
    assert share_one_heap()
ready, end = threading.Barrier(9), threading.Event()
def work():
    kept = [bytes(1000) for _ in range(100)]
    ready.wait()
    end.wait()
for _ in range(8):
    threading.Thread(target=work, daemon=True).start()
ready.wait()
maps = [line.split() for line in open("/proc/self/maps")]
starts = [int(fields[0].split("-")[0], 16) for fields in maps if fields[1] == "rw-p" and len(fields) == 5]
print(sum(start % (64 << 20) == 0 for start in starts))
"""


def heaps_beside_the_first(*words: str) -> int:
    said = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *words], capture_output=True, text=True, check=True
    )
    return int(said.stdout)


def test_threads_share_one_heap_which_they_else_would_not() -> None:
    assert heaps_beside_the_first() > 0
    assert heaps_beside_the_first("shared") == 0


def test_a_c_library_without_the_setting_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert not share_one_heap()
