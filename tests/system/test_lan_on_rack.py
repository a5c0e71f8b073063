"""The LAN is an input: service is where the telephones are, and the cluster address stays on the node that serves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pair_on_rack import PAIR_SITE, Pair

from hwsim.demo.scenario import OTHER
from hwsim.nodes import CLUSTER_ADDRESS

LAN_DWELL = 2.0
# The outside host of the rack stands for a gateway.
GATEWAY = "10.77.0.50"
SITE = replace(PAIR_SITE, extra={**PAIR_SITE.extra, "LANDWELL": f"{LAN_DWELL:g}", "HAPING": GATEWAY})


def reaches_lan(status: dict[str, Any]) -> bool:
    return bool(status["lan"]["reached"]["value"] and status["peer"]["lan"]["value"])


async def at_home(pair: Pair) -> None:
    """From home on, with the LAN known to be well on both nodes: only then is its loss a loss of one."""
    await pair.home()
    for side in OTHER:
        await pair.until_status(side, reaches_lan, f"the {side} knows the LAN of both")


async def telephones_reach(pair: Pair, side: str, after: float, deadline: float = 30.0) -> float:
    """Wait until `side` answers a telephone outside; return the seconds since `after`."""
    await pair.until(
        lambda: pair.rack.first_answer("sip", side, after) is not None, f"telephones reach {side}", deadline
    )
    answered = pair.rack.first_answer("sip", side, after)
    assert answered is not None
    return answered - after


async def shell(pair: Pair, side: str, command: str) -> str:
    done = await pair.server(side).node.run(["sh", "-c", command])
    assert done.code == 0, done
    return str(done.out)


async def test_the_active_node_is_cut_off_and_service_goes_to_where_the_lan_is(pair: Pair) -> None:
    await at_home(pair)
    cut = pair.rack.now()
    pair.primary.node.cut("eth0")
    seconds = await telephones_reach(pair, "secondary", cut + 0.5)
    print(f"telephones reach the secondary {seconds + 0.5:.1f} s after the primary's LAN was cut")
    await pair.served(cut, "secondary")
    begun = await pair.entry("primary", lambda entry: entry["kind"] == "decision", cut)
    assert begun["act"] == "hand over"
    assert "cut off from the LAN (eth0 has no carrier: see its cable and the switch)" in begun["reason"]
    unfit = await pair.until_status("primary", lambda status: status["role"] == "standby", "it is on standby")
    assert not unfit["fit"] and "it is cut off from the LAN" in unfit["unfit_because"][0]
    said = await pair.primary.asha("status")
    assert "CUT OFF: eth0 has no carrier" in said.output
    healed = pair.rack.now()
    pair.primary.node.heal("eth0")
    await pair.until_status("primary", lambda status: status["fit"], "it is fit again")
    await pair.until_status("primary", lambda status: not status["problems"], "nothing is wrong any more")
    assert [move for move in pair.moved_since(healed) if move[0] != "relay"] == []


async def test_asterisk_dies_while_the_standby_is_cut_off(pair: Pair) -> None:
    await at_home(pair)
    pair.secondary.node.cut("eth0")
    await pair.until_status(
        "secondary", lambda status: not status["fit"], "the standby says that it is unfit"
    )
    await pair.until_status(
        "primary", lambda status: status["peer"]["lan"]["value"] is False, "the primary has heard of it"
    )
    fault = pair.rack.kill_asterisk("primary")
    await pair.until(lambda: pair.rack.asterisk_runs("primary"), "Asterisk was started again")
    await pair.until(lambda: pair.rack.in_service("primary"), "the line is in service again")
    seconds = 0.05 + await telephones_reach(pair, "primary", fault + 0.05)
    print(f"telephones reach the primary again {seconds:.1f} s after its Asterisk died")
    assert "STOP_PBX" not in pair.orders("primary", fault)
    assert not pair.rack.asterisk_runs("secondary")


async def test_both_are_cut_off_and_say_so(pair: Pair) -> None:
    await at_home(pair)
    began = pair.rack.now()
    for server in (pair.primary, pair.secondary):
        server.node.cut("eth0")
    status = await pair.until_status(
        "primary",
        lambda status: "so is the other node" in status["trouble"],
        "the primary says that both are",
    )
    assert status["role"] == "active"
    await pair.stays("primary", 2 * LAN_DWELL)
    assert pair.moved_since(began) == []
    for server in (pair.primary, pair.secondary):
        server.node.heal("eth0")
    await pair.until_status("primary", lambda status: not status["trouble"], "it is over")
    assert pair.moved_since(began) == []


async def test_the_address_is_taken_away_and_comes_back(pair: Pair) -> None:
    await at_home(pair)
    taken = pair.rack.now()
    await shell(pair, "primary", f"ip addr del {CLUSTER_ADDRESS}/24 dev eth0")
    put = await pair.entry(
        "primary", lambda entry: entry["kind"] == "done" and entry["order"] == "PUT_ADDRESS", taken
    )
    assert put["problem"] == ""
    seconds = await telephones_reach(pair, "primary", put["at"])
    print(f"telephones reach the address {put['at'] + seconds - taken:.1f} s after it was taken away")
    assert f"inet {CLUSTER_ADDRESS}/24 brd 10.77.0.255" in await shell(
        pair, "primary", "ip addr show dev eth0"
    )
    assert pair.moved_since(taken) == []
    # What takes it away again at once is told, and is not fought: the next try waits for some seconds.
    again = pair.rack.now()
    await shell(pair, "primary", f"ip addr del {CLUSTER_ADDRESS}/24 dev eth0")
    await pair.until_status(
        "primary", lambda status: "find what removes it" in status["address"]["trouble"], "it is told"
    )
    assert "PUT_ADDRESS" not in pair.orders("primary", again)
    put = await pair.entry(
        "primary", lambda entry: entry["kind"] == "done" and entry["order"] == "PUT_ADDRESS", again
    )
    await telephones_reach(pair, "primary", put["at"])
    # The release removes it as ever, and it does not come back behind that.
    await pair.move("standby", to="secondary")
    assert CLUSTER_ADDRESS not in await shell(pair, "primary", "ip addr show dev eth0")


async def test_the_standby_can_call_and_says_who_has_the_address(pair: Pair) -> None:
    await at_home(pair)
    owner = pair.rack.outside.mac_of("primary")
    await pair.until_status(
        "secondary",
        # The kernel forgets a neighbour for a moment, when it asks for it again.
        lambda status: status["lan"]["calls"]["value"] and owner in status["lan"]["calls"]["why"],
        "the standby can call, and says whom it reaches",
    )
    await pair.until_status(
        "primary", lambda status: status["peer"]["calls"]["value"], "the active node has heard of it"
    )


async def test_a_renamed_interface_is_named_and_the_standby_unfit(pair: Pair) -> None:
    await at_home(pair)
    rename = "ip link set {0} down; ip link set {0} name {1}; ip link set {1} up"
    await shell(pair, "secondary", rename.format("eth0", "ens192"))
    try:
        status = await pair.until_status("secondary", lambda status: not status["fit"], "it is unfit")
        assert "there is no network interface eth0 (HADEV); ens192 has an address of that LAN" in str(
            status["unfit_because"]
        )
        await pair.until_status(
            "primary", lambda status: status["peer"]["fit"]["value"] is False, "the primary knows it"
        )
        said = await pair.primary.asha("standby")
        assert said.code != 0 and "ens192" in said.error
    finally:
        await shell(pair, "secondary", rename.format("ens192", "eth0"))
    await pair.until_status("secondary", lambda status: status["fit"], "it is fit again")
