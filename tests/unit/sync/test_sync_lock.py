"""The lock on the data names its holder, so that service can take its turn."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from appliance.host.clock import SystemClock
from appliance.host.disk import lock_holder, lock_keepers, locked
from appliance.host.paths import SyncPaths
from appliance.sync.data_lock import hold
from appliance.sync.errors import SyncProblem


def test_the_holder_is_named_while_it_holds(tmp_path: Path) -> None:
    place = tmp_path / "lock"
    assert lock_holder(place) is None
    with locked(place) as lock:
        assert lock is not None
        assert lock_holder(place) == os.getpid()
    assert lock_holder(place) is None


def test_one_who_waits_is_next(tmp_path: Path) -> None:
    """An operator's command gets its turn, however soon the worker's next pass follows its last."""
    places, clock = SyncPaths(tmp_path, tmp_path, tmp_path), SystemClock()
    done = threading.Event()

    def wait_for_it() -> None:
        with hold(places, clock, 10.0):
            done.set()

    waiting = threading.Thread(target=wait_for_it)
    with hold(places, clock, 0.0):
        waiting.start()
        while lock_holder(places.turn) is None:
            done.wait(0.005)  # looking takes the lock for a moment
    with pytest.raises(SyncProblem, match="under way"), hold(places, clock, 0.0):
        pass
    waiting.join()
    assert done.is_set()
    with hold(places, clock, 0.0) as lock:
        assert lock is not None


def test_what_has_inherited_the_lock_keeps_it_after_its_holder(tmp_path: Path) -> None:
    place = tmp_path / "lock"
    with locked(place) as lock:
        assert lock is not None
        heir = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=(lock,))
    try:
        with locked(place) as again:
            assert again is None, "it is still held"
        assert lock_keepers(place) == [heir.pid]
    finally:
        heir.communicate()
    assert lock_keepers(place) == []
