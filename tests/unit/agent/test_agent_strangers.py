"""The component that listens for machines of another cluster: when it does, what it tells, and when that is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.agent.components import strangers as module
from appliance.agent.components.strangers import Strangers
from appliance.agent.this_node import ThisNode
from appliance.cluster.heartbeat.engine import HeartbeatEngine
from appliance.cluster.pacemaker.engine import PacemakerEngine
from appliance.config import Conf, Medium
from appliance.core.errors import HostError
from appliance.core.model import Node
from appliance.core.reading import Known
from appliance.core.status import Status
from appliance.core.stranger import LISTENED_EVERY, LISTENS
from appliance.net.datagrams import Datagram
from tests.plugins.agent_context import node_context
from tests.plugins.hand_clock import HandClock
from tests.plugins.virtual_loop import play

MEDIA = (Medium("ucast", "eth0", "10.0.0.2"), Medium("bcast", "eth1"), Medium("serial", "/dev/ttyS0"))
CONF = Conf(primary_name="alpha", secondary_name="bravo", media=MEDIA)
PEER = Datagram("mac2", "10.0.0.2", False, b">>>\nt=status\nsrc=bravo\nhg=1\n<<<\n")
STRANGER = Datagram("mac9", "10.0.0.9", True, b">>>\nt=status\nsrc=other\nhg=1\n<<<\n")
ROUND = LISTENS + LISTENED_EVERY


class Bench:
    """The component on a primary; `on_wire`: what comes to each interface while it listens."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, engine: Any) -> None:
        self.clock = HandClock()
        self.context = node_context(folder, ThisNode(CONF, Node.PRIMARY), self.clock)
        self.runs(True)
        self.part = Strangers(self.context, engine)
        self.on_wire: dict[str, list[Datagram]] = {"eth0": [PEER]}
        self.opened: list[str] = []
        bench = self

        class Link:
            def __init__(self, device: str, port: int) -> None:
                if device not in bench.on_wire:
                    raise HostError(f"There is no {device}.")
                assert port == CONF.udp_port
                self._device, self._waiting = device, list(bench.on_wire[device])
                bench.opened.append(device)

            def heard(self) -> list[Datagram]:
                said, self._waiting = self._waiting, []
                return said

            def close(self) -> None:
                bench.opened.remove(self._device)

        monkeypatch.setattr(module, "DatagramLink", Link)
        monkeypatch.setattr(module, "own_macs", lambda: frozenset({"mac1"}))

    def runs(self, running: bool) -> None:
        self.context.observations.engine = Known(running, self.clock.now())

    def play(self, *scenes: Callable[[], None]) -> None:
        """Let the component run for one round before each of `scenes`, and one behind the last."""

        async def scene() -> None:
            task = asyncio.get_running_loop().create_task(self.part.run())
            await asyncio.sleep(ROUND - 1.0)
            for each in scenes:
                each()
                await asyncio.sleep(ROUND)
            task.cancel()

        async def no_threads(work: object, future: object) -> None:
            raise AssertionError("nothing here is for a thread")

        play(self.clock, no_threads, scene())

    def troubles(self) -> tuple[str, ...]:
        return self.part.report(Status()).engine.troubles


@pytest.fixture
def heartbeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch, HeartbeatEngine())


def test_a_stranger_is_told_until_it_is_silent(heartbeat: Bench) -> None:
    seen: list[tuple[str, ...]] = []

    def comes() -> None:
        seen.append(heartbeat.troubles())
        heartbeat.on_wire["eth1"] = [STRANGER, STRANGER]

    def goes() -> None:
        seen.append(heartbeat.troubles())
        heartbeat.on_wire["eth1"] = []

    heartbeat.play(comes, goes)
    before, (told,) = seen
    assert before == () and "10.0.0.9, other" in told
    assert heartbeat.troubles() == () and heartbeat.part.problems() == []
    assert heartbeat.opened == [], "every link is closed again"
    assert [entry.says for entry in heartbeat.context.journal.since(0) if entry.kind == "stranger"] == [told]


def test_an_engine_that_is_off_hears_nothing(heartbeat: Bench) -> None:
    heartbeat.on_wire["eth1"] = [STRANGER]

    def stops() -> None:
        assert heartbeat.troubles()
        heartbeat.runs(False)

    heartbeat.play(stops)
    assert heartbeat.troubles() == ()


def test_pacemaker_s_strangers_are_known_by_their_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, monkeypatch, PacemakerEngine())
    bench.on_wire["eth0"] = [
        Datagram("mac2", "10.0.0.2", False, b"\x01"),
        Datagram("mac9", "10.0.0.9", False, b"\x01"),
        Datagram("mac8", "10.0.0.8", True, b"a broadcast, which Corosync does not take"),
    ]
    bench.play()
    (told,) = bench.troubles()
    assert "(10.0.0.9)" in told
