"""Heartbeat's own troubles on a pair with a serial line beside the network: its links cut, its master killed."""

from __future__ import annotations

from typing import Any

from pair_on_rack import PAIR_SITE, Pair
from pair_on_rack import SERIAL as PORT

from hwsim.nodes import CLUSTER_ADDRESS, Network
from hwsim.nodes.engines import HEARTBEAT

MEDIA = ", ".join(
    [
        *(
            f"ucast {link} {Network.address(node, link)}"
            for link in ("eth0", "eth1")
            for node in ("primary", "secondary")
        ),
        f"serial {PORT}",
    ]
)
SITE = PAIR_SITE.with_conf({"HAMEDIA": MEDIA})
SERIAL = True
# Corosync knows no serial line; what links of the network do on either engine: test_either_engine.py.
ENGINES = (HEARTBEAT,)
# Many deadtimes: who would move something because of a link has moved it by then.
LONG = 3.0


def links(status: dict[str, Any], **wanted: str) -> bool:
    """The links are as wanted: eth0="down", port="up"."""
    named = {name if name != "port" else PORT: state for name, state in wanted.items()}
    return all(status["peer"]["links"].get(name) == state for name, state in named.items())


async def test_one_link_cut_moves_nothing_and_is_named(pair: Pair) -> None:
    await pair.home()
    pair.primary.node.cut("eth1")
    for side in ("primary", "secondary"):
        status = await pair.until_status(
            side, lambda status: links(status, eth0="up", eth1="down", port="up"), "eth1 is down"
        )
        assert "link of Heartbeat down: eth1" in status["problems"]
    said = await pair.primary.asha("status")
    assert said.code == 1 and "! link of Heartbeat down: eth1" in said.output
    await pair.stays("primary", LONG)
    pair.primary.node.heal("eth1")
    await pair.until_status("primary", lambda status: links(status, eth1="up"), "eth1 is back")
    await pair.until_status("primary", lambda status: not status["problems"], "nothing is wrong")


async def test_both_network_links_cut_and_the_serial_line_holds_the_pair(pair: Pair) -> None:
    await pair.home()
    pair.secondary.node.cut("eth0")
    pair.secondary.node.cut("eth1")
    for side in ("primary", "secondary"):
        status = await pair.until_status(
            side, lambda status: links(status, eth0="down", eth1="down", port="up"), "two links are down"
        )
        assert status["peer"]["alive"]["value"] is True
    await pair.stays("primary", LONG)
    status = await pair.until_status("primary", lambda status: True, "it answers")
    assert status["peer"]["fit"]["value"] is not None, "the other node's messages come over the serial line"
    began = pair.rack.now()
    pair.secondary.node.heal("eth0")
    pair.secondary.node.heal("eth1")
    await pair.until_status("primary", lambda status: links(status, eth0="up", eth1="up"), "they are back")
    assert pair.moved_since(began) == []


async def test_master_killed_on_the_active_node(pair: Pair) -> None:
    await pair.home()
    fault = pair.rack.kill_engine("primary")
    await pair.until(lambda: not pair.rack.asterisk_runs("primary"), "the primary's Asterisk is gone", 5)
    let_go = pair.rack.history.first("relay", "secondary", fault)
    assert let_go is not None and let_go - fault < 1.0
    await pair.served(fault, "secondary")
    gone = await pair.until_status("primary", lambda status: status["role"] == "off", "the primary is off")
    assert not gone["granted"] and gone["address"]["here"]["value"] is False
    shown = await pair.primary.node.run(["ip", "-4", "addr", "show", "eth0"])
    assert CLUSTER_ADDRESS not in shown.out
    began = pair.rack.now()
    await pair.stage.ask(pair.primary, "ha", "start")
    await pair.until_status("primary", lambda status: status["role"] == "standby", "it is back as standby")
    assert [move for move in pair.moved_since(began) if move[0] != "relay"] == []
    assert pair.rack.in_service("secondary")
