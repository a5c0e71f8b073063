"""An IPv6 cluster address on the real kernel: set, read, announced, and found elsewhere by neighbour discovery."""

from __future__ import annotations

import contextlib
import os
import select
import time
from pathlib import Path

import pytest
from machine import MAC, Machine

from appliance.core.errors import HostError
from appliance.core.lan import own_address_of, why_not_settable
from appliance.core.reading import Known
from appliance.net.address import (
    AddressWatch,
    own_address,
    put_address,
    read_address,
    read_lan_interface,
    remove_address,
)
from appliance.net.ndp import Heard, NdpLink
from appliance.net.neighbours import announce, duplicated

IP, OWN, PEER = "2001:db8::100", "2001:db8::1", "2001:db8::2"
PATIENCE = 5.0


@pytest.fixture(autouse=True)
def _addresses_of_ipv6(machines: tuple[Machine, Machine]) -> None:
    """Both machines have an address of IPv6 too, and each answers the other."""
    for machine, own in zip(machines, (OWN, PEER), strict=True):
        machine.ip(f"-6 addr add {own}/64 dev eth0 nodad")
    for machine, other in zip(
        machines, (PEER, OWN), strict=True
    ):  # the kernel joins the group of those asked later
        assert machine.do(os.system, f"ping -6 -c 1 -w 5 {other} >/dev/null") == 0


def shown(machine: Machine) -> str:
    return machine.ip("-6 -o addr show dev eth0")


def test_it_is_put_used_at_once_and_the_source_of_nothing(machines: tuple[Machine, Machine]) -> None:
    a, b = machines
    assert a.do(read_address, "eth0", IP, 5.0) == Known(False, 5.0)
    assert a.do(put_address, "eth0", IP, 64)
    assert a.do(read_address, "eth0", IP, 6.0) == Known(True, 6.0), "without waiting for duplicates"
    assert not a.do(put_address, "eth0", IP, 64), "it is there already"
    assert f"src {OWN} " in a.ip(f"-6 route get {PEER}")
    assert b.do(os.system, f"ping -6 -c 1 -W 5 {IP} >/dev/null") == 0
    assert a.do(remove_address, "eth0", IP)
    assert IP not in shown(a)
    assert f"{OWN}/64" in shown(a)
    assert not a.do(remove_address, "eth0", IP)


def test_one_that_the_kernel_found_elsewhere_is_not_here_until_it_is_put_anew(
    machines: tuple[Machine, Machine],
) -> None:
    a, b = machines
    b.do(put_address, "eth0", IP, 64)
    watch = a.do(AddressWatch, IP)
    with contextlib.closing(watch):
        a.ip(f"-6 addr add {IP}/64 dev eth0")  # tentative, until the other answers
        assert a.do(read_address, "eth0", IP, 1.0) == Known(False, 1.0)
        ends = time.monotonic() + PATIENCE
        while "dadfailed" not in shown(a):
            assert select.select([watch], [], [], ends - time.monotonic())[0], (
                "the kernel tells of each change"
            )
            watch.drain()
    assert a.do(read_address, "eth0", IP, 2.0) == Known(False, 2.0)
    b.do(remove_address, "eth0", IP)
    assert a.do(put_address, "eth0", IP, 64)
    assert a.do(read_address, "eth0", IP, 3.0) == Known(True, 3.0)


