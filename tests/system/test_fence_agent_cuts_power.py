"""Pacemaker asks fence_asha, which has no yes of the line: HAFENCE cuts the power, and its confirmation is the yes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from pair_on_rack import PAIR_SITE, TOOL, Pair

from hwsim.card import vendortool
from hwsim.demo.scenario import OTHER
from hwsim.nodes import Power
from hwsim.nodes.engines import PACEMAKER
from hwsim.power_switch import PROGRAM, PowerSwitch
from hwsim.service_log import recorded

WAIT = 6.0
SITE = replace(
    PAIR_SITE,
    engine=PACEMAKER,
    extra={
        **PAIR_SITE.extra,
        "HASTONITH": "YES",
        "HAFENCE": f"{PROGRAM} --action=off",
        "HAFENCEWAIT": f"{WAIT:g}",
        "HAPING": "10.77.0.50",  # the outside host of the rack stands for a gateway
        "LANDWELL": "2",
        "CARDDEADLINE": "1",
        "PBXSTOPDEADLINE": "2",
    },
)
SERVED = 60.0


@asynccontextmanager
async def outlet(pair: Pair, side: str) -> AsyncIterator[PowerSwitch]:
    """The pair at home, and the outlet that the node on `side` controls."""
    await pair.home()
    for each in OTHER:
        await pair.until_status(
            each, lambda status: status["lan"]["reached"]["value"] is True, f"the {each} reaches the LAN"
        )
    switch = PowerSwitch(pair.rack, side)
    await switch.start()
    try:
        yield switch
    finally:
        await switch.stop()


async def test_a_frozen_primary_that_keeps_the_line(pair: Pair) -> None:
    async with outlet(pair, "secondary") as switch, recorded(pair.rack) as log:
        frozen = await pair.rack.freeze("primary")
        await pair.served(frozen, "secondary", SERVED)
        assert pair.primary.node.power is Power.OFF and len(switch.used) == 1
        granted = await pair.entry("secondary", lambda entry: entry["kind"] == "grant", frozen)
        assert granted["at"] > switch.used[0], "service is given only when it is off"
        assert log.seconds_with_two(frozen) == 0.0
        print(f"cut after {switch.used[0] - frozen:.1f} s, granted after {granted['at'] - frozen:.1f} s")


async def test_a_secondary_that_dies_while_it_serves_is_the_primarys_blind_spot_and_hafence_sees_there(
    pair: Pair,
) -> None:
    async with outlet(pair, "primary") as switch:
        await pair.away()
        fault = pair.rack.power_off("secondary")
        await pair.served(fault, "primary", SERVED)
        assert len(switch.used) == 1


async def test_a_stop_that_cannot_let_the_line_go_has_the_node_cut_off(pair: Pair) -> None:
    async with outlet(pair, "secondary") as switch:
        pair.watchman.grace = 120.0  # the relay stays energised: that is the fault
        pair.primary.node.write(TOOL, vendortool.FAILING, 0o755)
        fault = pair.rack.now()
        await pair.stage.ask(pair.secondary, "takeover")
        await pair.served(fault, "secondary", SERVED)
        assert pair.primary.node.power is Power.OFF and len(switch.used) == 1


async def test_an_outlet_that_hangs_is_a_no_and_nobody_is_granted(pair: Pair) -> None:
    async with outlet(pair, "secondary") as switch:
        switch.answers = False
        frozen = await pair.rack.freeze("primary")
        told = await pair.entry(
            "secondary",
            lambda entry: entry["kind"] == "fence" and "nobody knows" in entry["says"],
            frozen,
            SERVED,
        )
        assert "did not end within its deadline and was killed" in told["says"]
        grants = [entry for entry in pair.entries("secondary", frozen) if entry["kind"] == "grant"]
        assert grants == [] and len(switch.used) == 1
        pair.rack.thaw("primary")
        await pair.until_status(
            "primary", lambda status: bool(status["peer"]["fit"]["value"]), "it sees the other node fit"
        )
        assert pair.rack.in_service("primary")
