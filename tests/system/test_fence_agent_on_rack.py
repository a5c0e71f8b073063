"""Pacemaker asks fence_asha before it gives service: the line answers, and what nobody knows is a no."""

from __future__ import annotations

import signal
from dataclasses import replace

from pair_on_rack import PAIR_SITE, Entry, Pair, Status

from hwsim.demo.scenario import OTHER
from hwsim.nodes.engines import PACEMAKER
from hwsim.nodes.network import LINKS
from hwsim.service_log import recorded

SITE = replace(PAIR_SITE, engine=PACEMAKER, extra={**PAIR_SITE.extra, "HASTONITH": "YES"})
# Seconds for which the links are cut, and within which everything is as before when they are not any more.
SPLIT = 15.0
HEALS = 30.0
# Seconds within which Pacemaker asks again.
AGAIN = 30.0
ASKS = r"appliance\.cli\.fence_agent"


async def test_a_power_cut_is_a_yes_of_the_line(pair: Pair) -> None:
    await pair.home()
    fault = pair.rack.power_off("primary")
    await pair.served(fault, "secondary")
    told = await pair.entry("secondary", lambda entry: entry["kind"] == "fence", fault)
    assert told["confirmed"] and "the line has come here" in told["says"]
    await pair.power_up("primary")
    await pair.rack.start_agent("primary")
    await pair.stage.ask(pair.primary, "ha", "start")
    await pair.until_status(
        "secondary", lambda status: bool(status["peer"]["fit"]["value"]), "the other node is back"
    )


async def split(pair: Pair, cut: str, active: str, then: str) -> None:
    """Cut both cables of the node `cut` while `active` serves; `then` serves until the heal, and never two do."""
    other = OTHER[active]
    async with recorded(pair.rack) as log:
        began = pair.rack.now()
        for link in LINKS:
            pair.server(cut).node.cut(link)
        if then == active:
            await pair.entry(other, _refused, began, SPLIT)
        else:
            await pair.served(began, then)
        await pair.rack.pause(SPLIT)
        for link in LINKS:
            pair.server(cut).node.heal(link)
        await pair.until_status(OTHER[then], _fit, "the other one is a fit standby", HEALS)
        print(f"two {log.seconds_with_two(began):.1f} s, nobody {log.seconds_with_nobody(began):.1f} s")
        assert log.seconds_with_two(began) == 0.0
    # Whom Pacemaker leaves service to after a heal is its choice, and a move takes it some seconds (docs/fencing.md).
    await pair.until(lambda: any(map(pair.rack.in_service, OTHER)), "one of them serves", HEALS)


def _refused(entry: Entry) -> bool:
    return bool(entry["kind"] == "fence" and not entry.get("confirmed"))


def _fit(status: Status) -> bool:
    return bool(status["role"] == "standby" and status["fit"])


async def test_a_split_whose_secondary_has_lost_its_cables_moves_nothing(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.now()
    await split(pair, "secondary", "primary", "primary")
    assert pair.moved_since(began) == []


async def test_a_primary_that_has_lost_its_cables_tells_the_secondary_by_the_line(pair: Pair) -> None:
    await pair.home()
    await split(pair, "primary", "primary", "secondary")


async def test_a_split_leaves_the_line_and_service_at_the_secondary(pair: Pair) -> None:
    await pair.home()
    await pair.away()
    began = pair.rack.now()
    await split(pair, "primary", "secondary", "secondary")
    assert pair.moved_since(began) == []


def asking(pair: Pair) -> set[int]:
    """The processes of the secondary's fence agent that ask now."""
    return set(pair.secondary.node.pids(ASKS))


async def test_a_fence_agent_that_is_killed_and_one_without_an_agent_are_a_no(pair: Pair) -> None:
    await pair.home()
    frozen = await pair.rack.freeze("primary")
    await pair.until(lambda: bool(asking(pair)), "Pacemaker asks")
    killed = asking(pair)
    assert (await pair.secondary.node.run(["kill", "-KILL", *map(str, killed)], 5.0)).ok
    await pair.until(lambda: bool(asking(pair) - killed), "it asks again", AGAIN)
    await pair.secondary.stop_agent(signal.SIGKILL)
    told = f"until grep -q 'fence_asha.*The agent is not running' {PACEMAKER.logs[-1]}; do sleep 0.2; done"
    assert (await pair.secondary.node.run(["sh", "-c", told], AGAIN)).ok
    assert not pair.rack.asterisk_runs("secondary")
    assert [entry for entry in pair.entries("secondary", frozen) if entry["kind"] == "grant"] == []
    pair.rack.thaw("primary")
    await pair.rack.start_agent("secondary")
    await pair.until_status("secondary", _fit, "it is a fit standby again", HEALS)
    assert pair.rack.in_service("primary")
