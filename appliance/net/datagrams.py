"""The UDP datagrams that come to a port of this machine by one interface, whoever serves that port.

They are read as a packet sniffer reads them, beside the program that they are for, which notices nothing. A frame that
the interface would not take (for another machine) is not seen. Source: packet(7).
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from appliance.net.raw_link import (
    HEADER_LENGTH,
    IF_ANY_BIT,
    IF_EQUAL,
    LOAD_BYTE,
    LOAD_HALF,
    LOAD_HALF_BEHIND_HEADER,
    LONGEST,
    RETURN,
    Instruction,
    RawLink,
    filtered,
)

_EVERY_PROTOCOL = 0x0003  # ETH_P_ALL
_IPV4, _IPV6, _UDP = 0x0800, 0x86DD, 17
_ETHERNET = struct.Struct("!6s6sH")
_NETWORK = _ETHERNET.size
_IPV6_LENGTH, _UDP_LENGTH = 40, 8
_FRAGMENT = 0x1FFF  # a fragment that is not the first has no ports
_GROUP = 0x01  # of the first byte of a hardware address: broadcast or multicast


@dataclass(frozen=True, slots=True)
class Datagram:
    """One datagram. `mac`, `ip`: of its sender. `to_all`: it was sent to more than this machine."""

    mac: str
    ip: str
    to_all: bool
    payload: bytes


class DatagramLink(RawLink[Datagram]):
    """An open way to overhear the datagrams to a UDP port; nothing in it ever waits."""

    def __init__(self, device: str, port: int) -> None:
        """Open it on `device`. Raises HostError when that is missing or down."""
        super().__init__(
            device,
            "overhearing UDP",
            lambda name: filtered(name, _EVERY_PROTOCOL, _to_port(port)),
            lambda frame: parse_datagram(frame, port),
        )


def parse_datagram(frame: bytes, port: int) -> Datagram | None:
    """Return the datagram to `port` in an Ethernet frame; None when there is none, or not from its beginning."""
    if len(frame) < _NETWORK:
        return None
    target, mac, ethertype = _ETHERNET.unpack_from(frame)
    found = _behind_ipv4(frame) if ethertype == _IPV4 else _behind_ipv6(frame) if ethertype == _IPV6 else None
    if found is None:
        return None
    ip, start = found
    if len(frame) < start + _UDP_LENGTH or struct.unpack_from("!H", frame, start + 2)[0] != port:
        return None
    return Datagram(mac.hex(":"), ip, bool(target[0] & _GROUP), frame[start + _UDP_LENGTH :])


def _behind_ipv4(frame: bytes) -> tuple[str, int] | None:
    """Return the sender, and where UDP begins in the frame."""
    if len(frame) < _NETWORK + 20 or frame[_NETWORK + 9] != _UDP:
        return None
    if struct.unpack_from("!H", frame, _NETWORK + 6)[0] & _FRAGMENT:
        return None
    start = _NETWORK + 4 * (frame[_NETWORK] & 0x0F)
    return socket.inet_ntop(socket.AF_INET, frame[_NETWORK + 12 : _NETWORK + 16]), start


def _behind_ipv6(frame: bytes) -> tuple[str, int] | None:
    if len(frame) < _NETWORK + _IPV6_LENGTH or frame[_NETWORK + 6] != _UDP:
        return None
    ip = socket.inet_ntop(socket.AF_INET6, frame[_NETWORK + 8 : _NETWORK + 24])
    return ip, _NETWORK + _IPV6_LENGTH


def _to_port(port: int) -> tuple[Instruction, ...]:
    """Return the filter that passes UDP to `port`, of both families; IPv6 without further headers before it."""
    return (
        (LOAD_HALF, 0, 0, 12),
        (IF_EQUAL, 0, 7, _IPV4),
        (LOAD_BYTE, 0, 0, _NETWORK + 9),
        (IF_EQUAL, 0, 11, _UDP),
        (LOAD_HALF, 0, 0, _NETWORK + 6),
        (IF_ANY_BIT, 9, 0, _FRAGMENT),
        (HEADER_LENGTH, 0, 0, _NETWORK),
        (LOAD_HALF_BEHIND_HEADER, 0, 0, _NETWORK + 2),
        (IF_EQUAL, 5, 6, port),
        (IF_EQUAL, 0, 5, _IPV6),
        (LOAD_BYTE, 0, 0, _NETWORK + 6),
        (IF_EQUAL, 0, 3, _UDP),
        (LOAD_HALF, 0, 0, _NETWORK + _IPV6_LENGTH + 2),
        (IF_EQUAL, 0, 1, port),
        (RETURN, 0, 0, LONGEST),
        (RETURN, 0, 0, 0),
    )
