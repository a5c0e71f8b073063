"""The lock on the data names its holder, so that service can take its turn."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.host.disk import lock_holder, locked


def test_the_holder_is_named_while_it_holds(tmp_path: Path) -> None:
    place = tmp_path / "lock"
    assert lock_holder(place) is None
    with locked(place) as lock:
        assert lock is not None
        assert lock_holder(place) == os.getpid()
    assert lock_holder(place) is None
