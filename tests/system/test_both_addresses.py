"""A pair with two cluster addresses, of IPv4 and of IPv6, on each engine: both move, and neither is lost alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from pair_on_rack import PAIR_SITE, STAYS, Pair

from hwsim.demo.scenario import OTHER
from hwsim.nodes import CLUSTER_ADDRESS, CLUSTER_ADDRESS6
from hwsim.nodes.engines import HEARTBEAT, PACEMAKER
from hwsim.nodes.network import Network

SITE = replace(PAIR_SITE, extra={**PAIR_SITE.extra, "HACLUSTERIP6": f"{CLUSTER_ADDRESS6}/64"})
ENGINES = (HEARTBEAT, PACEMAKER)
BOTH = (f"{CLUSTER_ADDRESS}/24", f"{CLUSTER_ADDRESS6}/64")


async def answered_by(
    pair: Pair, side: str, after: float, kinds: tuple[Literal["sip", "garp"], ...] = ("sip", "garp")
) -> None:
    """Both telephones, that of IPv4 and that of IPv6, are answered by `side`, which has announced both addresses."""
    for ip in pair.rack.site.addresses:
        for kind in kinds:
            seen = await pair.rack.outsides[ip].wait_for(
                kind, after, pair.rack.outside.mac_of(side), deadline=15
            )
            print(f"{side}: {kind} of {ip} after {seen.t - after:.2f} s")


async def addresses_on(pair: Pair, side: str) -> str:
    return str((await pair.server(side).node.run(["ip", "-o", "addr", "show", "dev", "eth0"])).out)


async def test_both_move_with_service(pair: Pair) -> None:
    await pair.home()
    status = await pair.until_status(
        "primary", lambda status: bool(status["peer"]["calls"]["value"]), "it calls"
    )
    assert status["address"]["ip"] == f"{CLUSTER_ADDRESS}, {CLUSTER_ADDRESS6}"
    fault = pair.rack.kill_asterisk("primary")
    await pair.served(fault, "secondary")
    await answered_by(pair, "secondary", fault)
    shown = {side: await addresses_on(pair, side) for side in OTHER}
    for address in BOTH:
        assert address in shown["secondary"]
        assert address not in shown["primary"]
    await pair.until_status(
        "secondary",
        lambda status: bool(status["peer"]["calls"]["value"]),
        "the primary, now standby, calls both",
    )


async def test_a_planned_move_and_the_way_back(pair: Pair) -> None:
    await pair.home()
    for to in ("secondary", "primary"):
        began = pair.rack.now()
        await pair.move("standby", to=to)
        await answered_by(pair, to, began)


@pytest.mark.parametrize("address", BOTH)
async def test_one_that_is_taken_away_is_put_back(pair: Pair, address: str) -> None:
    await pair.home()
    began = pair.rack.now()
    assert (await pair.primary.node.run(["ip", "addr", "del", address, "dev", "eth0"])).ok
    ip = address.partition("/")[0]
    mac = pair.rack.outside.mac_of("primary")
    await pair.rack.outsides[ip].wait_for("garp", began, mac, deadline=15)
    told = await pair.entry("primary", lambda entry: entry["kind"] == "address", began)
    assert told["says"] == f"here, but for {ip}"
    await pair.stays("primary", 1.0)
    for each in BOTH:
        assert each in await addresses_on(pair, "primary")


async def test_asterisk_that_answers_one_of_them_only_is_told_by_the_standby(pair: Pair) -> None:
    await pair.home()
    silenced = ["blackhole", f"{Network.address6('secondary')}/128"]
    assert (await pair.primary.node.run(["ip", "-6", "route", "add", *silenced])).ok
    try:
        said = await pair.until_status(
            "secondary", lambda status: status["lan"]["calls"]["value"] is False, "one address is dead"
        )
        assert said["lan"]["calls"]["why"].startswith(f"SIP does not answer on {CLUSTER_ADDRESS6} at ")
    finally:
        assert (await pair.primary.node.run(["ip", "-6", "route", "del", *silenced])).ok
    await pair.until_status(
        "secondary", lambda status: status["lan"]["calls"]["value"] is True, "both are answered again"
    )


async def test_a_standby_without_ipv6_is_not_fit_and_without_an_address_of_its_own_tells_nothing(
    pair: Pair,
) -> None:
    await pair.home()
    switch = "/proc/sys/net/ipv6/conf/eth0/disable_ipv6"
    assert (await pair.secondary.node.run(["sh", "-c", f"echo 1 >{switch}"])).ok
    try:
        said = await pair.until_status("secondary", lambda status: not status["fit"], "IPv6 is off")
        assert any(why.startswith("IPv6 is off on eth0") for why in said["unfit_because"])
        await pair.until_status(
            "primary", lambda status: status["peer"]["fit"]["value"] is False, "the other node knows"
        )
    finally:
        assert (await pair.secondary.node.run(["sh", "-c", f"echo 0 >{switch}"])).ok
    await pair.until_status("secondary", lambda status: status["fit"], "it could set the address again")
    await pair.stays("primary", STAYS)  # longer than any number of silences takes to count
    said = await pair.until_status(
        "secondary", lambda status: status["role"] == "standby", "it is on standby"
    )
    assert said["lan"]["calls"]["value"] is True, "what cannot be tried is not dead"
    own = f"{Network.address6('secondary')}/64"
    assert (await pair.secondary.node.run(["ip", "addr", "add", own, "dev", "eth0", "nodad"])).ok


async def test_the_engine_killed_lets_go_of_both(pair: Pair) -> None:
    await pair.home()
    fault = pair.rack.kill_engine("primary")
    await pair.served(fault, "secondary")
    await answered_by(pair, "secondary", fault)
    await pair.until_status(
        "primary", lambda status: status["address"]["here"]["value"] is False, "it has let go"
    )
    shown = await addresses_on(pair, "primary")
    assert not [address for address in BOTH if address in shown]
    await pair.stage.ask(pair.primary, "ha", "start")


async def test_both_links_cut_and_healed(pair: Pair) -> None:
    await pair.home()
    settled = await pair.split_and_healed()
    await answered_by(pair, settled.owner, pair.rack.now() - STAYS, kinds=("sip",))
    shown = await addresses_on(pair, OTHER[settled.owner])
    assert not [address for address in BOTH if address in shown]
