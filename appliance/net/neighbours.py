"""The other machines on the LAN: tell them where a cluster address is, and ask them who has it.

By ARP for an address of IPv4 (`net/arp.py`), by neighbour discovery for one of IPv6 (`net/ndp.py`).
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Sequence
from typing import Protocol

from appliance.core.errors import HostError
from appliance.core.ip_address import version_of
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.clock import Clock, SystemClock
from appliance.net.arp import ArpLink
from appliance.net.kernel import hardware_address
from appliance.net.ndp import NdpLink

_PROBES = 3  # RFC 5227 PROBE_NUM; spread over the time allowed


class Sighting(Protocol):
    """A machine that was heard. `reply`: it said so of `sender_ip`, rather than asked for another's address."""

    @property
    def reply(self) -> bool:
        """Whether it is an answer."""

    @property
    def sender_mac(self) -> bytes:
        """Its hardware address."""

    @property
    def sender_ip(self) -> str:
        """The address it speaks for."""


class NeighbourLink(Protocol):
    """An open way to ask the hosts on a LAN, and to hear them; nothing in it ever waits.

    Every method but `fileno` and `close` raises HostError when the device went away or is down.
    """

    def fileno(self) -> int:
        """Return a descriptor that is readable when something has come."""

    def ask(self, ip: str, own: str, mac: str = "") -> None:
        """Ask who has `ip`: everybody, or the host at `mac` alone. `own`: the asker's address, "" to claim none."""

    def announce(self, ip: str) -> None:
        """Tell everybody that `ip` is at this device."""

    def heard(self) -> Sequence[Sighting]:
        """Return who was heard since, at most a few dozen at once."""

    def close(self) -> None:
        """Close it; harmless when repeated."""


def open_link(device: str, ip: str) -> NeighbourLink:
    """Return a way to the hosts on `device`'s LAN for the family of `ip`. Raises HostError."""
    return NdpLink(device) if version_of(ip) == 6 else ArpLink(device)


def announce(device: str, ip: str) -> None:
    """Tell the LAN of `device` that `ip` is at its MAC.

    Call this only while `ip` belongs to this node; another call a second later does no harm and helps against loss.
    Raises HostError.
    """
    try:
        with contextlib.closing(open_link(device, ip)) as link:
            link.announce(ip)
    except HostError as problem:
        raise HostError(f"{ip} could not be announced on {device}: {problem}") from problem


def duplicated(
    device: str, ip: str, now: float, *, timeout: float = 1.0, clock: Clock | None = None
) -> Reading[str | None]:
    """Return the MAC of another machine that has `ip`, or None.

    None means that no machine answered within `timeout` seconds. The answer is right whether or not `ip` is
    on this node too. Blocks up to `timeout`. Unknown when `device` is down.
    """
    try:
        with contextlib.closing(open_link(device, ip)) as link:
            other = _probe(link, ip, timeout, clock or SystemClock())
    except HostError as problem:
        return Unknown(f"whether {ip} is elsewhere could not be asked on {device}: {problem}", now)
    return Known(other, now)


def own_macs() -> frozenset[str]:
    """Return the hardware address of every interface of this node.

    The kernel answers ARP for an address on any interface that hears the question, so a second interface on the same
    LAN answers for the address of the first.
    """
    found = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):  # it may have gone since
                found.add(hardware_address(asking, name))
    return frozenset(found)


def _probe(link: NeighbourLink, ip: str, timeout: float, clock: Clock) -> str | None:
    own, begin = own_macs(), clock.now()
    for attempt in range(_PROBES):
        link.ask(ip, "")
        other = _listen(link, ip, own, begin + timeout * (attempt + 1) / _PROBES, clock)
        if other is not None:
            return other
    return None


def _listen(link: NeighbourLink, ip: str, own: frozenset[str], until: float, clock: Clock) -> str | None:
    with selectors.DefaultSelector() as selector:
        selector.register(link, selectors.EVENT_READ)
        while (left := until - clock.now()) > 0:
            if not selector.select(left):
                continue
            for seen in link.heard():
                if seen.sender_ip == ip and (mac := seen.sender_mac.hex(":")) not in own:
                    return mac
    return None
