"""What the agent's driver makes of a start: each effect is done before the next, and the file counts."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import cast

import pytest
from test_agent_cycle import ENGINE, Bench

from appliance.agent.executor import Actuator, Executor
from appliance.agent.grant_file import GrantFile
from appliance.core.errors import HardwareError
from appliance.core.grant import Verb
from appliance.core.reading import Known
from appliance.core.roles import Role
from appliance.core.transfer import Order

RESET = 0.05  # seconds the card takes for it


class Card:
    """An actuator whose card takes its time for a reset, and may refuse it."""

    def __init__(self, refusal: Exception | None) -> None:
        self.done: list[str] = []
        self.mended: list[str] = []
        self._refusal = refusal

    def reset_card(self) -> None:
        time.sleep(RESET)
        self.done.append("reset")
        if self._refusal is not None:
            raise self._refusal

    def perform(self, order: Order) -> None:
        self.done.append(order.name)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("refusal", [None, HardwareError("it hangs"), OSError(28, "it hangs")])
def test_the_card_is_reset_then_the_relay_released_and_both_are_waited_for(
    tmp_path: Path, refusal: Exception | None
) -> None:
    bench, card = Bench(tmp_path), Card(refusal)
    before = len(bench.journal.since(0))

    async def begin() -> None:
        executor = Executor(bench.context, cast(Actuator, card), lambda order, problem: None)
        bench.cycle._executor = executor
        await bench.cycle.begin()
        assert card.done == ["reset", "RELEASE"] and not executor.busy
        executor.close()

    asyncio.run(begin())
    told = [entry for entry in bench.journal.since(before) if entry.kind in ("card", "order", "done")]
    said = [f"it could not be reset: {refusal}"] if refusal else []
    assert [entry.says or entry.fields["order"] for entry in told] == [*said, "RELEASE", "RELEASE"]


def test_a_grant_that_stands_moves_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.executor.orders.clear()
    asyncio.run(bench.cycle.begin())
    bench.cycle.start()
    assert bench.executor.orders == [] and bench.executor.resets == 0
    assert bench.role() is Role.ACQUIRING


def test_a_lost_grant_is_on_file_again_before_anything_else(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.observations.engine_serves = Known(True, bench.clock.now())
    asyncio.run(bench.cycle.begin())
    kept = GrantFile(tmp_path / "grant").read()
    assert kept.held and kept.engine == ENGINE and bench.executor.resets == 0
    bench.cycle.start()
    assert bench.role() is Role.ACQUIRING
    assert "the grant was taken from the word of the HA engine" in bench.cycle.grant_problem


def test_what_a_script_did_meanwhile_is_read_from_the_file(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.executor.orders.clear()
    asyncio.run(bench.cycle.begin())
    assert bench.executor.orders == [Order.RELEASE] and bench.executor.resets == 1
    GrantFile(tmp_path / "grant").ask(Verb.START, 1.0, ENGINE)
    bench.cycle.start()
    assert bench.role() is Role.ACQUIRING and bench.cycle.state.grant.held
