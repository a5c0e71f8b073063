"""Before Asterisk starts: nobody touches the data any more, and nothing wrong with them keeps it from starting."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from appliance import sync_setup
from appliance.agent import pre_start as order
from appliance.agent.this_node import ThisNode
from appliance.config import Conf
from appliance.control import answers
from appliance.core.model import Node
from appliance.host.clock import SystemClock
from appliance.host.disk import lock_holder
from appliance.host.paths import SyncPaths
from appliance.sync.errors import SyncProblem
from appliance.sync.newer_data_mark import read_mark
from appliance.sync.state import read_state
from appliance.sync.store import Store

SECONDARY = ThisNode(Conf(), Node.SECONDARY)
_HOLD = """
import sys, time
from pathlib import Path
from appliance.host.disk import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

_HOLD_WITH_HEIR = """
import subprocess, sys
from pathlib import Path
from appliance.host.disk import locked
with locked(Path(sys.argv[1])) as lock:
    heir = subprocess.Popen(["sleep", "600"], pass_fds=(lock,), start_new_session=True)
    print(heir.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SyncPaths:
    there = SyncPaths(tmp_path / "lasting", tmp_path / "passing", tmp_path / "apart")
    there.lasting.mkdir()
    monkeypatch.setattr(order, "DATA", there)
    return there


def before_service() -> None:
    order.before_service(SECONDARY, SystemClock(), owed=False)


def test_a_damaged_record_keeps_nobody_from_serving(places: SyncPaths) -> None:
    places.store.write_bytes(b"no database" * 1000)
    before_service()
    assert read_mark(places)
    assert "may not be whole" in read_state(places.state).unsettled
    assert not places.store.exists(), "it was set aside"
    before_service()
    assert read_state(places.state).unsettled == "", "the next start was well"


def test_a_disk_that_hangs_keeps_nobody_from_serving(
    places: SyncPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write to a disk that hangs does not come back: what stands for it here waits until the test is over."""
    release = threading.Event()
    monkeypatch.setattr(order, "_DISK_PATIENCE", 0.2)
    monkeypatch.setattr(order, "_SETTLE_PATIENCE", 0.1)
    monkeypatch.setattr(order, "set_mark", lambda places, wall: release.wait(60))
    monkeypatch.setattr(order, "write_state", lambda path, state: release.wait(60))
    began = SystemClock().now()
    try:
        order.before_service(ThisNode(Conf(merge_deadline=0.2), Node.SECONDARY), SystemClock(), owed=False)
    finally:
        release.set()
    assert SystemClock().now() - began < 10.0


def test_a_mark_that_cannot_be_written_does_not_leave_a_pass_at_work(places: SyncPaths) -> None:
    places.marks[0].mkdir()  # as good as a full disk: nothing can be put there
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(places.lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert lock_holder(places.lock) == holder.pid
        before_service()
        assert holder.wait(10) == -signal.SIGKILL
    assert read_state(places.state).unsettled


def test_what_a_pass_has_started_ends_with_it(places: SyncPaths) -> None:
    """rsync's other half outlives the pass, with its lock: it is not waited for."""
    Store(places.store).close()
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD_WITH_HEIR, str(places.lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        heir = int(holder.stdout.readline())
        watched = os.pidfd_open(heir)
        before_service()
        assert holder.wait(10) == -signal.SIGKILL
    try:
        assert select.select([watched], [], [], 10)[0], "the heir has ended"
    finally:
        os.close(watched)
    assert read_state(places.state).unsettled == ""


def test_a_worker_that_starts_during_a_takeover_may_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent says `none` while it serves: that is no leave to write."""
    answer = {"duty": "none", "why": "this node serves", "live": False}
    monkeypatch.setattr(answers, "ask", lambda verb, **fields: answer)
    here = sync_setup.session(Conf(), Node.SECONDARY)
    with pytest.raises(SyncProblem, match="this node serves"):
        here.may()