def test_the_interface_and_its_own_address(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    lan = a.do(read_lan_interface, "eth0", IP, 64, 1.0)
    assert own_address_of(lan, IP) == OWN
    assert own_address_of(lan, "192.0.2.100") == "192.0.2.1"
    a.do(put_address, "eth0", IP, 64)
    assert a.do(own_address, "eth0", IP, 64) == OWN
    assert a.do(own_address, "eth0", "192.0.2.100", 24) == "192.0.2.1"
    a.ip(f"-6 addr del {OWN}/64 dev eth0")
    with pytest.raises(HostError, match="no IPv6 address of its own"):
        a.do(own_address, "eth0", IP, 64)


def test_an_interface_without_ipv6_is_known_for_that(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    lan = a.do(read_lan_interface, "eth0", "192.0.2.100", 24, 1.0)
    assert why_not_settable(lan, IP) == ""
    a.do(Path("/proc/sys/net/ipv6/conf/eth0/disable_ipv6").write_text, "1")
    lan = a.do(read_lan_interface, "eth0", "192.0.2.100", 24, 2.0)
    assert why_not_settable(lan, IP).startswith("IPv6 is off on eth0")
    with pytest.raises(HostError, match="could not be set on eth0"):
        a.do(put_address, "eth0", IP, 64)
    a.ip("link set eth0 mtu 1200")  # the kernel takes IPv6 from the interface with its settings
    lan = a.do(read_lan_interface, "eth0", "192.0.2.100", 24, 3.0)
    assert why_not_settable(lan, IP).startswith("IPv6 is off on eth0")


def test_the_other_that_has_it_is_found_by_its_mac(machines: tuple[Machine, Machine]) -> None:
    a, b = machines
    assert a.do(duplicated, "eth0", IP, 5.0, timeout=0.1) == Known(None, 5.0)
    a.do(put_address, "eth0", IP, 64)
    assert a.do(duplicated, "eth0", IP, 5.0, timeout=0.1) == Known(None, 5.0), "our own is no duplicate"
    b.do(put_address, "eth0", IP, 64)
    assert a.do(duplicated, "eth0", IP, 6.0, timeout=PATIENCE) == Known(MAC["b"], 6.0)
    assert "dadfailed" not in shown(b), "to ask does no harm to who has it"


@pytest.mark.parametrize("mac", ["", MAC["b"]])
def test_a_host_is_asked_and_its_answer_heard(machines: tuple[Machine, Machine], mac: str) -> None:
    a, _ = machines
    with contextlib.closing(a.do(NdpLink, "eth0")) as link:
        link.ask(PEER, OWN, mac)
        assert answer_of(link, PEER) == Heard(True, bytes.fromhex(MAC["b"].replace(":", "")), PEER)


def answer_of(link: NdpLink, ip: str) -> Heard:
    ends = time.monotonic() + PATIENCE
    while True:
        assert select.select([link], [], [], ends - time.monotonic())[0], "it was heard"
        for heard in link.heard():
            if heard.reply and heard.sender_ip == ip:
                return heard


def test_an_announcement_changes_where_others_send(machines: tuple[Machine, Machine]) -> None:
    a, b = machines
    b.ip(f"-6 neigh replace {IP} lladdr 02:00:00:00:00:99 dev eth0 nud stale")
    with contextlib.closing(b.do(NdpLink, "eth0")) as link:
        a.do(put_address, "eth0", IP, 64)
        a.do(announce, "eth0", IP)
        assert answer_of(link, IP).sender_mac.hex(":") == MAC["a"]
    assert MAC["a"] in b.ip(f"-6 neigh show {IP}")


def settled(machine: Machine) -> None:
    """Wait until the kernel has asked whether somebody else has its own addresses, which it asks from `::`."""
    ends = time.monotonic() + PATIENCE
    while machine.ip("-6 addr show dev eth0 tentative"):
        assert time.monotonic() < ends, "its addresses are its own"
        time.sleep(0.01)


def test_what_is_no_neighbour_discovery_is_not_even_given_to_it(machines: tuple[Machine, Machine]) -> None:
    a, b = machines
    for machine in machines:
        settled(machine)
    with contextlib.closing(a.do(NdpLink, "eth0")) as link:
        assert b.do(os.system, f"ping -6 -c 2 -i 0.01 -s 8 -W 5 {OWN} >/dev/null") == 0
        assert all(heard.sender_ip != "::" for heard in link.heard())


def test_a_missing_device_and_one_that_is_down(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    with pytest.raises(HostError, match="neighbour discovery on eth7 is not possible: No such device"):
        a.do(announce, "eth7", IP)
    a.ip("link set eth0 down")
    reading = a.do(duplicated, "eth0", IP, 5.0, timeout=0.1)
    assert f"whether {IP} is elsewhere could not be asked" in str(reading)
