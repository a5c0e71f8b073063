"""The few rtnetlink messages about IP addresses and links: bytes in, values out, no I/O.

Encoded here, and not by pyroute2, because one of these messages is sent just when Heartbeat has died, with a deadline
(docs/adr/0021-libraries-in-the-agent.md). The contract tests compare them with those of `ip`.
Source: linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
RTM_NEWLINK, RTM_DELLINK = 16, 17
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQUEST, _ACK, _EXCLUSIVE, _DUMP, _CREATE = 0x1, 0x4, 0x200, 0x300, 0x400
_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL, _IFA_BROADCAST, _IFA_CACHEINFO = 1, 2, 3, 4, 6
_NODAD, _DADFAILED, _TENTATIVE = 0x02, 0x08, 0x40
_FOREVER = 0xFFFFFFFF
_LIFETIMES = struct.Struct("=IIII")  # seconds preferred and valid, when made and changed
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_IFADDR = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, interface index
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_TYPE_MASK = 0x3FFF


@dataclass(frozen=True, slots=True)
class Address:
    """One address of an interface. `label` is the interface's name, or an alias such as eth0:0; "" with IPv6.

    `usable`: the kernel uses it. It does not use an IPv6 address while it asks the network whether another has it
    (tentative), and never when another had it (dadfailed).
    """

    index: int
    ip: str
    prefix: int
    label: str = ""
    usable: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """One netlink message: `kind` is RTM_NEWADDR or RTM_DELADDR with an address, or `last` ends the answer.

    RTM_NEWLINK and RTM_DELLINK come without more: they say that an interface has changed.
    """

    kind: int
    address: Address | None = None
    last: bool = False
    error: int = 0  # errno


def dump_request() -> bytes:
    """Return the message that asks for every address of this node, of both families."""
    return message(RTM_GETADDR, _REQUEST | _DUMP, _IFADDR.pack(socket.AF_UNSPEC, 0, 0, 0, 0))


def delete_request(address: Address) -> bytes:
    """Return the message that asks to remove `address`, with a confirmation."""
    family, local = _packed(address.ip)
    body = _IFADDR.pack(family, address.prefix, 0, 0, address.index)
    return message(RTM_DELADDR, _REQUEST | _ACK, body + attribute(_IFA_LOCAL, local))


def add_request(address: Address) -> bytes:
    """Return the message that asks to add `address` under its interface's own name, with a confirmation.

    One of IPv4 carries the broadcast address of its subnet, as Heartbeat's IPaddr2 gives it. One of IPv6 is used at
    once (nodad), and as the source of nothing that this node begins (it is deprecated), as the engine sets it.
    """
    family, local = _packed(address.ip)
    if family == socket.AF_INET6:
        flags, more = _NODAD, (_IFA_CACHEINFO, _LIFETIMES.pack(0, _FOREVER, 0, 0))
    else:
        hosts = (1 << (32 - address.prefix)) - 1
        flags, more = 0, (_IFA_BROADCAST, (int.from_bytes(local) | hosts).to_bytes(4))
    body = _IFADDR.pack(family, address.prefix, flags, 0, address.index)
    for kind, value in ((_IFA_LOCAL, local), (_IFA_ADDRESS, local), more):
        body += attribute(kind, value)
    return message(RTM_NEWADDR, _REQUEST | _ACK | _CREATE | _EXCLUSIVE, body)


def _packed(ip: str) -> tuple[socket.AddressFamily, bytes]:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    return family, socket.inet_pton(family, ip)


def u32(value: int) -> bytes:
    """Return a number as the kernel has it."""
    return struct.pack("=I", value)


def attribute(kind: int, value: bytes) -> bytes:
    """Return one attribute of a message; `value` is of a whole number of four bytes."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value


def parse(data: bytes) -> Iterator[Reply]:
    """Yield the messages in one datagram, without those that are cut short or irrelevant."""
    for kind, body in messages(data):
        if kind in (RTM_NEWADDR, RTM_DELADDR) and len(body) >= _IFADDR.size:
            address = _address(body)
            if address is not None:
                yield Reply(kind, address)
        elif kind in (RTM_NEWLINK, RTM_DELLINK):
            yield Reply(kind)
        elif kind == _NLMSG_DONE:
            yield Reply(kind, last=True)
        elif kind == _NLMSG_ERROR and len(body) >= 4:
            yield Reply(kind, last=True, error=-int(struct.unpack_from("=i", body)[0]))


def explain(error: int) -> str:
    """Return an errno in words."""
    known = {errno.EPERM: "only root may do that", errno.EADDRNOTAVAIL: "the address is not there"}
    return known.get(error, os.strerror(error))


def message(kind: int, flags: int, body: bytes) -> bytes:
    """Return a whole message with its header."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, 1, 0) + body


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and body of each message in one datagram, up to the first that is cut short."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        yield kind, data[offset + _HEADER.size : offset + length]
        offset += _aligned(length)


def _address(body: bytes) -> Address | None:
    family, prefix, flags, _scope, index = _IFADDR.unpack_from(body)
    found = dict(attributes(body[_IFADDR.size :]))
    local = found.get(_IFA_LOCAL, found.get(_IFA_ADDRESS, b""))
    if (family, len(local)) not in ((socket.AF_INET, 4), (socket.AF_INET6, 16)):
        return None
    label = found.get(_IFA_LABEL, b"").rstrip(b"\0").decode("latin-1")
    usable = family == socket.AF_INET or not flags & (_TENTATIVE | _DADFAILED)
    return Address(index, socket.inet_ntop(family, local), prefix, label, usable)


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and value of each attribute, up to the first that is cut short."""
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size or offset + length > len(data):
            return
        yield kind & _TYPE_MASK, data[offset + _ATTRIBUTE.size : offset + length]
        offset += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
