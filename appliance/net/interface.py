"""Whether the network interface is fit to carry the cluster address; for `asha check`, not for the agent.

Uses pyroute2, imported late: its import alone costs 33 MB and 0.3 s, which a command can spend and a daemon
cannot (see docs/adr/0008-netlink-by-hand-in-the-agent.md).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from appliance.core.errors import HostError


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface. `addresses` are IPv4, each with its prefix length: `10.0.0.1/24`."""

    name: str
    up: bool
    carrier: bool
    addresses: tuple[str, ...]


def read_interface(name: str) -> Interface:
    """Return the interface `name`. Raises HostError when there is none."""
    from pyroute2 import IPRoute  # noqa: PLC0415

    with IPRoute() as route:
        found = route.link_lookup(ifname=name)
        if not found:
            raise HostError(f"There is no network interface {name}.", todo="Set HADEV.")
        (link,) = route.get_links(found[0])
        addresses = [
            f"{message.get_attr('IFA_ADDRESS')}/{message['prefixlen']}"
            for message in route.get_addr(index=found[0], family=2)
        ]
    return Interface(
        name, link.get_attr("IFLA_OPERSTATE") != "DOWN", bool(link.get_attr("IFLA_CARRIER")), tuple(addresses)
    )


def check_interface(interface: Interface, cluster_ip: str, prefix: int) -> str:
    """Return one sentence when the interface fits. Raises HostError with what is wrong and what to do."""
    if not interface.up or not interface.carrier:
        raise HostError(f"{interface.name} is down or has no carrier.", todo="Check its cable, or set HADEV.")
    network = ipaddress.ip_network(f"{cluster_ip}/{prefix}", strict=False)
    own = [text for text in interface.addresses if not text.startswith(f"{cluster_ip}/")]
    if not any(ipaddress.ip_interface(text).ip in network for text in own):
        raise HostError(
            f"{interface.name} has no address of its own in {network} ({', '.join(own) or 'none at all'}).",
            todo="The cluster address must be in a network the interface belongs to: check HACLUSTERIP, HAPREFIX.",
        )
    return f"{cluster_ip}/{prefix} on {interface.name}, which is up and has {', '.join(own)}"
