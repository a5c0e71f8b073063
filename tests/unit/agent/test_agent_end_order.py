"""The order to end, given by a real signal: whichever part of the agent works then, or none."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from appliance.agent.end_order import EndOrder


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_the_part_that_works(number: signal.Signals) -> None:
    async def live() -> EndOrder:
        order, end = EndOrder(), asyncio.Event()
        order.take_signals()
        order.ends(end)
        os.kill(os.getpid(), number)
        await end.wait()
        return order

    assert asyncio.run(live()).given


def test_one_that_comes_between_two_parts_ends_the_next_at_once() -> None:
    async def live() -> tuple[bool, bool]:
        order, first, second = EndOrder(), asyncio.Event(), asyncio.Event()
        order.take_signals()
        order.ends(first)
        os.kill(os.getpid(), signal.SIGTERM)
        await first.wait()  # the first part was ending already, and does not look at this any more
        order.ends(second)
        return order.given, second.is_set()

    assert asyncio.run(live()) == (True, True)


def test_no_order_ends_nothing() -> None:
    async def live() -> bool:
        order, end = EndOrder(), asyncio.Event()
        order.take_signals()
        order.ends(end)
        return order.given or end.is_set()

    assert not asyncio.run(live())
