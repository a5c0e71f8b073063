"""A name server (RFC 1035) of few names, which answers each question well or in one of the ways in which they fail.

It makes and reads its messages by itself, so that a misreading of the product's library is not made twice.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

TYPES = {"A": 1, "AAAA": 28}
_CNAME, _IN = 5, 1
_BY_NUMBER = {number: name for name, number in TYPES.items()}
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
_HEADER = struct.Struct(">HHHHHH")


@dataclass(frozen=True)
class Reply:
    """An answer. `alias`: another name, of which the addresses are. `cut`: by UDP only that it is too long comes."""

    addresses: tuple[str, ...] = ()
    rcode: int = NOERROR
    alias: str = ""
    cut: bool = False
    silent: bool = False
    garbage: bool = False


SILENT = Reply(silent=True)
GARBAGE = Reply(garbage=True)
Zone = Mapping[tuple[str, str], Reply]


def found(*addresses: str) -> Reply:
    return Reply(addresses)


def failed(rcode: int) -> Reply:
    return Reply(rcode=rcode)


def too_long(*addresses: str) -> Reply:
    return Reply(addresses, cut=True)


@dataclass
class NameServer:
    """Answers for the names of `zone`; any other does not exist. `asked`: every question, as name and type."""

    zone: Zone
    asked: list[tuple[str, str]] = field(default_factory=list)
    tcp: bool = True

    @contextlib.contextmanager
    def up(self, address: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
        """Its port, the same for UDP and TCP."""
        with (
            socket.create_server((address, port)) as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        ):
            port = stream.getsockname()[1]
            datagrams.bind((address, port))
            if not self.tcp:
                stream.close()
            threading.Thread(target=self._take_datagrams, args=(datagrams,), daemon=True).start()
            threading.Thread(target=self._take_streams, args=(stream,), daemon=True).start()
            try:
                yield port
            finally:
                for one in (stream, datagrams):
                    with contextlib.suppress(
                        OSError
                    ):  # a datagram socket is not connected, and wakes all the same
                        one.shutdown(socket.SHUT_RDWR)

    def _take_datagrams(self, datagrams: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                query, peer = datagrams.recvfrom(4096)
                if not query:
                    return
                answer = self._answer(query, whole=False)
                if answer:
                    datagrams.sendto(answer, peer)

    def _take_streams(self, stream: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = stream.accept()[0]
                with connection:
                    (length,) = struct.unpack(">H", connection.recv(2, socket.MSG_WAITALL))
                    answer = self._answer(connection.recv(length, socket.MSG_WAITALL), whole=True)
                    connection.sendall(struct.pack(">H", len(answer)) + answer)

    def _answer(self, query: bytes, *, whole: bool) -> bytes:
        name, kind, question = _question(query)
        self.asked.append((name, kind))
        reply = self.zone.get((name, kind))
        if reply is None:
            exists = any(name == known for known, _ in self.zone)
            reply = Reply() if exists else failed(NXDOMAIN)
        if reply.silent:
            return b""
        if reply.garbage:
            return query[:2] + b"\xff" * 11
        records = [] if reply.cut and not whole else _records(name, kind, reply)
        flags = 0x8180 | reply.rcode | (0x0200 if reply.cut and not whole else 0)
        number = struct.unpack(">H", query[:2])[0]
        return _HEADER.pack(number, flags, 1, len(records), 0, 0) + question + b"".join(records)


def _question(query: bytes) -> tuple[str, str, bytes]:
    labels, at = [], _HEADER.size
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode())
        at += 1 + length
    (kind,) = struct.unpack(">H", query[at + 1 : at + 3])
    return ".".join(labels).lower(), _BY_NUMBER[kind], query[_HEADER.size : at + 5]


def _records(name: str, kind: str, reply: Reply) -> list[bytes]:
    records = [_record(name, _CNAME, _packed(reply.alias))] if reply.alias else []
    owner = reply.alias or name
    return records + [
        _record(owner, TYPES[kind], ipaddress.ip_address(one).packed) for one in reply.addresses
    ]


def _record(name: str, kind: int, data: bytes) -> bytes:
    return _packed(name) + struct.pack(">HHIH", kind, _IN, 60, len(data)) + data


def _packed(name: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in name.split(".")) + b"\0"
