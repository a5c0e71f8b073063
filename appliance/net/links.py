"""The network interfaces of this machine: which there are, their addresses, and the wire that each goes through.

For commands, not for the agent: pyroute2 is imported late (docs/adr/0021-libraries-in-the-agent.md).
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

# linux/if.h
_IFF_UP = 0x1
_IFF_LOWER_UP = 0x10000
_SCOPE_LINK = 253  # linux/rtnetlink.h
# Kinds of interface that send through another one of this machine.
_STACKED = frozenset({"vlan", "macvlan", "macvtap", "ipvlan"})


@dataclass(frozen=True, slots=True)
class NetLink:
    """One interface. `up`: it is on and its wire carries. `parent`: the interface it sends through, "" for none.

    `addresses` are of both families, each with its prefix length: `10.0.0.1/24`. Link-local ones are left out.
    """

    name: str
    up: bool
    parent: str = ""
    addresses: tuple[str, ...] = ()


def read_links() -> dict[str, NetLink]:
    """Return every interface of this machine by its name. Raises OSError."""
    from pyroute2 import IPRoute  # noqa: PLC0415

    with IPRoute() as route:
        links = {message["index"]: message for message in route.get_links()}
        addresses: dict[int, list[str]] = {}
        for message in route.get_addr():
            if message["family"] == socket.AF_INET6 and message["scope"] == _SCOPE_LINK:
                continue
            text = (
                f"{message.get_attr('IFA_LOCAL') or message.get_attr('IFA_ADDRESS')}/{message['prefixlen']}"
            )
            addresses.setdefault(message["index"], []).append(text)
    names = {index: str(message.get_attr("IFLA_IFNAME")) for index, message in links.items()}
    return {
        names[index]: NetLink(
            names[index],
            message["flags"] & (_IFF_UP | _IFF_LOWER_UP) == _IFF_UP | _IFF_LOWER_UP,
            names.get(message.get_attr("IFLA_LINK"), "") if _kind(message) in _STACKED else "",
            tuple(addresses.get(index, ())),
        )
        for index, message in links.items()
    }


def _kind(message: object) -> str:
    info = message.get_attr("IFLA_LINKINFO")  # type: ignore[attr-defined]
    return str(info.get_attr("IFLA_INFO_KIND")) if info is not None else ""


def wire_of(name: str, links: Mapping[str, NetLink]) -> str:
    """Return the lowest interface that `name` sends through; `name` itself where nothing is below it."""
    seen: set[str] = set()
    while name in links and links[name].parent and name not in seen:
        seen.add(name)
        name = links[name].parent
    return name
