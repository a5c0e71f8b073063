"""The look at the disks that asha and Asterisk write to.

A standby with a disk that takes nothing is not known to be ready (`core/fitness.py`).
"""

from __future__ import annotations

import asyncio

from appliance.agent.components.component import Component
from appliance.agent.context import NodeContext
from appliance.agent.rhythm import until_beat
from appliance.core.errors import AshaError
from appliance.core.host_check.finding import Level
from appliance.core.host_check.machine import judge_disks
from appliance.host.worker_thread import WorkerThread
from appliance.pbx.disk_space import read_rooms

_LOOK = 20.0
# A disk that has not answered for so long hangs, in seconds.
_PATIENCE = 10.0


class DiskSpace(Component):
    """The component that looks for room now and then, in a thread of its own, as `asha check` does."""

    def __init__(self, context: NodeContext) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._worker = WorkerThread("disk space", "The look at the disks that Asterisk writes to")

    async def run(self) -> None:
        """Look repeatedly, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(until_beat(_LOOK))

    async def look(self) -> None:
        """Look once."""
        conf = self._this_node.conf
        try:
            found = await self._worker.do(lambda: judge_disks(read_rooms(conf)), _PATIENCE)
        except (AshaError, OSError) as problem:
            self._observations.disks = (str(problem).rstrip("."),)
        else:
            # What is only a warning to `asha check` hurts in some event, and service could go on with it for long.
            self._observations.disks = (found.says.rstrip("."),) if found.level == Level.ERROR else ()
