"""The rtnetlink messages about IPv4 routes: bytes in, values out, no I/O.

Source: linux/rtnetlink.h. See `net/rtnetlink.py` for the addresses, and for why they are encoded here.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from appliance.net.rtnetlink import attribute, attributes, message, messages, u32

RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
# Marks a route as one of asha's own: `ip route` shows it as 'proto 97'. Numbers below 192 that no daemon has claimed
# are free for administrators and programs (rtnetlink.h, iproute2's rt_protos).
OURS = 97
_REQUEST, _ACK, _REPLACE, _DUMP, _CREATE = 0x1, 0x4, 0x100, 0x300, 0x400
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC, _RTA_TABLE = 1, 4, 5, 6, 7, 15
_MAIN, _UNIVERSE, _LINK, _UNICAST = 254, 0, 253, 1
_ROUTE = struct.Struct("=BBBBBBBBI")  # family, lengths to and from, tos, table, protocol, scope, type, flags


class Route(NamedTuple):
    """One unicast route of the main table, over the interface of the number `device`.

    `source`: the address from which this node speaks to it, where a program has not chosen one.
    """

    network: str
    length: int
    device: int
    gateway: str = ""
    source: str = ""
    metric: int = 0
    protocol: int = OURS


def routes_request() -> bytes:
    """Return the message that asks for every IPv4 route of this node."""
    body = _ROUTE.pack(socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
    return message(RTM_GETROUTE, _REQUEST | _DUMP, body)


def set_request(route: Route) -> bytes:
    """Return the message that sets a route, in the place of one to the same network with the same metric."""
    return message(RTM_NEWROUTE, _REQUEST | _ACK | _CREATE | _REPLACE, _body(route))


def remove_request(route: Route) -> bytes:
    """Return the message that removes a route."""
    return message(RTM_DELROUTE, _REQUEST | _ACK, _body(route))


def parse_routes(data: bytes) -> Iterator[Route]:
    """Yield the unicast routes of the main table in one datagram, without those over several gateways."""
    for kind, body in messages(data):
        if kind == RTM_NEWROUTE and len(body) >= _ROUTE.size:
            route = _route(body)
            if route is not None:
                yield route


def _body(route: Route) -> bytes:
    scope = _UNIVERSE if route.gateway else _LINK
    head = _ROUTE.pack(socket.AF_INET, route.length, 0, 0, _MAIN, route.protocol, scope, _UNICAST, 0)
    named = ((_RTA_DST, route.network), (_RTA_GATEWAY, route.gateway), (_RTA_PREFSRC, route.source))
    parts = [attribute(kind, socket.inet_aton(ip)) for kind, ip in named if ip]
    numbers = [attribute(_RTA_OIF, u32(route.device))]
    if route.metric:
        numbers.append(attribute(_RTA_PRIORITY, u32(route.metric)))
    return head + b"".join(parts + numbers)


def _route(body: bytes) -> Route | None:
    family, length, _from, _tos, table, protocol, _scope, kind, _flags = _ROUTE.unpack_from(body)
    found = dict(attributes(body[_ROUTE.size :]))
    place = _number(found.get(_RTA_TABLE, b"")) or table
    if (family, kind, place) != (socket.AF_INET, _UNICAST, _MAIN) or _RTA_OIF not in found:
        return None
    return Route(
        _ip(found.get(_RTA_DST, b"\0\0\0\0")),
        length,
        _number(found[_RTA_OIF]),
        _ip(found.get(_RTA_GATEWAY, b"")),
        _ip(found.get(_RTA_PREFSRC, b"")),
        _number(found.get(_RTA_PRIORITY, b"")),
        protocol,
    )


def _ip(packed: bytes) -> str:
    return socket.inet_ntoa(packed) if len(packed) == 4 else ""


def _number(packed: bytes) -> int:
    return int.from_bytes(packed, "little" if struct.pack("=H", 1) == b"\1\0" else "big")
