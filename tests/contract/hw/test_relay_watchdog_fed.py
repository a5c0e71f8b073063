"""The agent's hands on a relay with a watchdog of its own: started before the line hangs on it, fed, and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from berofos_bench import BerofosBench
from relay_card_suite import await_position

from appliance.agent import executor as executor_module
from appliance.agent.executor import Actuator, Executor
from appliance.agent.this_node import ThisNode
from appliance.core.errors import HardwareError
from appliance.core.model import Node, Relay
from appliance.core.reading import is_known
from appliance.core.transfer import Order
from appliance.host.clock import SystemClock
from hwsim.card.berofos import BerofosFault
from tests.plugins.agent_context import node_context

SECONDS = 3


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BerofosBench]:
    bench = BerofosBench(tmp_path)
    monkeypatch.setattr(executor_module, "open_card", lambda conf, clock: bench.open(relay_watchdog=SECONDS))
    yield bench
    bench.close()


def hands(bench: BerofosBench, *, feeds: bool = True) -> Actuator:
    this_node = ThisNode(bench.conf(relay_watchdog=SECONDS), Node.PRIMARY)
    return Actuator(this_node, SystemClock(), feeds=feeds)


def test_an_order_to_energise_starts_it_and_one_to_release_stops_it(bench: BerofosBench) -> None:
    actuator = hands(bench)
    actuator.perform(Order.ENERGISE)
    assert (bench.berofos.state, bench.berofos.settings["wintv"]) == (1, SECONDS)
    await_position(bench.line, Relay.ENERGISED)
    actuator.perform(Order.RELEASE)
    assert bench.berofos.state == 0
    await_position(bench.line, Relay.RELEASED)


def test_an_agent_that_ends_on_purpose_stops_it_and_leaves_the_line(bench: BerofosBench) -> None:
    actuator = hands(bench)
    actuator.perform(Order.ENERGISE)
    actuator.stop_relay_watchdog()
    assert bench.berofos.state == 0
    await_position(bench.line, Relay.ENERGISED)


def test_the_script_alone_starts_none_that_nobody_would_feed(bench: BerofosBench) -> None:
    hands(bench).perform(Order.ENERGISE)
    alone = hands(bench, feeds=False)
    assert alone.guarded == 0
    alone.perform(Order.ENERGISE)
    assert bench.berofos.state == 0
    await_position(bench.line, Relay.ENERGISED)


def test_a_device_that_takes_no_food_is_not_energised(bench: BerofosBench) -> None:
    bench.berofos.berofos_faults.add(BerofosFault.NO_UDP)
    with pytest.raises(HardwareError, match="by UDP"):
        hands(bench).perform(Order.ENERGISE)
    assert bench.line() is Relay.RELEASED


def played(bench: BerofosBench, root: Path, play: Callable[[Executor], object]) -> tuple[Executor, list[str]]:
    """Energise, have `play` done, and return what the journal then says of the card."""

    async def run() -> tuple[Executor, list[str]]:
        this_node = ThisNode(bench.conf(relay_watchdog=SECONDS), Node.PRIMARY)
        context = node_context(root, this_node, SystemClock())
        executor = Executor(context, hands(bench), lambda order, problem: None)
        await executor.do(Order.ENERGISE, "a test", 1)
        for _ in range(40):
            play(executor)
            await asyncio.sleep(0.05)
        await executor.stop_relay_watchdog()
        said = [entry.says for entry in context.journal.since(0) if entry.kind == "card"]
        executor.close()
        context.journal.close()
        return executor, said

    return asyncio.run(run())


def test_cycles_feed_it_five_times_in_its_time_however_often_they_turn(
    bench: BerofosBench, tmp_path: Path
) -> None:
    executor, said = played(bench, tmp_path, Executor.feed_relay)
    assert is_known(executor.commanded, Relay.ENERGISED)
    assert 3 <= len(bench.berofos.kicks) - 1 <= 5  # the first is the trial of the start
    assert bench.berofos.enabled == 0 and said == []


def test_food_that_does_not_arrive_is_told_once(bench: BerofosBench, tmp_path: Path) -> None:
    def feed(executor: Executor) -> None:
        bench.berofos.berofos_faults.add(BerofosFault.NO_UDP)
        executor.feed_relay()

    _, said = played(bench, tmp_path, feed)
    assert len(said) == 1 and "the relay's own watchdog was not fed" in said[0]
