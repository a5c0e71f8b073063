"""Something starts Asterisk again wherever it does not run: on the node that gave service up, and on the standby."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pair_on_rack import PAIR_SITE, Pair

SITE = PAIR_SITE
# As a unit with Restart=always does: look, and start it again.
KEEPER = "while :; do asterisk -rx 'core show uptime' >/dev/null 2>&1 || asterisk -g >/dev/null 2>&1; sleep 0.2; done"


@asynccontextmanager
async def keeper(pair: Pair, side: str) -> AsyncIterator[None]:
    """Have something start Asterisk on `side` whenever it does not run."""
    server = pair.server(side)
    process = await server.node.spawn(["sh", "-c", KEEPER], server.logs / "keeper.log")
    try:
        yield
    finally:
        process.kill()


async def strays_are_ended_and_told(pair: Pair, side: str) -> None:
    """The standby ends each Asterisk that comes back there, and says that something starts it."""
    status = await pair.until_status(
        side, lambda status: status["strays"]["ended"] >= 2, "two strays were ended", 60
    )
    assert any("started Asterisk again and again" in problem for problem in status["problems"])
    assert status["role"] == "standby"


async def test_it_comes_back_on_the_node_that_gave_service_up_and_does_not_keep_it(pair: Pair) -> None:
    """Asterisk dies, and its unit starts it again before the other node serves and for as long as that does."""
    await pair.home()
    async with keeper(pair, "primary"):
        fault = pair.rack.kill_asterisk("primary")
        await pair.served(fault, "secondary")
        await strays_are_ended_and_told(pair, "primary")
        assert ("in_service", "primary") not in pair.moved_since(fault)
    assert pair.rack.in_service("secondary")


async def test_it_comes_back_on_the_standby_and_is_ended_each_time_and_told_of(pair: Pair) -> None:
    await pair.home()
    async with keeper(pair, "secondary"):
        await strays_are_ended_and_told(pair, "secondary")
    await pair.until_status(
        "secondary", lambda status: status["pbx"]["state"]["value"] == "dead", "the last one is gone", 40
    )
    assert pair.rack.asterisk_runs("primary")
