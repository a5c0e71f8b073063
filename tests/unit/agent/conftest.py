"""What the agent's tests take from no machine: for how long it has been up."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.agent import grant_file


@pytest.fixture(autouse=True)
def long_up(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the machine be up for longer than any hand-moved clock shows.

    A grant of later than the machine's uptime is refused, so that these tests failed on one that was just booted.
    """
    uptime = tmp_path_factory.getbasetemp() / "uptime"
    uptime.write_text("1000000.00 0.00\n", encoding="ascii")
    monkeypatch.setattr(grant_file, "_UPTIME", uptime)
    return uptime
