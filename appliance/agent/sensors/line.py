"""The telephone line as this node's spans show it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from appliance.agent.site import Site
from appliance.agent.world import World
from appliance.core.model import Line
from appliance.core.reading import Known, Reading, Unknown
from appliance.dahdi.line import read_line_quick
from appliance.host.clock import Clock

# While something moves, and while all is still; seconds. Reading is one small file in /proc a span.
_BUSY = 0.05
_IDLE = 0.75


class LineSensor:
    """Reads the spans' alarms, in a thread: a driver that hangs in /proc must not hang the agent."""

    def __init__(self, site: Site, world: World, clock: Clock, busy: Callable[[], bool]) -> None:
        self._site = site
        self._world = world
        self._clock = clock
        self._busy = busy

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            if self._site.transfer_policy.has_line:
                self._see(await asyncio.to_thread(self._read))
            await asyncio.sleep(_BUSY if self._busy() else _IDLE)

    def _read(self) -> Reading[Line]:
        conf = self._site.conf
        return read_line_quick(conf.dahdi_root, conf.card_spans, self._clock.now())

    def _see(self, reading: Reading[Line]) -> None:
        before = self._world.line
        self._world.line = reading
        if _word(before) != _word(reading):
            self._world.touch()


def _word(reading: Reading[Line]) -> object:
    return reading.value if isinstance(reading, Known) else Unknown
