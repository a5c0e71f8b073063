"""The sensor for the cluster's addresses: whether they are here.

Where there are two, the reading says whether any is: what is left of them must be let go of. Beside it stands which one
is missing: where the node serves, that one is wanted back. Whether one is elsewhere too, the sensor for the LAN sees.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from appliance.agent.context import NodeContext
from appliance.agent.rhythm import until_beat
from appliance.agent.sensors.readiness import Readable
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.net.address import AddressWatch, read_address

NO_ADDRESS_SET = "no cluster address is set (HACLUSTERIP, HACLUSTERIP6)"
_LOOK_PERIOD = 5.0


class AddressSensor:
    """The sensor that looks when the kernel reports a change of addresses, and now and then besides.

    `moved` is called when an address has come or gone.
    """

    def __init__(self, context: NodeContext, moved: Callable[[], None]) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._clock = context.clock
        self._journal = context.journal
        self._moved = moved
        self._change = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        while not self._this_node.conf.addresses:  # a fresh installation has none; a reload may bring one
            self.look()
            await self._next()
        watch = AddressWatch(*(address.ip for address in self._this_node.conf.addresses))
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
        """Write on the board what is here; without a configured address that is Unknown."""
        conf, now, observations = self._this_node.conf, self._clock.now(), self._observations
        if not conf.addresses:
            observations.address = Unknown(NO_ADDRESS_SET, now)
            return
        before, missed = observations.address, observations.address_missing
        found = {address.ip: read_address(conf.device, address.ip, now) for address in conf.addresses}
        missing = [ip for ip, here in found.items() if is_known(here, False)]
        unknown = next((here for here in found.values() if isinstance(here, Unknown)), None)
        observations.address = unknown or Known(len(missing) < len(found), now)
        observations.address_missing = ", ".join(missing) if len(missing) < len(found) else ""
        if _value(observations.address) in (None, _value(before)) and observations.address_missing == missed:
            return
        if isinstance(before, Known) and isinstance(observations.address, Known):
            gone = observations.address_missing or ("" if observations.address.value else "all")
            says = {"": "here", "all": "gone"}.get(gone, f"here, but for {gone}")
            self._journal.note("address", says=says, device=conf.device)
        self._moved()
        observations.notify_changed()

    async def _next(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(until_beat(_LOOK_PERIOD)):
                await self._change.wait()


def _value(reading: Reading[bool]) -> bool | None:
    return reading.value if isinstance(reading, Known) else None
