"""`asha check` about the cluster address and the links: prefix, who has the address, wires, who hears whom."""

from __future__ import annotations

import pytest

from appliance.core.host_check.finding import Finding, Level
from appliance.core.host_check.network import (
    AddressHolder,
    LinkSeen,
    judge_hearing,
    judge_holder,
    judge_links,
    judge_prefix,
)

OWN = ("10.77.0.1/24",)
IP = "10.77.0.100"


@pytest.mark.parametrize("prefix", [8, 16, 25, 32])
def test_a_prefix_that_is_not_that_of_the_lan_is_named(prefix: int) -> None:
    found = judge_prefix("eth0", OWN, IP, prefix)
    assert found.level == Level.ERROR
    assert f"HAPREFIX is {prefix}, and eth0 is in a /24 network" in found.says
    assert "asha conf set HAPREFIX 24" in found.remedy


def test_the_right_prefix_is_right_also_while_the_address_is_here() -> None:
    assert judge_prefix("eth0", OWN, IP, 24).level == Level.OK
    # Heartbeat has set it with a wrong prefix: what counts is the node's own address.
    assert judge_prefix("eth0", (*OWN, f"{IP}/16"), IP, 24).level == Level.OK
    assert judge_prefix("eth0", (*OWN, f"{IP}/16"), IP, 16).level == Level.ERROR
    assert judge_prefix("eth0", ("10.78.0.1/24",), IP, 24).says.startswith(f"{IP} is in no network of eth0")
    assert judge_prefix("eth0", (), IP, 24).level == Level.ERROR


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (AddressHolder(None), Level.OK),
        (AddressHolder("aa", peer_mac="aa", peer_serves=True, here=False), Level.OK),
        (AddressHolder("aa", peer_mac="aa"), Level.OK),
        (AddressHolder("aa", peer_serves=True), Level.OK),
        (AddressHolder("aa", peer_mac="aa", here=True), Level.ERROR),  # both have it
        (AddressHolder("bb", peer_mac="aa", peer_serves=True), Level.ERROR),  # a third machine
        (AddressHolder("bb", peer_serves=False), Level.ERROR),
        (AddressHolder("bb"), Level.UNKNOWN),
    ],
)
def test_who_answers_for_the_address(found: AddressHolder, level: Level) -> None:
    judged = judge_holder(IP, found)
    assert judged.level == level
    assert level == Level.OK or judged.remedy


def seen(name: str, wire: str, *, exists: bool = True, up: bool = True, own: bool = False) -> LinkSeen:
    return LinkSeen(name, exists, up, wire, own)


@pytest.mark.parametrize(
    ("links", "level", "says"),
    [
        ([seen("bcast eth0", "eth0"), seen("/dev/ttyS0", "/dev/ttyS0")], Level.OK, "all up"),
        ([seen("bcast eth0", "eth0")], Level.WARNING, "Every path between the nodes goes through eth0"),
        ([seen("bcast eth0.5", "eth0"), seen("bcast eth0", "eth0")], Level.WARNING, "Every path"),
        (
            [seen("a eth0.5", "eth0"), seen("a eth0.6", "eth0"), seen("b eth1", "eth1")],
            Level.WARNING,
            "a eth0.5 and a eth0.6 go through eth0",
        ),
        ([seen("bcast eth0", "eth0", exists=False), seen("b", "b")], Level.ERROR, "no such device"),
        ([seen("bcast eth0", "eth0", up=False), seen("b", "b")], Level.ERROR, "down or has no carrier"),
        ([seen("ucast eth0", "eth0", own=True)], Level.ERROR, "this node itself only"),
        # Both nodes' addresses in one line: the entry that leads to this node does not count.
        (
            [seen("ucast eth0", "eth0", own=True), seen("ucast eth0", "eth0"), seen("b", "b")],
            Level.OK,
            "all up",
        ),
    ],
)
def test_the_links(links: list[LinkSeen], level: Level, says: str) -> None:
    judged = judge_links(links)
    assert judged.level == level and says in judged.says


@pytest.mark.parametrize(
    ("runs", "alive", "links", "level"),
    [
        (False, None, {}, Level.OK),
        (None, None, {}, Level.UNKNOWN),
        (True, True, {"eth0": "up", "eth1": "up"}, Level.OK),
        (True, True, {"eth0": "up", "eth1": "dead"}, Level.ERROR),
        (True, False, {"eth0": "dead", "eth1": "dead"}, Level.ERROR),
        (True, True, {"eth0": "dead"}, Level.ERROR),
        (True, None, {}, Level.UNKNOWN),
        (True, True, {}, Level.OK),
    ],
)
def test_who_is_heard(runs: bool | None, alive: bool | None, links: dict[str, str], level: Level) -> None:
    judged: Finding = judge_hearing(runs, alive, links, 694)
    assert judged.level == level
