"""The view from outside of the pair: who answers on the cluster address, and since when."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hwsim.nodes.network import CLUSTER_ADDRESS, LAN, Network
from hwsim.nodes.outside_program import OutsideProgram

Kind = Literal["ping", "sip", "garp", "arp"]
_PROGRAM = Path(__file__).with_name("observer.py")
_START_DEADLINE = 5.0
_KEPT = 100_000  # about eight minutes of ping and SIP at 10 ms


@dataclass(frozen=True, slots=True)
class Sighting:
    """One observation at `t` monotonic seconds, from hardware address `mac`, speaking for `ip`."""

    t: float
    kind: Kind
    mac: str
    ip: str


class Outside:
    """The observer process in the outside namespace and everything it has seen, in order."""

    def __init__(self, network: Network, address: str = CLUSTER_ADDRESS, period: float = 0.010) -> None:
        self.events: list[Sighting] = []
        self._network = network
        self._address = address
        self._period = period
        self._observer = OutsideProgram("observer", self._saw)

    async def start(self) -> None:
        """Start to observe. The network must be up. Raises RackError."""
        argv = [sys.executable, "-IS", str(_PROGRAM), self._address, LAN, str(self._period)]
        await self._observer.start(self._network, argv, _START_DEADLINE)

    async def stop(self) -> None:
        """Stop to observe. Harmless when not started."""
        await self._observer.stop()

    def mac_of(self, node: str) -> str:
        """Return the hardware address with which a node ("primary", "secondary") answers on the service LAN."""
        return self._network.mac(node, LAN)

    def first(
        self, kind: Kind, after: float, mac: str | None = None, ip: str | None = None
    ) -> Sighting | None:
        """Return the first sighting of `kind` later than `after`, or None.

        Sightings of the cluster address count, unless `ip` names another.
        """
        wanted = ip or self._address
        for seen in later_than(self.events, after):
            if seen.kind == kind and seen.ip == wanted and mac in (None, seen.mac):
                return seen
        return None

    def last(self, kind: Kind, before: float, mac: str | None = None) -> Sighting | None:
        """Return the last sighting of `kind` earlier than `before`, for the cluster address."""
        for seen in reversed(self.events):
            if seen.t < before and seen.kind == kind and seen.ip == self._address and mac in (None, seen.mac):
                return seen
        return None

    async def wait_for(
        self, kind: Kind, after: float, mac: str | None = None, *, deadline: float, ip: str | None = None
    ) -> Sighting:
        """Return what `first` finds, waiting up to `deadline` seconds. Raises RackError when nothing comes."""
        of = f" from {mac}" if mac else ""
        what = f"{kind}{of} for {ip or self._address}"
        await self._observer.until(lambda: self.first(kind, after, mac, ip), deadline, what)
        seen = self.first(kind, after, mac, ip)
        assert seen is not None
        return seen

    def _saw(self, line: bytes) -> None:
        self.events.append(Sighting(**json.loads(line)))
        if len(self.events) > _KEPT:
            del self.events[: _KEPT // 2]


def later_than(events: list[Sighting], after: float) -> list[Sighting]:
    """Return the events later than `after`, oldest first, without reading those before."""
    start = len(events)
    while start > 0 and events[start - 1].t > after:
        start -= 1
    return events[start:]
