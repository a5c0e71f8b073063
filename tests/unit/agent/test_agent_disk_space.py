"""A standby whose disks take nothing is fit, and is not known to be ready: it says so, and what waits for it waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.agent.components import disk_space
from appliance.agent.components.disk_space import DiskSpace
from appliance.agent.status import node_status
from appliance.config import Conf
from appliance.core.alert_rules import problems
from appliance.core.alerts import AlertKind, Severity
from appliance.core.host_check.machine import Room
from appliance.core.model import Line
from appliance.core.reading import Unknown
from appliance.core.status import Status
from tests.unit.agent.test_agent_cycle import Bench

ROOM = Room("/var/log", free=1 << 34, inodes=0.5)
FULL = replace(ROOM, free=0)


class Disks(Bench):
    """A standby, and the disks that it sees."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(tmp_path)
        self.see_line(Line.ABSENT)
        self.rooms = (ROOM,)
        monkeypatch.setattr(disk_space, "read_rooms", self.seen)
        self.watch = DiskSpace(self.context)

    def seen(self, conf: Conf) -> Iterator[Room]:
        yield from self.rooms

    def status(self) -> Status:
        asyncio.run(self.watch.look())
        self.turn()
        return node_status(self.this_node, self.observations, self.cycle, self.clock.now())


@pytest.fixture
def disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disks:
    return Disks(tmp_path, monkeypatch)


def test_room_raises_no_doubt(disks: Disks) -> None:
    assert (disks.status().fit, disks.status().doubts) == (True, ())
    assert problems(disks.status()) == ()


def test_a_full_disk_is_doubted_told_and_forgotten_when_there_is_room(disks: Disks) -> None:
    disks.rooms = (FULL,)
    status = disks.status()
    assert (status.fit, status.doubts) == (True, ("/var/log has 0 MiB free",))
    (told,) = problems(status)
    assert (told.alert.kind, told.alert.severity) == (AlertKind.NODE_UNFIT, Severity.WARNING)
    assert "not known to be ready to take over: /var/log has 0 MiB free" in told.alert.text
    disks.rooms = (ROOM,)
    assert disks.status().doubts == () and problems(disks.status()) == ()


def test_a_disk_that_hangs_is_doubted(disks: Disks, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()
    monkeypatch.setattr(disk_space, "_PATIENCE", 0.05)
    monkeypatch.setattr(disk_space, "read_rooms", lambda conf: iter(lambda: hangs.wait() and None, None))
    try:
        (doubt,) = disks.status().doubts
    finally:
        hangs.set()
    assert doubt.endswith("has not ended for 0.05 s")


def test_a_pair_without_a_cluster_address_is_ready_all_the_same(disks: Disks) -> None:
    disks.this_node.adopt(Conf(card_installed=True))
    disks.observations.lan = Unknown("no cluster address is set", disks.clock.now())
    assert disks.status().doubts == ()
