"""The source address of the LAN's routes, on the real kernel."""

from __future__ import annotations

import pytest
from machine import Machine

from appliance.core.errors import HostError
from appliance.net.lan_source import forget_source, prefer_source, source_towards

OWN, PEER, IP, GATEWAY, PHONE = "192.0.2.1", "192.0.2.2", "192.0.2.100", "192.0.2.254", "192.0.2.200"
FAR = ("1.2.3.4", "150.1.1.1", "200.1.1.1")


def prefer(machine: Machine) -> bool:
    return machine.do(prefer_source, "eth0", IP, OWN, [PEER])


def routes(machine: Machine) -> set[str]:
    # A cable that has just been plugged in has no carrier for a moment, which is no other route.
    return {line.replace(" linkdown", "").strip() for line in machine.ip("-4 route show").splitlines()}


@pytest.fixture
def a(machines: tuple[Machine, Machine]) -> Machine:
    """A machine with the cluster address, and a gateway on the LAN."""
    machine, _ = machines
    machine.ip(f"addr add {IP}/24 dev eth0")
    machine.ip(f"route add default via {GATEWAY} metric 100")
    return machine


def test_telephones_are_spoken_to_from_the_cluster_address_and_the_peer_is_not(a: Machine) -> None:
    assert a.do(source_towards, PHONE) == OWN
    assert prefer(a)
    assert {a.do(source_towards, ip) for ip in (PHONE, "192.0.2.3", GATEWAY, *FAR)} == {IP}
    assert a.do(source_towards, PEER) == OWN
    assert not prefer(a), "it is so already"


def test_the_kernel_takes_it_back_with_the_address(a: Machine) -> None:
    before = routes(a)
    prefer(a)
    a.ip(f"addr del {IP}/24 dev eth0")
    assert a.do(source_towards, PHONE) == OWN
    assert a.do(source_towards, FAR[0]) == OWN
    assert routes(a) - before == {f"{PEER} dev eth0 proto 97 scope link src {OWN}"}
    assert a.do(forget_source, "eth0")
    assert routes(a) == before
    assert not a.do(forget_source, "eth0")


def test_it_is_put_back_when_somebody_has_removed_it(a: Machine) -> None:
    prefer(a)
    whole = routes(a)
    a.ip("route flush proto 97")
    assert a.do(source_towards, PHONE) == OWN
    assert prefer(a)
    assert routes(a) == whole


def test_a_gateway_that_has_changed_is_followed(a: Machine) -> None:
    prefer(a)
    a.ip("route replace default via 192.0.2.253 metric 100")
    assert prefer(a)
    ours = [route for route in routes(a) if "proto 97" in route and "via" in route]
    assert len(ours) == 3 and all("via 192.0.2.253" in route for route in ours)
    a.ip("route del default")
    assert prefer(a)
    assert not [route for route in routes(a) if "via" in route], (
        "nothing leads where the system leads no longer"
    )
    assert a.do(source_towards, FAR[0]) == ""


def test_another_networks_way_is_left_alone(a: Machine) -> None:
    a.ip("link add eth9 type veth peer name eth8")
    a.ip("addr add 198.51.100.1/24 dev eth9")
    a.ip("link set eth9 up")
    a.ip("link set eth8 up")
    a.ip("route add default via 198.51.100.254 metric 50")
    prefer(a)
    assert a.do(source_towards, FAR[0]) == "198.51.100.1", "the better way out is not HADEV's"
    assert a.do(source_towards, "198.51.100.9") == "198.51.100.1"
    assert a.do(source_towards, PHONE) == IP


def test_a_vpn_that_takes_everything_in_two_halves_keeps_it(a: Machine) -> None:
    a.ip("link add tun9 type veth peer name tun8")
    a.ip("addr add 198.51.100.1/24 dev tun9")
    a.ip("link set tun9 up")
    a.ip("link set tun8 up")
    for half in ("0.0.0.0/1", "128.0.0.0/1"):
        a.ip(f"route add {half} via 198.51.100.254")
    prefer(a)
    assert {a.do(source_towards, ip) for ip in FAR} == {"198.51.100.1"}
    assert a.do(source_towards, PHONE) == IP


def test_a_network_behind_a_router_of_the_lan_counts(a: Machine) -> None:
    a.ip(f"route add 10.9.0.0/16 via {GATEWAY}")
    prefer(a)
    assert a.do(source_towards, "10.9.200.1") == IP
    assert a.do(source_towards, "10.9.1.1") == IP


def test_a_peer_behind_a_router_is_reached_from_the_own_address(a: Machine) -> None:
    a.do(prefer_source, "eth0", IP, OWN, ["10.1.1.1"])
    assert a.do(source_towards, "10.1.1.1") == OWN
    assert a.do(source_towards, "10.1.1.2") == IP


def test_an_address_that_is_not_here_is_refused(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    before = routes(a)
    with pytest.raises(HostError, match=r"cannot be given the source 192\.0\.2\.100"):
        prefer(a)
    assert {route for route in routes(a) if "proto 97" not in route} == before
    a.do(forget_source, "eth0")
    assert routes(a) == before


def test_an_interface_that_is_not_there(machines: tuple[Machine, Machine]) -> None:
    a, _ = machines
    with pytest.raises(HostError):
        a.do(prefer_source, "eth7", IP, OWN, [])
    assert not a.do(forget_source, "eth7")
