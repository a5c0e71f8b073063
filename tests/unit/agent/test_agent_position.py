"""The relay's register is asked at a calm rhythm: one question at a time, never beside a command, never to feed."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.agent.sensors import position
from appliance.agent.sensors.position import PositionSensor
from appliance.agent.this_node import ThisNode
from appliance.config import Conf
from appliance.core.errors import HardwareError
from appliance.core.model import Node
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.relay_facts import Contacts
from appliance.core.relay_position import PositionRecord, Standing
from appliance.core.roles import Role
from appliance.core.transfer import Order
from tests.plugins.agent_context import node_context
from tests.plugins.hand_clock import HandClock

DCTTECH = {"relay_driver": "dcttech", "relay_device": "auto"}
WIREN_BOARD = {"relay_driver": "modbus-wirenboard", "relay_device": "/dev/ttyUSB0"}


class Bench:
    """A sensor, and a relay that answers what it is told to answer, when it may."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, node: Node = Node.PRIMARY, **conf: str
    ) -> None:
        self.clock = HandClock()
        self.clock.time = 100.0
        this_node = ThisNode(Conf(card_installed=not conf, **conf), node)  # type: ignore[arg-type]
        self.context = node_context(folder, this_node, self.clock)
        self.busy: frozenset[Order] = frozenset()
        self.asked = 0
        self.answer: Reading[Contacts] = Known(Contacts.ENERGISED, 0.0)
        self.may_answer = threading.Event()
        self.may_answer.set()
        monkeypatch.setattr(
            position, "open_card", lambda conf, clock: SimpleNamespace(position=self._position)
        )
        self.sensor = PositionSensor(self.context, self)

    def _position(self) -> Reading[Contacts]:
        self.asked += 1
        assert self.may_answer.wait(10)
        return self.answer

    @property
    def said(self) -> Reading[Contacts]:
        return self.context.observations.contacts

    async def turn(self, seconds: float = 0.0, *, feeds: bool = False) -> int:
        """Complete a cycle `seconds` later, wait for a question that may be answered; return how many were begun."""
        self.clock.time += seconds
        before = self.asked
        self.sensor.turned(feeds=feeds)
        if self.sensor._question is not None and self.may_answer.is_set():
            await self.sensor._question
            await asyncio.sleep(0)
        return self.asked - before


Make = Callable[..., Bench]


def played(test: Callable[[Make], Coroutine[Any, Any, None]]) -> Callable[[Make], None]:
    """Return a test that pytest can call."""

    @functools.wraps(test)
    def plays(make: Make) -> None:
        asyncio.run(test(make))

    return plays


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    made: list[Bench] = []

    def bench(node: Node = Node.PRIMARY, **conf: str) -> Bench:
        made.append(Bench(tmp_path, monkeypatch, node, **conf))
        return made[-1]

    yield bench
    for one in made:
        one.may_answer.set()
        one.sensor.close()


@played
async def test_it_is_asked_once_in_five_seconds_and_the_answer_bears_the_time_of_the_question(
    make: Make,
) -> None:
    bench = make(**DCTTECH)
    assert [await bench.turn(1.0) for _ in range(11)] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    assert bench.said == Known(Contacts.ENERGISED, 111.0)
    assert bench.context.observations.changed.is_set()


@played
async def test_a_second_answer_is_asked_for_soon(make: Make) -> None:
    bench = make(**DCTTECH)
    await bench.turn()
    service = bench.context.service
    service.state = replace(service.state, position=PositionRecord(Standing.DROPPED, 100.0))
    assert [await bench.turn(0.11) for _ in range(4)] == [0, 1, 0, 1]


@played
async def test_a_line_that_has_just_gone_hurries_it_and_one_that_stays_away_does_not(make: Make) -> None:
    bench = make(**DCTTECH)
    await bench.turn()
    service = bench.context.service
    service.state = replace(service.state, role=Role.ACTIVE, line_absent_since=100.0)
    assert await bench.turn(0.3) == 1
    bench.clock.time += 5.0
    await bench.turn()
    assert await bench.turn(0.3) == 0


@played
async def test_one_question_at_a_time_and_none_beside_a_command(make: Make) -> None:
    bench = make(**DCTTECH)
    bench.busy = frozenset({Order.RELEASE})
    assert await bench.turn() == 0
    bench.busy = frozenset({Order.START_PBX})
    bench.may_answer.clear()
    bench.sensor.turned(feeds=False)
    for _ in range(5):
        await bench.turn(60.0)
    assert bench.asked <= 1, "the first has not returned"
    bench.may_answer.set()
    assert bench.sensor._question is not None
    await bench.sensor._question
    assert bench.asked == 1


@played
async def test_what_it_cannot_say_is_unknown(make: Make) -> None:
    bench = make(**DCTTECH)
    bench.answer = Unknown("no answer", 0.0)
    await bench.turn()
    assert bench.said == Unknown("no answer", 100.0)

    def fails() -> Reading[Contacts]:
        raise HardwareError("there is no such device")

    bench._position = fails  # type: ignore[method-assign]
    bench.clock.time += 5.0
    bench.sensor.turned(feeds=False)
    assert bench.sensor._question is not None
    await bench.sensor._question
    await asyncio.sleep(0)
    assert isinstance(bench.said, Unknown)


@played
async def test_a_board_whose_watchdog_any_question_feeds_is_asked_only_with_its_food(make: Make) -> None:
    bench = make(**WIREN_BOARD)
    assert await bench.turn(feeds=False) == 0
    assert bench.said == Unknown("it is asked only while this node serves by it", 100.0)
    assert await bench.turn(6.0, feeds=True) == 1
    assert bench.said == Known(Contacts.ENERGISED, 106.0)
    assert await bench.turn(6.0, feeds=False) == 0
    assert isinstance(bench.said, Unknown), "what it said while it served is not kept"


@played
async def test_a_relay_that_answers_nothing_and_a_node_without_one_are_never_asked(make: Make) -> None:
    for bench in (
        make(),
        make(relay_driver="lcus", relay_device="/dev/ttyUSB0"),
        make(Node.SECONDARY, **DCTTECH),
    ):
        assert not bench.sensor.asks
        assert await bench.turn(feeds=True) == 0
