""".ci/clean-after: whatever way a command ends, it may end in order, and then the clean-up runs once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CLEAN_AFTER = Path(__file__).parents[3] / ".ci" / "clean-after"

COMMAND = """
import signal, sys, time
line = sys.stdin.readline().strip()
try:
    print("ready", line, flush=True)
    signal.pause()
except KeyboardInterrupt:
    print("ended in order", flush=True)
    sys.exit(2)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder whose .venv/bin/python only notes that the clean-up was asked for."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$*" >>cleaned\n')
    python.chmod(0o755)
    return tmp_path


@pytest.fixture
def waiting(place: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that waits until it is interrupted, started in a process group of its own."""
    process = subprocess.Popen(
        [CLEAN_AFTER, sys.executable, "-c", COMMAND],
        cwd=place,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write("what it is told\n")
    process.stdin.flush()
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)


def cleaned(place: Path) -> str:
    return (place / "cleaned").read_text()


@pytest.mark.parametrize("status", [0, 7])
def test_the_status_is_the_commands(place: Path, status: int) -> None:
    done = subprocess.run([CLEAN_AFTER, "sh", "-c", f"exit {status}"], cwd=place, timeout=20, check=False)
    assert done.returncode == status
    assert cleaned(place) == "-m hwsim.nodes.cleanup\n"


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_it_lets_the_command_end_in_order(
    place: Path, waiting: subprocess.Popen[str], sign: signal.Signals
) -> None:
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "ready what it is told\n"
    waiting.send_signal(sign)
    assert waiting.stdout.readline() == "ended in order\n"
    assert waiting.wait(timeout=10) == 143
    assert cleaned(place) == "-m hwsim.nodes.cleanup\n"


def test_interrupted_at_the_terminal_the_command_hears_it_once(
    place: Path, waiting: subprocess.Popen[str]
) -> None:
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "ready what it is told\n"
    os.killpg(waiting.pid, signal.SIGINT)
    assert waiting.stdout.readline() == "ended in order\n"
    assert waiting.wait(timeout=10) == 130
    assert cleaned(place) == "-m hwsim.nodes.cleanup\n"
