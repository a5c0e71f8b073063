"""A node that stood still with its power on (a paused machine, a suspend), and goes on: who serves, and how soon."""

from __future__ import annotations

import pytest
from pair_on_rack import PAIR_SITE, Pair

from hwsim.service_log import Settled, recorded

SITE = PAIR_SITE.with_conf({"HADEADTIME": "2s"})
# Seconds from the thaw, on a machine that is busy with other tests: both serve until the engine's children are dead,
# and Heartbeat may need a join to give service again.
TWO, BOUND = 1.5, 12.0
STAYS = 5.0


async def thawed(pair: Pair, side: str, seconds: float) -> Settled:
    """Have `side` stand still for `seconds`, and wait until one node serves alone after it goes on."""
    async with recorded(pair.rack) as log:
        await pair.rack.freeze(side)
        await pair.rack.pause(seconds)
        settled = await log.settled(pair.rack.thaw(side), BOUND, STAYS)
    print(f"{side} stood still for {seconds:g} s: {settled}")
    return settled


@pytest.mark.parametrize("seconds", [3.0, 10.0, 60.0])
async def test_the_active_node_wakes_and_its_peer_has_taken_over(pair: Pair, seconds: float) -> None:
    await pair.home()
    began = pair.rack.now()
    settled = await thawed(pair, "primary", seconds)
    assert settled.two < TWO
    entry = await pair.entry("primary", lambda entry: entry["kind"] == "woke", began)
    assert entry["restarts"] is True and entry["seconds"] > 1.5


@pytest.mark.parametrize("seconds", [3.0, 10.0])
async def test_the_standby_wakes_and_the_active_node_goes_on(pair: Pair, seconds: float) -> None:
    await pair.home()
    settled = await thawed(pair, "secondary", seconds)
    assert settled.two < TWO


async def test_a_node_that_stood_still_for_less_than_deadtime_goes_on_as_before(pair: Pair) -> None:
    await pair.home()
    before = pair.primary.engine_pid()
    settled = await thawed(pair, "primary", 1.0)
    assert settled.owner == "primary" and settled.two == 0
    assert before is not None and pair.primary.engine_pid() == before
