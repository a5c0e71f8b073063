"""A pair whose cluster address is of IPv6 alone, with paths between the nodes by IPv6 too, on each engine."""

from __future__ import annotations

from dataclasses import replace

from pair_on_rack import PAIR_SITE, Pair

from hwsim.nodes import CLUSTER_ADDRESS6
from hwsim.nodes.engines import HEARTBEAT, PACEMAKER
from hwsim.nodes.network import LINKS, Network
from hwsim.rack import SIDES

_PATHS = ", ".join(f"ucast {link} {Network.address6(side, link)}" for link in LINKS for side in SIDES)
SITE = replace(
    PAIR_SITE,
    extra={
        **PAIR_SITE.extra,
        "HACLUSTERIP": "",
        "HACLUSTERIP6": f"{CLUSTER_ADDRESS6}/64",
        "HAMEDIA": _PATHS,
        "HAPING": Network.address6("outside"),
    },
)
ENGINES = (HEARTBEAT, PACEMAKER)


async def seen_from_the_standby(pair: Pair, side: str) -> None:
    """The node that stands by has called through the address, and the peer was told so."""
    await pair.until_status(
        side, lambda status: status["peer"]["calls"]["value"] is True, "the standby's call was answered"
    )


async def test_it_serves_by_ipv6_and_the_standby_calls(pair: Pair) -> None:
    await pair.home()
    await seen_from_the_standby(pair, "primary")
    status = await pair.until_status("primary", lambda status: not status["problems"], "nothing is wrong")
    assert status["address"]["ip"] == CLUSTER_ADDRESS6
    assert status["lan"]["ip"] == Network.address6("primary")


async def test_asterisk_killed(pair: Pair) -> None:
    await pair.home()
    fault = pair.rack.kill_asterisk("primary")
    await pair.served(fault, "secondary")
    announced = pair.rack.first_answer("garp", "secondary", fault)
    answered = pair.rack.first_answer("sip", "secondary", fault)
    assert announced is not None and answered is not None
    print(f"announced after {announced - fault:.2f} s, SIP answers after {answered - fault:.2f} s")
    await seen_from_the_standby(pair, "secondary")


async def test_power_cut(pair: Pair) -> None:
    await pair.home()
    fault = pair.rack.power_off("primary")
    await pair.served(fault, "secondary")
    assert pair.rack.first_answer("garp", "secondary", fault) is not None


async def test_an_address_that_is_taken_away_is_put_back(pair: Pair) -> None:
    await pair.home()
    taken = pair.rack.now()
    removed = await pair.primary.node.run(["ip", "addr", "del", f"{CLUSTER_ADDRESS6}/64", "dev", "eth0"])
    assert removed.ok
    await pair.until_status(
        "primary", lambda status: status["address"]["put_back"] is not None, "it is put back"
    )
    await pair.until(lambda: pair.rack.first_answer("garp", "primary", taken) is not None, "it is announced")
    await pair.stays("primary", 2.0)
