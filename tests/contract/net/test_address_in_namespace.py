"""The real kernel, in network namespaces that belong to threads: nothing to clean up, nothing on the host."""

from __future__ import annotations

import ctypes
import os
import select

import pytest
from machine import MAC, Machine

from appliance.core.errors import HostError
from appliance.core.lan import LanInterface
from appliance.core.reading import Known, Unknown
from appliance.net.address import (
    AddressWatch,
    own_address,
    put_address,
    read_address,
    read_lan_interface,
    remove_address,
)
from appliance.net.arp import Arp, ArpLink, parse_arp
from appliance.net.arp import _open as open_link
from appliance.net.neighbours import announce, duplicated, own_macs

IP = "192.0.2.100"


def test_its_own_address_is_never_the_cluster_address(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    assert a.do(own_address, "eth0", "", 24) == "192.0.2.1"
    a.ip("addr del 192.0.2.1/24 dev eth0")
    for words in (f"{IP}/24", "10.1.1.1/8", "192.0.2.7/24"):
        a.ip(f"addr add {words} dev eth0")
    assert a.do(own_address, "eth0", IP, 24) == "192.0.2.7", "of its subnet, where there is one"
    assert a.do(own_address, "eth0", "", 24) == IP
    a.ip("addr del 192.0.2.7/24 dev eth0")
    assert a.do(own_address, "eth0", IP, 24) == "10.1.1.1"
    a.ip("addr del 10.1.1.1/8 dev eth0")
    with pytest.raises(HostError, match="no IPv4 address of its own"):
        a.do(own_address, "eth0", IP, 24)
    with pytest.raises(HostError, match="no network interface eth9"):
        a.do(own_address, "eth9", IP, 24)


def test_present_absent_and_removed(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    assert a.do(read_address, "eth0", IP, 5.0) == Known(False, 5.0)
    a.ip(f"addr add {IP}/24 dev eth0 label eth0:0")
    assert a.do(read_address, "eth0", IP, 6.0) == Known(True, 6.0)
    assert a.do(read_address, "lo", IP, 6.0) == Known(False, 6.0)
    assert a.do(remove_address, "eth0", IP)
    assert IP not in a.ip("-4 -o addr show")
    assert "192.0.2.1/24" in a.ip("-4 -o addr show")
    assert not a.do(remove_address, "eth0", IP)


def test_a_missing_device_is_unknown_and_holds_nothing(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    reading = a.do(read_address, "eth7", IP, 5.0)
    assert isinstance(reading, Unknown)
    assert "eth7" in reading.reason
    assert not a.do(remove_address, "eth7", IP)
    with pytest.raises(HostError, match="eth7"):
        a.do(announce, "eth7", IP)


def test_the_watch_hears_of_the_cluster_address_only(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    watch = a.do(AddressWatch, IP)
    try:
        assert not watch.drain()
        a.ip("addr add 192.0.2.101/24 dev eth0")
        assert select.select([watch], [], [], 5.0)[0]
        assert not watch.drain()
        a.ip(f"addr add {IP}/24 dev eth0")
        assert watch.drain()
        a.ip(f"addr del {IP}/24 dev eth0")
        assert watch.drain()
        assert not watch.drain()
    finally:
        watch.close()
    watch.close()


def test_a_duplicate_is_found_by_its_mac(machines: tuple[Machine, Machine]) -> None:
    a, b = machines
    assert a.do(duplicated, "eth0", IP, 5.0, timeout=0.1) == Known(None, 5.0)
    a.ip(f"addr add {IP}/24 dev eth0")
    assert a.do(duplicated, "eth0", IP, 5.0, timeout=0.1) == Known(None, 5.0), "our own is no duplicate"
    b.ip(f"addr add {IP}/24 dev eth0")
    assert a.do(duplicated, "eth0", IP, 6.0, timeout=5.0) == Known(MAC["b"], 6.0)


def test_a_device_that_is_down_tells_nothing(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    a.ip("link set eth0 down")
    assert isinstance(a.do(duplicated, "eth0", IP, 5.0, timeout=0.1), Unknown)


def test_the_announcement_is_heard_in_both_forms(machines: tuple[Machine, Machine]) -> None:
    a, b = machines
    with b.do(open_link, "eth0") as link:
        a.do(announce, "eth0", IP)
        heard = []
        while len(heard) < 2:
            assert select.select([link], [], [], 5.0)[0]
            packet = parse_arp(link.recv(2048))
            if packet and packet.sender_ip == IP:
                heard.append(packet)
    assert {packet.reply for packet in heard} == {True, False}
    assert {packet.sender_mac.hex(":") for packet in heard} == {MAC["a"]}
    assert {packet.target_ip for packet in heard} == {IP}


@pytest.mark.parametrize("kind", ["type macvlan mode bridge", "bridge"])
def test_it_is_announced_from_an_interface_above_another_one(
    machines: tuple[Machine, Machine], kind: str
) -> None:
    """With the hardware address of that interface, which is the one that telephones are to use."""
    a, b = machines
    if kind == "bridge":
        a.ip("link add upper address 02:00:00:00:00:1a type bridge")
        a.ip("link set eth0 master upper")
    else:
        a.ip(f"link add link eth0 name upper address 02:00:00:00:00:1a {kind}")
    a.ip("link set upper up")
    with b.do(open_link, "eth0") as link:
        a.do(announce, "upper", IP)
        heard: set[tuple[bool, str]] = set()
        while len(heard) < 2:
            assert select.select([link], [], [], 5.0)[0]
            packet = parse_arp(link.recv(2048))
            if packet and packet.sender_ip == IP:
                heard.add((packet.reply, packet.sender_mac.hex(":")))
    assert heard == {(True, "02:00:00:00:00:1a"), (False, "02:00:00:00:00:1a")}


def test_an_ordinary_user_is_told(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    a.ip(f"addr add {IP}/24 dev eth0")

    def as_nobody() -> None:
        ctypes.CDLL(None).syscall(117, -1, 65534, -1)  # setresuid of this thread only

    assert os.geteuid() == 0
    a.do(as_nobody)
    with pytest.raises(HostError, match="root"):
        a.do(remove_address, "eth0", IP)
    assert a.do(read_address, "eth0", IP, 5.0) == Known(True, 5.0)


def test_the_interface_is_read_as_the_kernel_has_it(machines: tuple[Machine, Machine]) -> None:
    a, b = machines

    def look() -> LanInterface:
        reading = a.do(read_lan_interface, "eth0", IP, 24, 5.0)
        assert isinstance(reading, Known)
        return reading.value

    watch = a.do(AddressWatch)
    try:
        while not look().carrier:  # set up a moment ago
            assert select.select([watch], [], [], 5.0)[0]
            watch.drain()
        assert look() == LanInterface("eth0", True, True, True, (("192.0.2.1", 24),), mac=MAC["a"])
        b.ip("link set eth0 down")
        while look().carrier:  # the kernel tells of a carrier within a second
            assert select.select([watch], [], [], 5.0)[0]
            watch.drain()
    finally:
        watch.close()
    assert look().up
    a.ip("link set eth0 down")
    assert (look().up, look().carrier) == (False, False)
    a.ip("link set eth0 name ens192")
    a.ip("link set ens192 up")
    assert look() == LanInterface("eth0", False, elsewhere="ens192")


def test_every_link_and_address_is_heard_by_a_watch_without_an_address(
    machines: tuple[Machine, Machine],
) -> None:
    a, b = machines
    watch = a.do(AddressWatch)
    try:
        a.ip("addr add 192.0.2.101/24 dev eth0")
        assert select.select([watch], [], [], 5.0)[0] and watch.drain()
        b.ip("link set eth0 down")
        assert select.select([watch], [], [], 5.0)[0] and watch.drain()
    finally:
        watch.close()


def test_the_address_is_set_as_heartbeat_sets_it(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    assert a.do(put_address, "eth0", IP, 24)
    assert f"inet {IP}/24 brd 192.0.2.255 scope global secondary eth0" in a.ip("-4 addr show dev eth0")
    assert not a.do(put_address, "eth0", IP, 24), "it is there already"
    assert a.do(remove_address, "eth0", IP)
    with pytest.raises(HostError, match="eth7"):
        a.do(put_address, "eth7", IP, 24)


def test_an_answer_of_this_nodes_other_interface_is_no_duplicate(machines: tuple[Machine, Machine]) -> None:
    """Linux answers ARP for an address on every interface that hears the question."""
    a, b = machines
    # Two cables from a into one bridge of b: a's second interface hears what its first one asks.
    a.ip(f"link add eth1 type veth peer name eth1 netns {b.thread}")
    b.ip("link add lan type bridge forward_delay 0")
    for words in (
        "link set eth0 master lan",
        "link set eth1 master lan",
        "link set lan up",
        "link set eth1 up",
    ):
        b.ip(words)
    a.ip("link set eth1 up")
    a.ip(f"addr add {IP}/24 dev eth0")
    second = a.ip("-br link show eth1").split()[2]
    assert second in a.do(own_macs)
    heard = a.do(_first_answer, IP)
    assert heard == second, "the kernel does answer on the other interface"
    assert a.do(duplicated, "eth0", IP, 5.0, timeout=0.5) == Known(None, 5.0)


def _first_answer(ip: str) -> str:
    """The hardware address that answers first when eth0 asks everybody for `ip`."""
    link = ArpLink("eth0")
    try:
        for _ in range(50):
            link.ask(ip, "")
            if select.select([link], [], [], 0.1)[0]:
                for packet in link.heard():
                    if packet.reply and packet.sender_ip == ip:
                        return packet.sender_mac.hex(":")
    finally:
        link.close()
    return ""


def _answers(link: ArpLink, ip: str, mac: str) -> list[Arp]:
    """What comes when `ip` is asked for until something does: a question may be lost, as on any wire."""
    for _ in range(5):
        link.ask(ip, "192.0.2.1", mac)
        if select.select([link], [], [], 1.0)[0]:
            return link.heard()
    return []


def test_hosts_are_asked_and_heard_one_by_one_or_all(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    link = a.do(ArpLink, "eth0")
    try:
        for mac in ("", MAC["b"]):
            packets = a.do(_answers, link, "192.0.2.2", mac)
            assert {(one.reply, one.sender_ip, one.sender_mac.hex(":")) for one in packets} == {
                (True, "192.0.2.2", MAC["b"])
            }
        assert link.heard() == []
        a.ip("link set eth0 down")
        with pytest.raises(HostError, match="ARP on eth0"):
            for _ in range(2):  # the first may find the news still waiting
                a.do(link.heard)
                a.do(link.ask, "192.0.2.2", "192.0.2.1")
    finally:
        link.close()
    with pytest.raises(HostError, match="eth7"):
        a.do(ArpLink, "eth7")
