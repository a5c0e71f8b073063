"""A primary freezes with its power on and keeps the line: HAFENCE cuts its power, once, and the line comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from pair_on_rack import PAIR_SITE, Pair

from appliance.config import Conf, parse
from appliance.config.bounds import bound_inputs
from appliance.core.bound import BoundPhase, bound_of
from appliance.core.model import Node
from hwsim.demo.scenario import OTHER
from hwsim.nodes import Power
from hwsim.power_switch import PROGRAM, PowerSwitch

WAIT = 6.0
SITE = replace(
    PAIR_SITE,
    extra={
        **PAIR_SITE.extra,
        "HAFENCE": f"{PROGRAM} --action=off",
        "HAFENCEWAIT": f"{WAIT:g}",
        "HAPING": "10.77.0.50",  # the outside host of the rack stands for a gateway
        "LANDWELL": "2",
    },
)
CONF = parse(SITE.conf(Path("/proc/dahdi")))
assert isinstance(CONF, Conf)
BOUND = bound_of(bound_inputs(CONF), "frozen-fenced", Node.SECONDARY)
assert BOUND.line is not None
LINE: float = BOUND.line
# From the grant until the command begins, which may then take as long again as HAFENCEWAIT.
BEGINS = BOUND.of(BoundPhase.FENCE) - WAIT


@asynccontextmanager
async def outlet(pair: Pair) -> AsyncIterator[PowerSwitch]:
    await pair.home()
    for side in OTHER:
        await pair.until_status(
            side, lambda status: status["lan"]["reached"]["value"] is True, f"the {side} reaches the LAN"
        )
    switch = PowerSwitch(pair.rack, "secondary")
    await switch.start()
    try:
        yield switch
    finally:
        await switch.stop()


async def test_a_frozen_primary_that_keeps_the_line_is_fenced(pair: Pair) -> None:
    async with outlet(pair) as switch:
        frozen = await pair.rack.freeze("primary")
        await pair.until(
            lambda: pair.rack.in_service("secondary"), "the line is in service on the secondary", LINE
        )
        served = pair.rack.now()
        assert pair.primary.node.power is Power.OFF and len(switch.used) == 1
        print(
            f"\nfrozen primary, HAFENCE after {switch.used[0] - frozen:.1f} s: line in service after "
            f"{served - frozen:.1f} s (HAFENCEWAIT={WAIT:g}, {LINE:g} s at the latest)"
        )
        granted = await pair.entry("secondary", lambda entry: entry["kind"] == "grant", frozen)
        assert WAIT < switch.used[0] - granted["at"] <= BEGINS + 1.0, "a second for two busy cores"
        ended = await pair.entry(
            "secondary", lambda entry: entry["kind"] == "fence" and entry.get("confirmed"), frozen
        )
        assert ended["says"] == "HAFENCE has confirmed that the primary (haprimary) is off"
        status = await pair.until_status("secondary", lambda status: status["role"] == "active", "it serves")
        assert ended["says"] in status["problems"]


async def test_a_fence_that_does_not_answer_says_nothing_and_is_not_repeated_at_once(pair: Pair) -> None:
    async with outlet(pair) as switch:
        switch.answers = False
        frozen = await pair.rack.freeze("primary")
        ended = await pair.entry(
            "secondary",
            lambda entry: entry["kind"] == "fence" and "is not known" in entry["says"],
            frozen,
            LINE,
        )
        assert "did not end within its deadline and was killed" in ended["says"]
        status = await pair.until_status(
            "secondary", lambda status: any("is not known" in one for one in status["problems"]), "it says so"
        )
        assert any("tried again after 60 s" in one for one in status["problems"])
        assert len(switch.used) == 1 and pair.primary.node.power is Power.HUNG
        assert pair.rack.in_service("secondary") is False


async def test_asha_fence_test_asks_the_outlet_and_cuts_nothing(pair: Pair) -> None:
    async with outlet(pair) as switch:
        said = await pair.secondary.asha("fence", "test")
        assert said.code == 0 and "says that the power is on" in said.output, said
        assert "Not proved: that this is the power of the other node" in said.output
        checked = await pair.secondary.asha("check", deadline=30)
        assert "HAFENCE's program reaches its device" in checked.output, checked
        switch.answers = False
        said = await pair.secondary.asha("fence", "test", deadline=30)
        assert said.code == 3 and "it did not end within its deadline" in said.error, said
        assert switch.used == [] and pair.rack.in_service("primary")
