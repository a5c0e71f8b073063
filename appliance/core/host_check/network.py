"""The cluster address and the links between the nodes: whether they are set up so that they can work."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from appliance.core.host_check.finding import Finding, fine, not_known, warning, worst_of, wrong
from appliance.core.ip_address import version_of


def judge_prefix(device: str, own: Sequence[str], cluster_ip: str, prefix: int) -> Finding:
    """Judge HAPREFIX, or the prefix length in HACLUSTERIP6, by the subnet of the interface's own address.

    Args:
        device: The interface, HADEV.
        own: The addresses on it, each with its prefix length: `10.0.0.1/24`.
        cluster_ip: The cluster address, which may be among `own`.
        prefix: Its prefix length.
    """
    of_ipv6 = version_of(cluster_ip) == 6
    networks = [
        ipaddress.ip_interface(text).network
        for text in own
        if version_of(text) == version_of(cluster_ip) and not text.startswith(f"{cluster_ip}/")
    ]
    around = [network for network in networks if ipaddress.ip_address(cluster_ip) in network]
    if not around:
        listed = ", ".join(map(str, networks)) or "no network at all"
        return wrong(
            f"{cluster_ip} is in no network of {device} ({listed}).",
            f"Set {_key(cluster_ip)} to a free address in the network of HADEV.",
        )
    lengths = sorted({network.prefixlen for network in around})
    if prefix in lengths:
        return fine(f"/{prefix}, as {device} itself has it")
    key, value = (
        ("HACLUSTERIP6", f"{cluster_ip}/{lengths[-1]}") if of_ipv6 else ("HAPREFIX", str(lengths[-1]))
    )
    is_now = f"HACLUSTERIP6 has the prefix length {prefix}" if of_ipv6 else f"HAPREFIX is {prefix}"
    return wrong(
        f"{is_now}, and {device} is in a /{lengths[-1]} network: {_harm(prefix, lengths[-1])}.",
        f"Set it: asha conf set {key} {value}, on both nodes.",
    )


def _harm(prefix: int, real: int) -> str:
    if prefix < real:
        return "the active node would look for other networks on this LAN, and not find them"
    return "the active node's broadcasts and routes would be for a part of this LAN only"


@dataclass(frozen=True, slots=True)
class AddressHolder:
    """Who answers for the cluster address on the LAN.

    `mac` is the hardware address of the other machine that answers, None when no other does. `peer_mac` is that of the
    peer's own address, "" when it is not known. `peer_serves` and `here` are what the agent says: the peer holds
    service, and the address is on this node; None when the agent does not say.
    """

    mac: str | None
    peer_mac: str = ""
    peer_serves: bool | None = None
    here: bool | None = None


def _key(ip: str) -> str:
    return "HACLUSTERIP6" if version_of(ip) == 6 else "HACLUSTERIP"


def judge_holder(ip: str, found: AddressHolder) -> Finding:
    """Judge whether another machine than the two nodes has the cluster address."""
    if found.mac is None:
        return fine(f"no other machine answers for {ip}")
    if found.mac == found.peer_mac and found.here:
        return wrong(
            f"Both nodes have {ip}: the other, at {found.mac}, answers for it too.",
            "See 'asha status' on both nodes, and hand over from one: asha standby.",
        )
    if found.mac == found.peer_mac or (found.peer_serves and not found.peer_mac):
        return fine(f"the other node answers for {ip}, at {found.mac}")
    if found.peer_mac or found.peer_serves is False:
        return wrong(
            f"{ip} is in use by another machine, at {found.mac}, which is not the other node.",
            f"Take the address from that machine, or set {_key(ip)} to a free one on both nodes.",
        )
    return not_known(
        f"{found.mac} answers for {ip}, and whether that is the other node is not known.",
        "Set HAPRIADDR and HASECADDR to the nodes' own IPv4 addresses, and run this again.",
    )


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """One path of the engine's messages as it is on this node.

    `name` is how HAMEDIA has it. `exists` and `up` are about its interface or tty. `wire` names the lowest device that
    it goes through: two paths with one wire fail together. `own`: it leads to this node itself.
    """

    name: str
    exists: bool
    up: bool
    wire: str
    own: bool = False


def judge_links(found: Sequence[LinkSeen]) -> Finding:
    """Judge the paths between the nodes: each is there and up, and there are two that share no wire."""
    ways = [link for link in found if not link.own]
    names = ", ".join(dict.fromkeys(link.name for link in ways))
    return worst_of(_links(ways), f"{names}: all up, on different wires")


def _links(ways: Sequence[LinkSeen]) -> Iterator[Finding]:
    if not ways:
        yield wrong(
            "HAMEDIA leads to this node itself only.", "Name the other node's own address in HAMEDIA."
        )
        return
    for link in ways:
        if not link.exists:
            yield wrong(
                f"{link.name}: there is no such device.",
                "Correct HAMEDIA, or look at the names of 'ip link'.",
            )
        elif not link.up:
            yield wrong(f"{link.name}: it is down or has no carrier.", "Look at its cable.")
    wires: dict[str, list[str]] = {}
    for link in ways:
        wires.setdefault(link.wire, []).append(link.name)
    if len(wires) == 1:
        (wire,) = wires
        yield warning(
            f"Every path between the nodes goes through {wire}: one cut cable makes both nodes active.",
            "Add a second path to HAMEDIA, a direct cable or a null-modem cable.",
        )
        return
    for wire, through in wires.items():
        if len(through) > 1:
            yield warning(
                f"{' and '.join(through)} go through {wire} and fail together.",
                "Leave one out of HAMEDIA, or lead it over a wire of its own.",
            )


def judge_hearing(runs: bool | None, alive: bool | None, links: Mapping[str, str], port: int) -> Finding:
    """Judge whether this node hears the other by the engine's messages.

    Args:
        runs: Whether the engine runs here; None when the agent cannot tell.
        alive: Whether the engine hears the other node at all; None when it does not say.
        links: The state of each path by its name, `up` when the other is heard by it.
        port: The UDP port of the messages, HAUDPPORT.
    """
    if runs is None:
        return not_known("It is not known whether the HA engine runs here.", "See 'asha status'.")
    if not runs:
        return fine("the HA engine is off, so nothing is to be heard")
    silent = [name for name, state in links.items() if state != "up"]
    if silent and len(silent) < len(links):
        return wrong(
            f"The other node is not heard by {', '.join(silent)}.",
            f"Look at that cable, and at what drops UDP {port} on its way.",
        )
    if alive is None:
        return not_known("Whether the other node is heard is not known.", "See 'asha status'.")
    if not alive or silent:
        return wrong(
            "The other node is not heard at all.",
            f"See that it runs ('asha ha start' there), and that no firewall drops UDP {port} here or there.",
        )
    return fine(f"the other node is heard by {', '.join(links) or 'the engine'}")
