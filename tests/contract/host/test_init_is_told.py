"""What systemd hears of the agent, on a socket of the test's own."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.host.service_manager import ServiceManager


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inlet:
        inlet.bind(str(tmp_path / "notify"))
        inlet.setblocking(False)
        yield inlet


def told(manager: socket.socket) -> list[bytes]:
    heard = []
    while True:
        try:
            heard.append(manager.recv(100))
        except BlockingIOError:
            return heard


def test_it_hears_each_state(manager: socket.socket) -> None:
    service = ServiceManager(str(manager.getsockname()))
    service.ready()
    service.alive()
    service.ending()
    assert told(manager) == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_an_abstract_address_is_one() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as inlet:
        inlet.bind(f"\0asha-test-{os.getpid()}")
        inlet.setblocking(False)
        ServiceManager(f"@asha-test-{os.getpid()}").ready()
        assert told(inlet) == [b"READY=1"]


def test_what_we_start_does_not_inherit_the_way_to_it(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(manager.getsockname()))
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    ServiceManager.of_this_process().ready()
    assert told(manager) == [b"READY=1"]
    assert {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & set(os.environ) == set()


@pytest.mark.parametrize("address", ["", "/nowhere/notify"])
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    ServiceManager(address).ready()


def test_one_that_does_not_read_holds_nobody_up(manager: socket.socket) -> None:
    service = ServiceManager(str(manager.getsockname()))
    for _ in range(10_000):
        service.alive()
    assert set(told(manager)) == {b"WATCHDOG=1"}
