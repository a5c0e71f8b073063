"""A node that does not hear its peer asks it by ssh, tells why, gives way, and serves again when the peer is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.agent.components import unheard_peer as module
from appliance.agent.components.unheard_peer import UnheardPeer
from appliance.core.engine_change import EngineReport
from appliance.core.errors import SyncError
from appliance.core.reading import Known
from appliance.core.status import Status
from appliance.core.unheard_peer import ASKED_EVERY, SILENT
from tests.plugins.agent_context import node_context
from tests.plugins.hand_clock import HandClock
from tests.plugins.virtual_loop import play

SERVES = EngineReport("primary", "alpha", "2.0", "heartbeat", "heartbeat", "active", secret="a")
OWN = replace(SERVES, node="secondary", name="bravo", role="standby", secret="b")


class Bench:
    """The component on a secondary that hears nothing; `peer`: what the other node says, None for nothing."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = HandClock()
        self.context = node_context(folder, clock=self.clock)
        self.own, self.nobody_else, self.changes = OWN, True, SimpleNamespace(under_way=False)
        self.peer: EngineReport | None = SERVES
        self.orders: list[str] = []
        self.asked = 0
        self.hears(False)
        self.runs(True)
        parts: Any = SimpleNamespace(
            facts=SimpleNamespace(name="heartbeat", report=self._report),
            orders=SimpleNamespace(start=self._start, stop=self._stop),
            changes=self.changes,
        )
        self.part = UnheardPeer(self.context, facts=parts.facts, orders=parts.orders, changes=parts.changes)
        monkeypatch.setattr(module, "peer_report", self._peer_report)
        monkeypatch.setattr(module, "lacks_address", self._lacks_address)

    def hears(self, alive: bool) -> None:
        self.context.observations.peer_alive = Known(alive, self.clock.now())

    def runs(self, running: bool) -> None:
        self.context.observations.engine = Known(running, self.clock.now())

    async def _report(self, to: str) -> EngineReport:
        return self.own

    async def _peer_report(self, *asked: object, **how: object) -> EngineReport:
        self.asked += 1
        if self.peer is None:
            raise SyncError("It does not answer.")
        return self.peer

    async def _lacks_address(self, *asked: object) -> bool:
        return self.nobody_else

    async def _start(self) -> None:
        self.orders.append("start")
        self.runs(True)

    async def _stop(self) -> None:
        self.orders.append("stop")
        self.runs(False)

    def play(self, seconds: float, then: Callable[[], None] = lambda: None, more: float = 0.0) -> None:
        async def scene() -> None:
            task = asyncio.get_running_loop().create_task(self.part.run())
            await asyncio.sleep(seconds)
            then()
            await asyncio.sleep(more)
            task.cancel()

        async def no_threads(work: object, future: object) -> None:
            raise AssertionError("nothing here is for a thread")

        play(self.clock, no_threads, scene())


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_it_gives_way_to_one_that_serves_and_tells_why(bench: Bench) -> None:
    bench.play(SILENT + 3.0)
    assert bench.orders == ["stop"]
    (told,) = bench.part.problems()
    assert told.startswith("this node's engine was stopped: the nodes have different secrets")
    status = bench.part.report(Status())
    assert status.engine.troubles == (told,) and status.problems == (told,)


def test_a_peer_that_is_heard_or_an_engine_that_is_off_asks_nothing(bench: Bench) -> None:
    bench.hears(True)
    bench.play(60.0)
    bench.hears(False)
    bench.runs(False)
    bench.play(60.0)
    bench.runs(True)
    bench.changes.under_way = True
    bench.play(60.0)
    assert bench.asked == 0 and bench.part.problems() == []


def test_it_serves_again_when_the_peer_is_gone_and_nobody_has_the_address(bench: Bench) -> None:
    def dies() -> None:
        bench.peer = None
        bench.nobody_else = False

    bench.play(SILENT + 3.0, dies, 6 * ASKED_EVERY)
    assert bench.orders == ["stop"], "somebody has the address"
    bench.nobody_else = True
    bench.play(2 * ASKED_EVERY)
    assert bench.orders == ["stop", "start"]


def test_it_serves_again_when_the_peer_has_stopped_its_engine(bench: Bench) -> None:
    def stops() -> None:
        bench.peer = replace(SERVES, running="", role="off")

    bench.play(SILENT + 3.0, stops, 2 * ASKED_EVERY)
    assert bench.orders[:2] == ["stop", "start"]


def test_a_peer_that_answers_nothing_is_no_trouble_of_this_kind(bench: Bench) -> None:
    bench.own = replace(OWN, role="active")
    bench.peer = None
    bench.play(100.0)
    assert bench.orders == [] and bench.part.problems() == [] and bench.asked > 2


def test_the_primary_of_two_that_serve_goes_on_and_tells_until_it_hears(bench: Bench) -> None:
    bench.own, bench.peer = SERVES, replace(OWN, role="active")
    bench.play(60.0)
    assert bench.orders == [] and "different secrets" in bench.part.problems()[0]
    bench.hears(True)
    bench.play(3.0 + ASKED_EVERY)
    assert bench.part.problems() == []
