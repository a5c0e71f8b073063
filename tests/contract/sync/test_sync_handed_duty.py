"""The duty that the agent hands its worker: what it allows, and that neither side ever waits for the other."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from appliance.core.data_policy import DataDuty, Duty
from appliance.host.clock import SystemClock
from appliance.host.stream import Stream
from appliance.sync.handed_duty import DutyWord

CLOCK = SystemClock()
PATIENCE = 20.0
# Answers "may I?" once for every SIGUSR1, as a pass does at its points; between them it waits, as for rsync.
_WORKER = """
import signal, sys
from appliance.host.clock import SystemClock
from appliance.sync import handed_duty
from appliance.sync.errors import SyncProblem
handed_duty._PATIENCE = 0.2
handed = handed_duty.HandedDuty(0, SystemClock())
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("ready", flush=True)
while signal.sigwaitinfo([signal.SIGUSR1]):
    try:
        duty = handed.current()
        print(duty.duty.value, "live" if duty.live else "rest", flush=True)
    except SyncProblem as problem:
        print(problem, flush=True)
"""
_DEAF = "import time; print('ready', flush=True); time.sleep(600)"
# An agent that starts the worker and waits; the worker's own pid is its first word.
_AGENT = f"""
import sys, time
from appliance.host.stream import Stream
worker = Stream((sys.executable, "-c", {_WORKER!r}), bound=False)
assert worker.line(20.0) == b"ready"
print(worker._process.pid, flush=True)
time.sleep(600)
"""


def word(duty: Duty, *, live: bool = False, age: float = 0.0) -> bytes:
    return DutyWord(DataDuty(duty, live=live), CLOCK.now() - age).to_line()


class Worker:
    def __init__(self, program: str) -> None:
        self.stream = Stream((sys.executable, "-c", program), bound=False)
        assert self.stream.line(PATIENCE) == b"ready"

    def may(self) -> str:
        os.kill(self.stream._process.pid, signal.SIGUSR1)
        return (self.stream.line(PATIENCE) or b"").decode()


@pytest.fixture
def worker() -> Iterator[Worker]:
    one = Worker(_WORKER)
    yield one
    one.stream.close()


def test_no_word_is_no_permission(worker: Worker) -> None:
    assert "the agent says nothing any more" in worker.may()


@pytest.mark.parametrize(
    "line", [b"", b"pull", b"[]", b'{"duty": "pull"}', b'{"duty": "all", "live": 1, "at": 1e9}']
)
def test_what_is_no_word_is_no_permission(worker: Worker, line: bytes) -> None:
    assert worker.stream.offer(line)
    assert "the agent says nothing any more" in worker.may()


def test_the_newest_word_counts(worker: Worker) -> None:
    assert worker.stream.offer(word(Duty.PULL))
    assert worker.may() == "pull rest"
    assert worker.stream.offer(word(Duty.MERGE))
    assert worker.stream.offer(word(Duty.MERGE, live=True))
    assert worker.may() == "merge live"
    assert worker.stream.offer(word(Duty.NONE))
    assert worker.may() == "none rest"


def test_a_word_counts_also_where_the_kernel_signals_no_arrival() -> None:
    """Nothing here depends on SIGIO but how soon the end of the agent is noticed."""
    unsignalled = Worker(
        _WORKER.replace('print("ready"', 'signal.signal(signal.SIGIO, signal.SIG_IGN)\nprint("ready"')
    )
    try:
        assert unsignalled.stream.offer(word(Duty.PULL))
        assert unsignalled.may() == "pull rest"
    finally:
        unsignalled.stream.close()


def test_the_word_of_an_agent_that_hangs_since_is_no_permission(worker: Worker) -> None:
    """It may lie in the pipe for long: what counts is when it was said, not when it was read."""
    assert worker.stream.offer(word(Duty.PULL, age=5.0))
    assert "the agent says nothing any more" in worker.may()
    assert worker.stream.offer(word(Duty.PULL))
    assert worker.may() == "pull rest"


def test_a_worker_that_waits_takes_in_every_word(worker: Worker) -> None:
    """A first copy takes hours: the pipe must not fill up meanwhile."""
    for _ in range(5000):
        give_up = CLOCK.now() + PATIENCE
        while not worker.stream.offer(word(Duty.PULL)):
            assert CLOCK.now() < give_up, "the worker does not read"
    assert worker.may() == "pull rest"


def test_the_end_of_the_pipe_ends_the_worker_wherever_it_is(worker: Worker) -> None:
    assert worker.stream.offer(word(Duty.PULL))
    assert worker.stream.end(PATIENCE) == -signal.SIGKILL


def test_a_worker_ends_with_an_agent_that_is_killed() -> None:
    """Without the kernel's help (prctl): the pipe alone ends it."""
    with subprocess.Popen([sys.executable, "-c", _AGENT], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        watched = os.pidfd_open(int(agent.stdout.readline()))
        agent.kill()
    try:
        assert select.select([watched], [], [], PATIENCE)[0], "the worker has ended"
    finally:
        os.close(watched)


def test_an_agent_does_not_wait_for_a_worker_that_hangs() -> None:
    deaf = Worker(_DEAF)
    try:
        began, words = CLOCK.now(), 0
        while deaf.stream.offer(word(Duty.PULL)):
            words += 1
        assert 100 < words < 5000, "the pipe has filled up"
        assert CLOCK.now() - began < PATIENCE
    finally:
        deaf.stream.close()
