"""Asterisk boots while the engine still moves service, and never beside another one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from pair_on_rack import PAIR_SITE, Pair

from hwsim.nodes.engines import HEARTBEAT, PACEMAKER
from hwsim.rack import SIDES

# The engine calls a silent peer dead long after the line and the silence have shown it.
SITE = PAIR_SITE.with_conf({"HADEADTIME": "6s", "HAINITDEAD": "7s", "HAWARNTIME": "3s"})
ENGINES = (HEARTBEAT, PACEMAKER)
# How often is looked at which Asterisks there are, in seconds.
_LOOK = 0.01
# A release stops at once what was prepared; with the message and a turn of a busy machine it has ended within this.
_ENDED = 10.0


@contextlib.asynccontextmanager
async def never_two(pair: Pair) -> AsyncIterator[None]:
    """See to it that at no time two Asterisks run."""
    seen: list[float] = []

    async def look() -> None:
        while True:
            if all(map(pair.rack.asterisk_runs, SIDES)):
                seen.append(pair.rack.now())
            await asyncio.sleep(_LOOK)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
    assert seen == []


def steps(pair: Pair, side: str, after: float) -> list[str]:
    """Return in their order: that a start was prepared, that Asterisk was ordered to start, and what was granted."""
    return [
        entry["kind"]
        for entry in pair.entries(side, after)
        if entry["kind"] in ("prepared", "grant") or entry.get("order") == "START_PBX"
        if entry["kind"] != "done"
    ]


async def test_after_a_death_asterisk_is_started_once_and_before_the_grant(pair: Pair) -> None:
    await pair.home()
    async with never_two(pair):
        fault = pair.rack.kill_asterisk("primary")
        await pair.served(fault, "secondary")
    assert steps(pair, "secondary", fault) == ["prepared", "order", "grant"], (
        "what stands ready is taken over"
    )


async def test_a_planned_move_and_the_way_back_prepare_too(pair: Pair) -> None:
    await pair.home()
    for to in ("secondary", "primary"):
        began = pair.rack.now()
        async with never_two(pair):
            await pair.move("standby", to=to)
        assert steps(pair, to, began) == ["prepared", "order", "grant"]


async def test_after_a_power_cut_asterisk_boots_while_the_engine_waits(pair: Pair) -> None:
    await pair.home()
    fault = pair.rack.power_off("primary")
    await pair.served(fault, "secondary")
    assert steps(pair, "secondary", fault) == ["prepared", "order", "grant"]


@pytest.mark.engine("heartbeat")
async def test_what_was_prepared_in_vain_is_ended_before_service_comes_back(pair: Pair) -> None:
    """The engine is not told of a stop by hand, so it moves nothing, and the primary takes service back."""
    await pair.home()
    began = pair.rack.now()
    async with never_two(pair):
        await pair.script("primary", "stop")
        await pair.until(lambda: pair.rack.asterisk_runs("secondary"), "the secondary prepares")
        assert pair.rack.first_answer("sip", "secondary", began) is None, "it has neither address nor grant"
        await pair.until(lambda: not pair.rack.asterisk_runs("secondary"), "it has given up", 8 + _ENDED)
        await pair.until(lambda: pair.rack.in_service("primary"), "the primary serves again", 60)
    assert steps(pair, "secondary", began) == ["prepared", "order"]
