"""Heartbeat's own troubles: its master killed, its links cut, its scripts late or two at once, a node that froze."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from pair_on_rack import PAIR_SITE, SCRIPT, Pair
from pair_on_rack import SERIAL as PORT

from hwsim.demo.scenario import OTHER
from hwsim.nodes import CLUSTER_ADDRESS, Network

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
MASTER = "^heartbeat: master control process"
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
    assert said.code == 0 and "! link of Heartbeat down: eth1" in said.output
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
    assert status["peer"]["fit"]["value"] is not None, "the peer's messages come over the serial line"
    began = pair.rack.now()
    pair.secondary.node.heal("eth0")
    pair.secondary.node.heal("eth1")
    await pair.until_status("primary", lambda status: links(status, eth0="up", eth1="up"), "they are back")
    assert pair.moved_since(began) == []


async def test_master_killed_on_the_active_node(pair: Pair) -> None:
    await pair.home()
    (master,) = pair.primary.node.pids(MASTER)
    fault = pair.primary.node.kill(master)
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


async def test_two_scripts_at_once(pair: Pair) -> None:
    await pair.home()
    began = pair.rack.now()
    starts = await asyncio.gather(*(pair.script("primary", "start") for _ in range(2)))
    assert [said.code for said in starts] == [0, 0], starts
    stops = await asyncio.gather(*(pair.script("secondary", "stop") for _ in range(3)))
    assert [said.code for said in stops] == [0, 0, 0], stops
    assert (await pair.script("primary", "status")).output == "running\n"
    assert (await pair.script("secondary", "status")).output == "stopped\n"
    assert pair.moved_since(began) == []
    # By hand in the midst of Heartbeat's own: both end well, and so does the move.
    await pair.stage.ask(pair.secondary, "takeover")
    stopped = await pair.script("primary", "stop")
    assert stopped.code == 0, stopped
    await pair.served(began, "secondary")


async def test_a_late_start_after_a_stop_changes_nothing(pair: Pair) -> None:
    await pair.home()
    await pair.away()
    began = pair.rack.now()
    # A shell around it: nsenter would stop with its child and stay so.
    command = f"sh -c 'kill -STOP $$; exec {SCRIPT} start'; exit $?"
    held_up = asyncio.create_task(pair.primary.node.run(["sh", "-c", command], 20.0))
    pattern = "^sh -c kill -STOP "
    await pair.until(lambda: bool(pair.primary.node.pids(pattern)), "the late start has begun")
    await pair.rack.pause(0.05)  # a ticket is counted in hundredths of a second
    assert (await pair.script("primary", "stop")).code == 0
    for pid in pair.primary.node.pids(pattern):
        pair.primary.node.kill(pid, signal.SIGCONT)
    late = await held_up
    assert late.code == 1 and "This start is late" in late.err
    assert not pair.watchman.granted("primary")
    assert "ENERGISE" not in pair.orders("primary", began)
    await pair.stays("secondary", 1.0)


async def test_a_frozen_primary_thaws(pair: Pair) -> None:
    await pair.home()
    await pair.rack.freeze("primary")
    status = await pair.until_status("secondary", _line_held, "the line is held by the primary")
    assert status["role"] == "acquiring"
    thawed = pair.rack.thaw("primary")
    owner, since = await _settled(pair)
    print(f"service on the {owner} {since - thawed:.1f} s after the thaw")


async def _settled(pair: Pair) -> tuple[str, float]:
    """Who serves, and since when, once that has stayed so: Heartbeat may move it again while its split heals."""
    start = began = pair.rack.now()
    before = ""
    while True:
        now, roles = pair.rack.now(), {side: await _role(pair, side) for side in OTHER}
        owner = next((side for side in OTHER if roles == {side: "active", OTHER[side]: "standby"}), "")
        serves = [side for side in OTHER if pair.rack.in_service(side)] == [owner]
        alone = [side for side in OTHER if pair.rack.asterisk_runs(side)] == [owner]
        if not (owner and owner == before and serves and alone):
            began, before = now, owner
        elif now - began >= LONG:
            return owner, began
        assert now - start < 60, f"nobody serves alone: {roles}"
        await pair.rack.pause(0.1)


async def _role(pair: Pair, side: str) -> str:
    status = await pair.server(side).status()
    return str((status or {}).get("role"))


def _line_held(status: dict[str, Any]) -> bool:
    transfer = status["transfer"] or {}
    return transfer.get("phase") == "blocked" and "held by the primary" in transfer.get("note", "")
