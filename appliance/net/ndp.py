"""Neighbour discovery for an IPv6 cluster address: announce where it is, and ask whether another machine has it.

What ARP is for IPv4 (`net/arp.py`), these messages of ICMPv6 are for IPv6. They are made here and not by the kernel: it
sends an advertisement by itself only when it takes an address, and never asks for an address that it has.
Source: RFC 4861 (4.3, 4.4, 7.2.6), RFC 4291 (2.7.1), RFC 8200.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from appliance.net.raw_link import (
    IF_AT_LEAST,
    IF_EQUAL,
    IF_MORE,
    LOAD_BYTE,
    LONGEST,
    RETURN,
    RawLink,
    filtered,
)

_ETHERTYPE = 0x86DD
_ETHERNET = struct.Struct("!6s6sH")
_IPV6 = struct.Struct(
    "!IHBB16s16s"
)  # version, class and flow; length; next header; hop limit; source; destination
_HEAD = struct.Struct("!BBHI")  # type, code, checksum, flags; the target follows
_LINK_ADDRESS = struct.Struct("!BB6s")
_ICMPV6, _HOPS, _VERSION = 58, 255, 6 << 28
_SOLICITATION, _ADVERTISEMENT = 135, 136
_OF_SENDER, _OF_TARGET = 1, 2  # options: the link-layer address of whom
_OVERRIDE = 0x20000000
_NOBODY = b"\0" * 16
_ALL_NODES = socket.inet_pton(socket.AF_INET6, "ff02::1")
_ASKED_NODES = socket.inet_pton(socket.AF_INET6, "ff02::1:ff00:0")
_BEHIND_HEADERS = _ETHERNET.size + _IPV6.size
_BEFORE_OPTION = _BEHIND_HEADERS + _HEAD.size + 16
# It passes ICMPv6 (the next header is at byte 20 of the frame) of the two types (at byte 54), and nothing else.
_FILTER = (
    (LOAD_BYTE, 0, 0, 20),
    (IF_EQUAL, 0, 4, _ICMPV6),
    (LOAD_BYTE, 0, 0, _BEHIND_HEADERS),
    (IF_AT_LEAST, 0, 2, _SOLICITATION),
    (IF_MORE, 1, 0, _ADVERTISEMENT),
    (RETURN, 0, 0, LONGEST),
    (RETURN, 0, 0, 0),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What one message says of its sender. `reply`: it advertises `sender_ip`, rather than asks for another's."""

    reply: bool
    sender_mac: bytes
    sender_ip: str


def advertisement(mac: bytes, ip: str) -> bytes:
    """Return the frame that tells every host on the LAN that `ip` is at `mac`, whatever it knew before."""
    target = socket.inet_pton(socket.AF_INET6, ip)
    body = target + _LINK_ADDRESS.pack(_OF_TARGET, 1, mac)
    return _frame((_multicast_mac(_ALL_NODES), mac), (target, _ALL_NODES), (_ADVERTISEMENT, _OVERRIDE), body)


def solicitation(mac: bytes, own: str, ip: str, to: bytes = b"") -> bytes:
    """Return the frame that asks who has `ip`.

    Args:
        mac: The hardware address of the sender.
        own: The address of the sender, to which the answer goes; "" to claim none, and have everybody answered.
        ip: The address asked for.
        to: The hardware address to ask alone; all that may have `ip` are asked without it.
    """
    target = socket.inet_pton(socket.AF_INET6, ip)
    asked = target if to else _ASKED_NODES[:13] + target[13:]
    source = socket.inet_pton(socket.AF_INET6, own) if own else _NOBODY
    option = _LINK_ADDRESS.pack(_OF_SENDER, 1, mac) if own else b""
    return _frame((to or _multicast_mac(asked), mac), (source, asked), (_SOLICITATION, 0), target + option)


def parse_neighbour(frame: bytes) -> Heard | None:
    """Return what an Ethernet frame says of its sender; None when it is no message of neighbour discovery.

    One that has come through a router is none: its hop limit is not what it was.
    """
    if len(frame) < _BEFORE_OPTION:
        return None
    _, mac, ethertype = _ETHERNET.unpack_from(frame)
    _, length, following, hops, source, _ = _IPV6.unpack_from(frame, _ETHERNET.size)
    kind, code, *_ = _HEAD.unpack_from(frame, _BEHIND_HEADERS)
    target = frame[_BEHIND_HEADERS + _HEAD.size : _BEFORE_OPTION]
    if (ethertype, following, hops, code) != (_ETHERTYPE, _ICMPV6, _HOPS, 0):
        return None
    if kind not in (_SOLICITATION, _ADVERTISEMENT):
        return None
    reply = kind == _ADVERTISEMENT
    option = frame[_BEFORE_OPTION : _BEHIND_HEADERS + length]
    if len(option) >= _LINK_ADDRESS.size and option[:2] == bytes((_OF_TARGET if reply else _OF_SENDER, 1)):
        mac = _LINK_ADDRESS.unpack_from(option)[2]
    return Heard(reply, mac, socket.inet_ntop(socket.AF_INET6, target if reply else source))


class NdpLink(RawLink[Heard]):
    """An open way to ask the hosts on a LAN by neighbour discovery, and to hear them; nothing in it ever waits."""

    def __init__(self, device: str) -> None:
        """Open it on `device`. Raises HostError when that is missing or down."""
        super().__init__(device, "IPv6 neighbour discovery", _open, parse_neighbour)

    def ask(self, ip: str, own: str, mac: str = "") -> None:
        """Ask who has `ip`: everybody, or the host at `mac` alone. Raises HostError when the device is down.

        Args:
            ip: The address asked for.
            own: This node's address on the LAN; "" when it has none, or claims none by asking.
            mac: The hardware address at which `ip` answered before.
        """
        self._send(solicitation(self._mac, own, ip, bytes.fromhex(mac.replace(":", ""))))

    def announce(self, ip: str) -> None:
        """Tell everybody that `ip` is at this device. Raises HostError when it is down."""
        self._send(advertisement(self._mac, ip))


def _frame(macs: tuple[bytes, bytes], ips: tuple[bytes, bytes], head: tuple[int, int], body: bytes) -> bytes:
    """Return an Ethernet frame with one message.

    Args:
        macs: The hardware addresses of receiver and sender.
        ips: The addresses of sender and receiver.
        head: The message's type and flags.
        body: Its target and option.
    """
    (kind, flags), length = head, _HEAD.size + len(body)
    pseudo_header = b"".join(ips) + struct.pack("!II", length, _ICMPV6)
    total = _checksum(pseudo_header + _HEAD.pack(kind, 0, 0, flags) + body)
    outside = _ETHERNET.pack(*macs, _ETHERTYPE) + _IPV6.pack(_VERSION, length, _ICMPV6, _HOPS, *ips)
    return outside + _HEAD.pack(kind, 0, total, flags) + body


def _checksum(data: bytes) -> int:
    """Return the checksum of RFC 1071; what is summed here is always of even length."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def _multicast_mac(address: bytes) -> bytes:
    """Return the hardware address of an IPv6 multicast address (RFC 2464, 7)."""
    return b"\x33\x33" + address[12:]


def _open(device: str) -> socket.socket:
    return filtered(device, _ETHERTYPE, _FILTER)
