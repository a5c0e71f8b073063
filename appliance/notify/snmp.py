"""Alerts by SNMP v2c traps (RFC 3416), as docs/ASHA-MIB.txt describes them.

Nobody acknowledges a trap: all that is known is that it was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.core.alerts import one_line
from appliance.notify.addresses import Names
from appliance.notify.notice import Notice
from appliance.notify.transport import Undelivered, host_and_port

_PORT = 162
_VERSION_2C = 1
_SYS_UP_TIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
_TRAP_OID = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
# *Assumed*: Net-SNMP's arc for experiments, until asha has an enterprise number of its own.
ASHA = (1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 7242)
NOTIFICATIONS, OBJECTS = (*ASHA, 0), (*ASHA, 1)
_TRUE, _FALSE = 1, 2  # SNMPv2-TC TruthValue
_TEXT_LENGTH = 500  # short enough for the datagram to pass every network whole


def packet(notice: Notice, community: str, ticks: int) -> bytes:
    """Return the datagram for `notice`. `ticks`: hundredths of a second since the machine was booted."""
    alert = notice.alert
    objects = (
        octets(notice.node),
        octets(notice.host),
        integer(alert.severity.value),
        octets(one_line(alert.subject)),
        octets(one_line(alert.text, _TEXT_LENGTH)),
        integer(_TRUE if alert.over else _FALSE),
        octets(notice.id),
    )
    bindings = (
        _binding(_SYS_UP_TIME, integer(ticks & 0xFFFFFFFF, TIME_TICKS)),
        _binding(_TRAP_OID, object_id((*NOTIFICATIONS, alert.kind.value))),
        *(_binding((*OBJECTS, number, 0), value) for number, value in enumerate(objects, start=1)),
    )
    request = int(notice.id[:7], 16)
    numbers = (integer(request), integer(0), integer(0))
    trap = sequence(*numbers, sequence(*bindings), tag=TRAP_V2)
    return sequence(integer(_VERSION_2C), octets(community), trap)


def _binding(name: tuple[int, ...], value: bytes) -> bytes:
    return sequence(object_id(name), value)


@dataclass(frozen=True, slots=True)
class Trap:
    """Way to the SNMP manager `server` (`host[:port]`); `now` returns the seconds since the last boot."""

    server: str
    now: Callable[[], float]
    community: str = field(default="public", repr=False)
    name: str = "trap"
    deadline: float = 15.0
    names: Names = field(default_factory=Names)

    def send(self, notice: Notice) -> None:
        host, port = host_and_port(self.server, _PORT)
        data = packet(notice, self.community, int(self.now() * 100))
        try:
            self.names.send_datagram(data, host, port, self.deadline)
        except OSError as problem:
            raise Undelivered(f"{self.server}: {problem.strerror or problem}") from problem


# Subset of ASN.1's basic encoding rules (X.690) that an SNMP trap needs.


INTEGER, OCTET_STRING, OBJECT_ID, SEQUENCE = 0x02, 0x04, 0x06, 0x30
TIME_TICKS, TRAP_V2 = 0x43, 0xA7  # RFC 3416


def tlv(tag: int, content: bytes) -> bytes:
    """Return tag, length and content as one element."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Return a whole number, in as few octets as hold it and its sign."""
    bits = (value if value >= 0 else ~value).bit_length()
    return tlv(tag, value.to_bytes(bits // 8 + 1, signed=True))


def octets(text: str) -> bytes:
    """Return a text as an octet string, in UTF-8."""
    return tlv(OCTET_STRING, text.encode())


def object_id(numbers: tuple[int, ...]) -> bytes:
    """Return an object identifier of two numbers or more."""
    first, second, *rest = numbers
    return tlv(OBJECT_ID, b"".join(map(_base128, (first * 40 + second, *rest))))


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    """Return the encoded `parts` as one sequence."""
    return tlv(tag, b"".join(parts))


def _base128(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))
