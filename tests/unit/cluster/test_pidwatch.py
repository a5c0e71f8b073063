from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Iterator

import pytest

from appliance.core.errors import HostError
from appliance.host.pidwatch import PidWatch


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_the_kernel_tells_of_the_end(child: subprocess.Popen[bytes]) -> None:
    with PidWatch(child.pid) as watch:
        assert watch.fileno() is not None
        assert not watch.drain()
        child.kill()
        assert select.select([watch.fileno()], [], [], 5.0)[0]
        assert watch.drain()
        child.wait()
        assert watch.drain()
    watch.close()


def test_without_pidfd_it_is_asked(child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    with PidWatch(child.pid) as watch:
        assert watch.fileno() is None
        assert not watch.drain()
        child.kill()
        child.wait()
        assert watch.drain()


@pytest.mark.parametrize("pidfd", [True, False])
def test_no_such_process(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, pidfd: bool
) -> None:
    if not pidfd:
        monkeypatch.delattr(os, "pidfd_open")
    child.kill()
    child.wait()
    with pytest.raises(HostError, match="no process"):
        PidWatch(child.pid)
