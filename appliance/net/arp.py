"""ARP for the cluster address: announce where it is, and ask whether another machine has it."""

from __future__ import annotations

import os
import selectors
import socket
import struct
from dataclasses import dataclass

from appliance.core.errors import HostError
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.clock import Clock, SystemClock

_ETHERTYPE = 0x0806
_PACKET = struct.Struct("!6s6sHHHBBH6s4s6s4s")
_ETHERNET, _IPV4 = 1, 0x0800
_REQUEST, _REPLY = 1, 2
_BROADCAST = b"\xff" * 6
_NOBODY = b"\0" * 6
_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - RFC 5227: a probe claims no address
_PROBES = 3  # RFC 5227 PROBE_NUM; spread over the time allowed


@dataclass(frozen=True, slots=True)
class Arp:
    """One ARP packet."""

    reply: bool
    sender_mac: bytes
    sender_ip: str
    target_mac: bytes
    target_ip: str

    def encode(self) -> bytes:
        """Return the packet as a broadcast Ethernet frame."""
        operation = _REPLY if self.reply else _REQUEST
        sender, target = socket.inet_aton(self.sender_ip), socket.inet_aton(self.target_ip)
        head = (_BROADCAST, self.sender_mac, _ETHERTYPE, _ETHERNET, _IPV4, 6, 4, operation)
        return _PACKET.pack(*head, self.sender_mac, sender, self.target_mac, target)


def parse_arp(frame: bytes) -> Arp | None:
    """Return the ARP packet in an Ethernet frame; None when it is not one for IPv4 over Ethernet."""
    if len(frame) < _PACKET.size:
        return None
    fields = _PACKET.unpack_from(frame)
    if fields[2:7] != (_ETHERTYPE, _ETHERNET, _IPV4, 6, 4) or fields[7] not in (_REQUEST, _REPLY):
        return None
    sender_mac, sender_ip, target_mac, target_ip = fields[8:]
    return Arp(
        fields[7] == _REPLY, sender_mac, socket.inet_ntoa(sender_ip), target_mac, socket.inet_ntoa(target_ip)
    )


def announce(device: str, ip: str) -> None:
    """Broadcast that `ip` is at `device`'s MAC, as a request and as a reply.

    Some switches and phones heed only one of the two. Call this only while `ip` belongs to this node; another
    call a second later does no harm and helps against loss. Raises HostError.
    """
    try:
        with _open(device) as link:
            mac = _mac(link)
            link.send(Arp(False, mac, ip, _NOBODY, ip).encode())
            link.send(Arp(True, mac, ip, _BROADCAST, ip).encode())
    except OSError as problem:
        raise HostError(f"{ip} could not be announced on {device}: {_words(problem)}.") from problem


def duplicated(
    device: str, ip: str, now: float, *, timeout: float = 1.0, clock: Clock | None = None
) -> Reading[str | None]:
    """Return the MAC of another machine that has `ip` (RFC 5227 probe), or None.

    None means that no machine answered within `timeout` seconds. The answer is right whether or not `ip` is
    on this node too. Blocks up to `timeout`. Unknown when `device` is down.
    """
    try:
        with _open(device) as link:
            other = _probe(link, ip, timeout, clock or SystemClock())
    except OSError as problem:
        return Unknown(f"whether {ip} is elsewhere could not be asked on {device}: {_words(problem)}", now)
    return Known(other, now)


def _probe(link: socket.socket, ip: str, timeout: float, clock: Clock) -> str | None:
    own = _mac(link)
    begin = clock.now()
    for attempt in range(_PROBES):
        link.send(Arp(False, own, _NO_ADDRESS, _NOBODY, ip).encode())
        until = begin + timeout * (attempt + 1) / _PROBES
        other = _listen(link, ip, own, until, clock)
        if other is not None:
            return other
    return None


def _listen(link: socket.socket, ip: str, own: bytes, until: float, clock: Clock) -> str | None:
    with selectors.DefaultSelector() as selector:
        selector.register(link, selectors.EVENT_READ)
        while (left := until - clock.now()) > 0:
            if not selector.select(left):
                continue
            heard = parse_arp(link.recv(2048))
            if heard and heard.sender_ip == ip and heard.sender_mac != own:
                return heard.sender_mac.hex(":")
    return None


def _open(device: str) -> socket.socket:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.htons(_ETHERTYPE))
    try:
        link.bind((device, _ETHERTYPE))
    except BaseException:
        link.close()
        raise
    return link


def _mac(link: socket.socket) -> bytes:
    return bytes(link.getsockname()[4])[:6]


def _words(problem: OSError) -> str:
    return problem.strerror or os.strerror(problem.errno or 0)
