"""ARP for an IPv4 cluster address: announce where it is, and ask whether another machine has it."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from appliance.net.raw_link import RawLink

_ETHERTYPE = 0x0806
_PACKET = struct.Struct("!6s6sHHHBBH6s4s6s4s")
_ETHERNET, _IPV4 = 1, 0x0800
_REQUEST, _REPLY = 1, 2
_BROADCAST = b"\xff" * 6
_NOBODY = b"\0" * 6
_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - RFC 5227: a probe claims no address


@dataclass(frozen=True, slots=True)
class Arp:
    """One ARP packet."""

    reply: bool
    sender_mac: bytes
    sender_ip: str
    target_mac: bytes
    target_ip: str

    def encode(self, destination: bytes = _BROADCAST) -> bytes:
        """Return the packet as an Ethernet frame, to everybody or to `destination`."""
        operation = _REPLY if self.reply else _REQUEST
        sender, target = socket.inet_aton(self.sender_ip), socket.inet_aton(self.target_ip)
        head = (destination, self.sender_mac, _ETHERTYPE, _ETHERNET, _IPV4, 6, 4, operation)
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


class ArpLink(RawLink[Arp]):
    """An open way to ask the hosts on a LAN by ARP, and to hear them; nothing in it ever waits."""

    def __init__(self, device: str) -> None:
        """Open it on `device`. Raises HostError when that is missing or down."""
        super().__init__(device, "ARP", _open, parse_arp)

    def ask(self, ip: str, own: str, mac: str = "") -> None:
        """Ask who has `ip`: everybody, or the host at `mac` alone. Raises HostError when the device is down.

        Args:
            ip: The address asked for.
            own: This node's address on the LAN; "" when it has none, or claims none by asking (RFC 5227).
            mac: The hardware address at which `ip` answered before.
        """
        question = Arp(False, self._mac, own or _NO_ADDRESS, _NOBODY, ip)
        self._send(question.encode(bytes.fromhex(mac.replace(":", "")) if mac else _BROADCAST))

    def announce(self, ip: str) -> None:
        """Tell everybody that `ip` is at this device, as a request and as a reply. Raises HostError when it is down.

        Some switches and phones heed only one of the two.
        """
        request, reply = Arp(False, self._mac, ip, _NOBODY, ip), Arp(True, self._mac, ip, _BROADCAST, ip)
        self._send(request.encode(), reply.encode())


def _open(device: str) -> socket.socket:
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.htons(_ETHERTYPE))
    try:
        link.bind((device, _ETHERTYPE))
        link.setblocking(False)
    except BaseException:
        link.close()
        raise
    return link
