"""Nothing that one node says reaches the other, and the other way all is well: a firewall, half a cable, a bad port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from pair_on_rack import HEALS, PAIR_SITE, STAYS, Pair, Status

from hwsim.demo.scenario import OTHER
from hwsim.nodes.engines import HEARTBEAT, PACEMAKER
from hwsim.nodes.network import LINKS, Network
from hwsim.rack import SIDES
from hwsim.service_log import ServiceLog, recorded

SITE = PAIR_SITE
ENGINES = (HEARTBEAT, PACEMAKER)
DEADLINE = 240.0


@asynccontextmanager
async def deaf(pair: Pair, side: str) -> AsyncIterator[None]:
    """Have `side` drop whatever comes from the other node."""
    node, other = (pair.server(one).node for one in (side, OTHER[side]))
    peers = ", ".join(Network.address(other.name, link) for link in LINKS)
    chain = "add chain ip deaf input { type filter hook input priority 0; }"
    rule = f"add rule ip deaf input ip saddr {{ {peers} }} drop"
    done = await node.run(["nft", f"add table ip deaf; {chain}; {rule}"])
    assert done.ok, done.err
    try:
        yield
    finally:
        await node.run(["nft", "delete table ip deaf"])


def says(text: str) -> Callable[[Status], bool]:
    def said(status: Status) -> bool:
        return any(text in problem for problem in status["problems"])

    return said


async def heals(pair: Pair, log: ServiceLog) -> None:
    """One node serves alone soon, with the line, and neither tells of anything any more."""
    settled = await log.settled(pair.rack.now(), HEALS, STAYS)
    print(settled)
    await pair.until(lambda: pair.rack.in_service(settled.owner), "the line is with who serves")
    for side in SIDES:
        await pair.until_status(
            side, lambda status: not status["problems"], f"nothing is wrong on the {side}", 60
        )


@asynccontextmanager
async def from_home_and_back(pair: Pair, side: str) -> AsyncIterator[tuple[ServiceLog, float]]:
    """A whole pair of which `side` is deaf, and heals in the end. Gives who served, and when the deafness began."""
    await pair.home()
    async with recorded(pair.rack) as log:
        began = pair.rack.now()
        async with deaf(pair, side):
            yield log, began
        await heals(pair, log)


@pytest.mark.engine("heartbeat")
@pytest.mark.parametrize("side", SIDES)
async def test_the_deaf_node_serves_alone_and_the_other_tells_of_it(pair: Pair, side: str) -> None:
    """It takes the other one for dead; that one hears it serve, and is the only one that sees anything wrong."""
    async with from_home_and_back(pair, side) as (log, began):
        other = await pair.until_status(
            OTHER[side], says("does not hear this node"), f"the {OTHER[side]} tells that it is not heard"
        )
        assert any("firewall" in problem for problem in other["problems"])
        settled = await log.settled(began, HEALS, STAYS)
        assert settled.owner == side
        await pair.until(lambda: pair.rack.in_service(side), f"the {side} has the line")


@pytest.mark.engine("pacemaker")
@pytest.mark.parametrize("side", SIDES)
async def test_corosync_takes_it_for_a_cut_and_both_nodes_tell_of_it(pair: Pair, side: str) -> None:
    """Its token passes both ways or not at all, so nobody hears the other: both serve, and the line stays."""
    async with from_home_and_back(pair, side) as (_, began):
        for one in SIDES:
            await pair.until_status(
                one, says("the cluster address is also at"), f"the {one} tells of the other", 60
            )
        assert [move for move in pair.moved_since(began) if move[0] == "relay"] == []
        assert pair.rack.in_service("primary")
