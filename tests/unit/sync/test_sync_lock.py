"""The lock on the data names its holder, so that service can take its turn."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from appliance.host.disk import lock_holder, lock_keepers, locked


def test_the_holder_is_named_while_it_holds(tmp_path: Path) -> None:
    place = tmp_path / "lock"
    assert lock_holder(place) is None
    with locked(place) as lock:
        assert lock is not None
        assert lock_holder(place) == os.getpid()
    assert lock_holder(place) is None


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
