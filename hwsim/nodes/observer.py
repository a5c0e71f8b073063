"""The telephone outside: asks the cluster address every few milliseconds, and says who answered.

Run as `python -IS observer.py ADDRESS DEVICE PERIOD` in the outside namespace. Writes "ready" and
then one JSON line for each thing seen: t (CLOCK_MONOTONIC seconds), kind, mac (Ethernet source), ip.

    ping  ICMP echo reply from ADDRESS          sip   SIP reply from ADDRESS
    garp  gratuitous ARP, for any address       arp   any other ARP

With an ADDRESS of IPv6 the same by ICMPv6; there `garp` is a neighbour advertisement to everybody.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import sys
import time

SIP_PORT = 5060
_ETH_P_ALL = 3
_ARP, _IPV4, _IPV6 = b"\x08\x06", b"\x08\x00", b"\x86\xdd"
_ECHO_REPLY_6, _ADVERTISEMENT = 129, 136
_ALL_NODES = socket.inet_pton(socket.AF_INET6, "ff02::1")


def checksum(data: bytes) -> int:
    """Return the checksum of RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo_request(sequence: int, kind: int = 8) -> bytes:
    """Return an ICMP echo request (RFC 792; of ICMPv6 it is another kind, and the kernel writes the checksum)."""
    head = struct.pack("!BBHHH", kind, 0, 0, os.getpid() & 0xFFFF, sequence)
    return struct.pack("!BBHHH", kind, 0, checksum(head), os.getpid() & 0xFFFF, sequence)


def options_request(address: str, own: str, port: int, sequence: int) -> bytes:
    """Return a SIP OPTIONS request (RFC 3261 section 11)."""
    lines = (
        f"OPTIONS sip:{address} SIP/2.0",
        f"Via: SIP/2.0/UDP {own}:{port};branch=z9hG4bK{sequence};rport",
        "Max-Forwards: 70",
        f"From: <sip:outside@{own}>;tag={sequence}",
        f"To: <sip:{address}>",
        f"Call-ID: {sequence}@{own}",
        f"CSeq: {sequence} OPTIONS",
        f"Contact: <sip:outside@{own}:{port}>",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


def recognise(frame: bytes, address: bytes) -> tuple[str, bytes] | None:
    """Return the kind of an Ethernet frame and the address it speaks for.

    The answer is None for irrelevant frames.
    """
    if len(address) == 16:
        return recognise_ipv6(frame, address)
    if frame[12:14] == _ARP and len(frame) >= 42:
        sender, target = frame[28:32], frame[38:42]
        return ("garp" if sender == target else "arp"), sender
    if frame[12:14] != _IPV4 or len(frame) < 42 or frame[26:30] != address:
        return None
    payload = frame[14 + (frame[14] & 15) * 4 :]
    if frame[23] == socket.IPPROTO_ICMP and payload[0] == 0:
        return "ping", address
    from_sip = struct.unpack("!H", payload[:2])[0] == SIP_PORT
    if frame[23] == socket.IPPROTO_UDP and from_sip and payload[8:].startswith(b"SIP/2.0 "):
        return "sip", address
    return None


def recognise_ipv6(frame: bytes, address: bytes) -> tuple[str, bytes] | None:
    """Return the kind of a frame of IPv6 and the address it speaks for."""
    if frame[12:14] != _IPV6 or len(frame) < 62:
        return None
    following, source, destination, payload = frame[20], frame[22:38], frame[38:54], frame[54:]
    if following == socket.IPPROTO_ICMPV6 and payload[0] == _ADVERTISEMENT and len(payload) >= 24:
        return ("garp" if destination == _ALL_NODES else "arp"), payload[8:24]
    if source != address:
        return None
    if following == socket.IPPROTO_ICMPV6 and payload[0] == _ECHO_REPLY_6:
        return "ping", address
    from_sip = struct.unpack("!H", payload[:2])[0] == SIP_PORT
    if following == socket.IPPROTO_UDP and from_sip and payload[8:].startswith(b"SIP/2.0 "):
        return "sip", address
    return None


def main(address: str, device: str, period: float) -> None:
    """Send requests and report answers until killed, or until the output is closed."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    wire.bind((device, 0))
    family, protocol, kind = socket.AF_INET, socket.IPPROTO_ICMP, 8
    if ":" in address:
        family, protocol, kind = socket.AF_INET6, socket.IPPROTO_ICMPV6, 128
    icmp = socket.socket(family, socket.SOCK_RAW, protocol)
    sip = socket.socket(family, socket.SOCK_DGRAM)
    sip.connect((address, SIP_PORT))
    own, port = sip.getsockname()[:2]
    if ":" in address:
        own = f"[{own}]"
    asked = f"[{address}]" if ":" in address else address
    for asking in (icmp, sip):
        asking.setblocking(False)
    os.write(1, b"ready\n")
    sequence, due = 0, time.monotonic()
    while True:
        if time.monotonic() >= due:
            sequence += 1
            due = max(due + period, time.monotonic())
            ask(icmp, echo_request(sequence & 0xFFFF, kind), (address, 0))
            ask(sip, options_request(asked, own, port, sequence), (address, SIP_PORT))
        if select.select([wire], [], [], max(0.0, due - time.monotonic()))[0]:
            report(wire, socket.inet_pton(family, address))


def ask(through: socket.socket, request: bytes, to: tuple[str, int]) -> None:
    """Send a request and discard what came back, because the answers are read off the wire.

    A missing route is ignored.
    """
    with contextlib.suppress(OSError):
        through.sendto(request, to)
    with contextlib.suppress(OSError):
        while through.recv(2048):
            pass


def report(wire: socket.socket, address: bytes) -> None:
    """Print one frame from the wire as one line, if the frame is relevant."""
    frame, source = wire.recvfrom(2048)
    now = time.monotonic()
    if source[2] == socket.PACKET_OUTGOING:
        return
    seen = recognise(frame, address)
    if seen is not None:
        mac = frame[6:12].hex(":")
        ip = socket.inet_ntop(socket.AF_INET6 if len(seen[1]) == 16 else socket.AF_INET, seen[1])
        line = f'{{"t": {now:.6f}, "kind": "{seen[0]}", "mac": "{mac}", "ip": "{ip}"}}\n'
        os.write(1, line.encode())


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
