"""Ordinary events after which plain Heartbeat has both serve, or nobody, for ever: one serves within the bound."""

from __future__ import annotations

import asyncio

from pair_on_rack import PAIR_SITE, Pair

from hwsim.demo.scenario import OTHER
from hwsim.nodes import CLUSTER_ADDRESS
from hwsim.nodes.network import LAN
from hwsim.rack import SIDES
from hwsim.service_log import ServiceLog, recorded

SITE = PAIR_SITE
# Seconds from the event to the time from which exactly one node serves (docs/pair-states.md).
BOUND = 30.0
# An order that Heartbeat has lost while it says that resources move: the bound is longer (core/pair_watch.py).
LOST_ORDER_BOUND = 60.0
# A telephone asks again by itself who has an address after 15 to 45 s; seconds, with the time in which two serve.
UNANSWERED = 8.0
# For so long it must stay so: longer than what restarts and joins again afterwards takes.
STAYS = 12.0
# The largest part of deadtime in which a link is missed and nobody is taken for dead.
BLIP = SITE.deadtime - 0.5


async def settles(log: ServiceLog, since: float, bound: float = BOUND) -> str:
    """Return who serves alone from a time within `bound` on, and goes on for a while."""
    settled = await log.settled(since, bound, STAYS)
    print(settled)
    return settled.owner


async def start_apart(pair: Pair, log: ServiceLog, side: str) -> None:
    """Boot a node behind cut cables and start it, until it serves alone."""
    pair.stage.cut(side)
    await pair.power_up(side)
    await pair.rack.start_agent(side)
    await pair.stage.ask(pair.server(side), "ha", "start")
    await pair.until(lambda: log.serves(side), f"the {side} serves apart", 40)


async def obeys(pair: Pair, log: ServiceLog, side: str) -> None:
    """Ask `side` to take service, which it does."""
    await pair.until_status(side, lambda status: status["fit"], f"the {side} is fit")
    asked = pair.rack.now()
    await pair.stage.ask(pair.server(side), "takeover")
    assert await settles(log, asked) == side


async def test_the_primary_started_behind_cut_cables(pair: Pair) -> None:
    await pair.home()
    async with recorded(pair.rack) as log:
        await pair.served(pair.rack.power_off("primary"), "secondary")
        await start_apart(pair, log, "primary")
        await settles(log, pair.stage.heal("primary"))


async def test_the_secondary_started_behind_cut_cables(pair: Pair) -> None:
    await pair.home()
    async with recorded(pair.rack) as log:
        pair.rack.power_off("secondary")
        await start_apart(pair, log, "secondary")
        assert await settles(log, pair.stage.heal("secondary")) == "primary"


async def test_a_telephone_that_keeps_the_other_nodes_hardware_address(pair: Pair) -> None:
    await pair.home()
    async with recorded(pair.rack) as log:
        pair.rack.power_off("secondary")
        await start_apart(pair, log, "secondary")
        healed = pair.stage.heal("secondary")
        network = pair.rack.network
        wrong = ("lladdr", network.mac("secondary", LAN), "nud", "reachable", "dev", LAN)
        inside = ("ip", "netns", "exec", network.namespace("outside"))
        put = await asyncio.create_subprocess_exec(*inside, "ip", "neigh", "replace", CLUSTER_ADDRESS, *wrong)
        assert await put.wait() == 0
        settled = await log.settled(healed, BOUND, STAYS)
    print(settled)
    assert settled.owner == "primary" and settled.nobody < UNANSWERED


async def test_a_split_heals(pair: Pair) -> None:
    await pair.home()
    async with recorded(pair.rack) as log:
        pair.stage.cut("primary")
        await pair.until(lambda: log.serves("secondary"), "both serve")
        await pair.rack.pause(20)
        await settles(log, pair.stage.heal("primary"))


async def test_both_booted_before_the_switch(pair: Pair) -> None:
    await pair.home()
    async with recorded(pair.rack) as log:
        for side in SIDES:
            pair.rack.power_off(side)
            await pair.server(side).node.wait_down()
        pair.stage.cut("secondary")
        await asyncio.gather(*(start_apart(pair, log, side) for side in SIDES))
        pair.stage.heal("secondary")
        await settles(log, pair.stage.heal("primary"))


async def test_a_blip_during_a_hand_over_leaves_a_pair_that_obeys(pair: Pair) -> None:
    await pair.home()
    async with recorded(pair.rack) as log:
        await pair.stage.ask(pair.primary, "standby")
        await pair.until(lambda: not pair.watchman.granted("primary"), "the engine has taken service away")
        pair.stage.cut("secondary")
        await pair.rack.pause(BLIP)
        owner = await settles(log, pair.stage.heal("secondary"))
        await obeys(pair, log, OTHER[owner])


async def test_the_resource_stopped_by_hand(pair: Pair) -> None:
    await pair.home()
    async with recorded(pair.rack) as log:
        began = pair.rack.now()
        assert (await pair.script("primary", "stop")).code == 0
        await pair.until(lambda: not log.samples[-1].serving, "nobody serves")
        await settles(log, began)


async def test_the_standby_loses_power_as_it_is_given_service(pair: Pair) -> None:
    await pair.home()
    async with recorded(pair.rack) as log:
        asking = asyncio.create_task(pair.primary.asha("standby"))
        await pair.until(lambda: not pair.rack.in_service("primary"), "the primary has let go")
        assert await settles(log, pair.rack.power_off("secondary"), LOST_ORDER_BOUND) == "primary"
        await asking
