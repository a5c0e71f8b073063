"""A clock of one's own: programs go by it, those that run already too, and only by the time of day."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from hwsim.nodes.own_clock import OwnClock

HOUR = 3600.0
# Prints both clocks whenever a line comes, and for how long it has slept before.
_TELL = """
import sys, time
for line in sys.stdin:
    before = time.monotonic()
    time.sleep(0.01)
    print(time.time(), time.monotonic(), time.monotonic() - before, flush=True)
"""


def test_a_step_is_seen_at_once_by_what_runs_and_by_what_begins(tmp_path: Path) -> None:
    clock = OwnClock("primary", tmp_path, str(tmp_path))
    clock.begin()
    env = {**os.environ, **clock.env}
    program = subprocess.Popen(
        [sys.executable, "-IS", "-c", _TELL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    )
    assert program.stdin is not None and program.stdout is not None
    try:
        for step in (0.0, HOUR, -2 * HOUR, 0.25):
            clock.step(step)
            program.stdin.write("\n")
            program.stdin.flush()
            wall, monotonic, slept = map(float, program.stdout.readline().split())
            assert abs(wall - time.time() - clock.ahead) < 5.0 and abs(monotonic - time.monotonic()) < 5.0
            assert 0.01 <= slept < 5.0
            shown = subprocess.run(["date", "+%s"], env=env, capture_output=True, text=True, check=True)
            assert abs(float(shown.stdout) - time.time() - clock.ahead) < 5.0
        assert clock.ahead == 0.25 - HOUR
    finally:
        program.communicate(timeout=10)
