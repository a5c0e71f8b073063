"""What answers the peer ends when nobody reads its answers any more, and not before."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

_BUSY = """
import sys, time
from pathlib import Path
from appliance.sync.asker_gone import end_when_abandoned
end_when_abandoned(sys.stdout.buffer, Path(sys.argv[1]).unlink)
print("asked", flush=True)
sys.stdin.read()
time.sleep(float(sys.argv[2]))
print("answered", flush=True)
"""


def started(left: Path, seconds: float, out: int) -> subprocess.Popen[bytes]:
    left.touch()
    words = [sys.executable, "-c", _BUSY, str(left), str(seconds)]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=out)


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_it_ends_in_the_middle_of_an_answer_and_cleans_up(tmp_path: Path, kind: str) -> None:
    ours, theirs = socket.socketpair()
    out = subprocess.PIPE if kind == "pipe" else theirs.fileno()
    process = started(tmp_path / "list", 600.0, out)
    theirs.close()
    try:
        with process.stdout or ours.makefile("rb") as answered:
            assert answered.readline() == b"asked\n"
            assert process.poll() is None
            began = time.monotonic()
            ours.close()
        assert process.wait(20) == 1
        assert time.monotonic() - began < 10
        assert not (tmp_path / "list").exists()
    finally:
        process.kill()
        process.communicate()
        ours.close()


def test_who_has_asked_everything_still_gets_his_answer(tmp_path: Path) -> None:
    process = started(tmp_path / "list", 0.3, subprocess.PIPE)
    said, _ = process.communicate(b"")
    assert said == b"asked\nanswered\n"
    assert process.returncode == 0
    assert (tmp_path / "list").exists()
