"""The sensor for the cluster address: whether it is here.

Whether it is elsewhere too, the sensor for the LAN sees.
"""

from __future__ import annotations

import asyncio
import contextlib

from appliance.agent.context import NodeContext
from appliance.agent.rhythm import until_beat
from appliance.agent.sensors.readiness import Readable
from appliance.core.reading import Known, Unknown, is_known
from appliance.net.address import AddressWatch, read_address

_LOOK_PERIOD = 5.0


class AddressSensor:
    """The sensor that looks when the kernel reports a change of addresses, and now and then besides."""

    def __init__(self, context: NodeContext) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._clock = context.clock
        self._journal = context.journal
        self._change = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        while (
            not self._this_node.conf.cluster_ip
        ):  # a fresh installation has no address; a reload may bring one
            self.look()
            await self._next()
        watch = AddressWatch(self._this_node.conf.cluster_ip)
        ready = Readable(watch.fileno(), lambda: self._change.set() if watch.drain() else None)
        try:
            while True:
                self._change.clear()
                self.look()
                await self._next()
        finally:
            ready.close()
            watch.close()

    def look(self) -> None:
        """Write on the board whether the address is here; without a configured address that is Unknown."""
        conf = self._this_node.conf
        if not conf.cluster_ip:
            self._observations.address = Unknown("no cluster address is set (HACLUSTERIP)", self._clock.now())
            return
        before = self._observations.address
        self._observations.address = read_address(conf.device, conf.cluster_ip, self._clock.now())
        if isinstance(self._observations.address, Known) and not is_known(
            before, self._observations.address.value
        ):
            if isinstance(before, Known):
                says = "here" if self._observations.address.value else "gone"
                self._journal.note("address", says=says, device=conf.device)
            self._observations.notify_changed()

    async def _next(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(until_beat(_LOOK_PERIOD)):
                await self._change.wait()
