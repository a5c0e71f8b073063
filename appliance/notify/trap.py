"""Alerts by SNMP v2c traps (RFC 3416), as docs/ASHA-MIB.txt describes them.

Nobody acknowledges a trap: all that is known is that it was sent.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.core.alert import one_line
from appliance.notify import ber
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
        ber.octets(notice.node),
        ber.octets(notice.host),
        ber.integer(alert.severity.value),
        ber.octets(one_line(alert.subject)),
        ber.octets(one_line(alert.text, _TEXT_LENGTH)),
        ber.integer(_TRUE if alert.over else _FALSE),
        ber.octets(notice.id),
    )
    bindings = (
        _binding(_SYS_UP_TIME, ber.integer(ticks & 0xFFFFFFFF, ber.TIME_TICKS)),
        _binding(_TRAP_OID, ber.object_id((*NOTIFICATIONS, alert.kind.value))),
        *(_binding((*OBJECTS, number, 0), value) for number, value in enumerate(objects, start=1)),
    )
    request = int(notice.id[:7], 16)
    numbers = (ber.integer(request), ber.integer(0), ber.integer(0))
    trap = ber.sequence(*numbers, ber.sequence(*bindings), tag=ber.TRAP_V2)
    return ber.sequence(ber.integer(_VERSION_2C), ber.octets(community), trap)


def _binding(name: tuple[int, ...], value: bytes) -> bytes:
    return ber.sequence(ber.object_id(name), value)


@dataclass(frozen=True, slots=True)
class Trap:
    """Way to the SNMP manager `server` (`host[:port]`); `now` returns the seconds since the last boot."""

    server: str
    now: Callable[[], float]
    community: str = field(default="public", repr=False)
    name: str = "trap"
    deadline: float = 15.0

    def send(self, notice: Notice) -> None:
        host, port = host_and_port(self.server, _PORT)
        data = packet(notice, self.community, int(self.now() * 100))
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                out.settimeout(self.deadline)
                out.sendto(data, (host, port))
        except OSError as problem:
            raise Undelivered(f"{self.server}: {problem.strerror or problem}") from problem
