"""All links between the nodes are cut, and both live: the line tells the secondary who serves (docs/adr/0025)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import replace

import pytest
from pair_on_rack import PAIR_SITE, Pair

from hwsim.demo.scenario import OTHER

# The outside host of the rack stands for a gateway.
SITE = replace(
    PAIR_SITE,
    extra={
        **PAIR_SITE.extra,
        "HAWITNESS": "REQUIRE",
        "LANDWELL": "2",
        "HAPING": "10.77.0.50",
        "HAWITNESSWAIT": "3",
    },
)
SPLIT = 20.0
# What firewalld does to a cluster engine: what comes in for UDP 694 is dropped, on each link.
WALL = (
    "ip rule add pref 100 lookup local; ip rule del pref 0; "
    "for d in eth0 eth1; do ip rule add pref 10 iif $d ipproto udp dport 694 blackhole; done"
)
NO_WALL = "while ip rule del pref 10 2>/dev/null; do :; done"


async def shell(pair: Pair, side: str, command: str) -> None:
    done = await pair.server(side).node.run(["sh", "-c", command])
    assert done.code == 0, done


async def at_home(pair: Pair) -> None:
    for side in OTHER:
        if pair.server(side).powered:
            await shell(pair, side, NO_WALL)
    # A split that heals is over before the agents are replaced; where it does not heal by itself, `home` mends it.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20.0):
            while sorted([await role(pair, side) for side in OTHER]) != ["active", "standby"]:
                await pair.rack.pause(0.2)
    await pair.home()
    for side in OTHER:
        await pair.until_status(
            side, lambda status: status["lan"]["reached"]["value"] is True, f"the {side} reaches the LAN"
        )


async def role(pair: Pair, side: str) -> str:
    return str((await pair.server(side).status() or {}).get("role"))


async def split(pair: Pair) -> float:
    """Neither node hears the other any more, while telephones reach both; until the secondary has been granted."""
    for side in OTHER:
        await shell(pair, side, WALL)
    at = pair.rack.now()
    await pair.until(lambda: pair.watchman.granted("secondary"), "the secondary is granted too")
    return at


def silence(pair: Pair, since: float, until: float) -> float:
    """Seconds between `since` and `until` in which no telephone outside was answered at the cluster address."""
    heard = [seen.t for seen in pair.rack.outside.events if seen.kind == "sip" and since <= seen.t <= until]
    marks = [since, *heard, until]
    return sum(gap for one, two in itertools.pairwise(marks) if (gap := two - one) > 0.25)


def last_answer(pair: Pair) -> str:
    seen = pair.rack.outside.last("sip", pair.rack.now())
    return next(
        (side for side in OTHER if seen is not None and seen.mac == pair.rack.outside.mac_of(side)), ""
    )


async def test_require_has_the_primary_go_on_alone(pair: Pair) -> None:
    await at_home(pair)
    began = await split(pair)
    await pair.rack.pause(began + SPLIT - pair.rack.now())
    healed = pair.rack.now()
    print(f"\nsplit of {SPLIT:g} s, REQUIRE: telephones unanswered for {silence(pair, began, healed):.1f} s")
    assert last_answer(pair) == "primary" and pair.rack.in_service("primary")
    assert not pair.rack.asterisk_runs("secondary")
    assert [move for move in pair.moved_since(began) if move[0] == "relay"] == []
    for side in OTHER:
        await shell(pair, side, NO_WALL)
    await pair.until_status(
        "secondary",
        lambda status: status["role"] == "standby" and status["fit"],
        "the secondary stands by",
        60,
    )
    ended = pair.rack.now()
    print(
        f"after the heal: unanswered for {silence(pair, healed, ended):.1f} s; standby after {ended - healed:.1f} s"
    )
    await pair.until(
        lambda: any(map(pair.rack.in_service, OTHER)), "the line is in service on one of them", 60
    )


async def test_a_primary_cut_off_from_everything_leaves_the_line_to_the_secondary(pair: Pair) -> None:
    await at_home(pair)
    cut = pair.rack.now()
    pair.stage.cut("primary")
    await pair.served(cut, "secondary")
    served = pair.rack.now()
    blocked = await pair.until_status(
        "primary", lambda status: status["transfer"]["phase"] == "blocked", "it says why"
    )
    assert "no telephone of the LAN reaches this node (eth0 has no carrier" in blocked["transfer"]["note"]
    assert "the line and the cluster address were let go" in blocked["transfer"]["note"]
    print(f"\nprimary cut off, REQUIRE: telephones unanswered for {silence(pair, cut, served):.1f} s")
    await pair.rack.pause(max(0.0, cut + SPLIT - pair.rack.now()))
    healed = pair.stage.heal("primary")
    await pair.until_status(
        "primary", lambda status: status["role"] == "standby" and status["fit"], "the primary stands by", 60
    )
    ended = pair.rack.now()
    print(
        f"after the heal: unanswered for {silence(pair, healed, ended):.1f} s; standby after {ended - healed:.1f} s"
    )
    await pair.until(
        lambda: any(map(pair.rack.in_service, OTHER)), "the line is in service on one of them", 60
    )


async def apart(pair: Pair, witness: str) -> None:
    """From home on, with this HAWITNESS and all links cut, until the primary hears nothing."""
    for side in OTHER:
        await pair.stage.ask(pair.server(side), "conf", "set", "HAWITNESS", witness)
    await at_home(pair)  # its fresh agents read the conf
    await split(pair)
    await pair.until_status(
        "primary", lambda status: status["peer"]["alive"]["value"] is False, "it hears nothing"
    )


@pytest.mark.parametrize("witness", ["REQUIRE", "PREFER"])
async def test_asterisk_dies_on_the_primary_that_nobody_hears(pair: Pair, witness: str) -> None:
    await apart(pair, witness)
    fault = pair.rack.kill_asterisk("primary")
    await pair.until(lambda: pair.rack.in_service("secondary"), "the line is in service on the secondary")
    await pair.until(lambda: last_answer(pair) == "secondary", "telephones are answered by the secondary")
    served = pair.rack.now()
    print(f"\n{witness}: line and telephones at the secondary {served - fault:.1f} s after Asterisk died")
    said = await pair.entry(
        "primary", lambda entry: entry["kind"] == "phase" and entry["phase"] == "blocked", fault
    )
    assert said["note"].startswith(
        "Asterisk died, and the other node is silent: the line and the cluster address were let"
    )
    said = await pair.until_status("secondary", lambda status: status["role"] == "active", "it serves")
    assert "the silent primary has let go of it or lost its power" in said["headline"]
    assert not pair.rack.asterisk_runs("primary")
