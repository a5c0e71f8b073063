"""The orderly start and stop of the cluster engine: what this node holds is let go of around them."""

from __future__ import annotations

import asyncio

from appliance.agent.context import NodeContext
from appliance.agent.cycle import Cycle
from appliance.agent.engine_control import EngineControl
from appliance.agent.sensors.engine import EngineSensor
from appliance.core.engine_traits import ENGINE
from appliance.core.errors import HardwareError
from appliance.core.release import stop_fails
from appliance.core.timing import STOP_PATIENCE


class EngineOrders:
    """Start and stop of the engine with the node's own release around them."""

    def __init__(
        self, context: NodeContext, engine: EngineControl, sensor: EngineSensor, cycle: Cycle
    ) -> None:
        self._clock = context.clock
        self._engine = engine
        self._sensor = sensor
        self._cycle = cycle

    async def start(self) -> None:
        """Write the engine's files, let go of whatever runs here, and start the engine.

        Raises UserError or HostError when the engine cannot be prepared, HardwareError when the line cannot be let go,
        ClusterError when the engine does not run then.
        """
        await self._engine.prepare()
        self._cycle.clear_node(f"before {ENGINE} is started")
        await self.released()
        await self._engine.start()

    async def stop(self, *, leaving: bool = False) -> bool:
        """Stop the engine, `leaving` as in EngineControl; return whether it has heeded that.

        When it has not, everything is let go of here.

        Raises ClusterError when it cannot be ended, HardwareError when the line cannot be let go.
        """
        heeded = await self._engine.stop(leaving=leaving)
        if not heeded:
            self._sensor.look()
            self._cycle.turn()
            await self.released()
        return heeded

    async def released(self) -> None:
        """Wait until everything is let go. Raises HardwareError only when the line cannot be let go."""
        try:
            async with asyncio.timeout(STOP_PATIENCE):
                await self._cycle.released.wait()
        except TimeoutError:
            pass
        transfer = self._cycle.state.transfer
        if transfer is not None and self.stop_fails():
            raise HardwareError(f"Stop fails on purpose: {transfer.note}.")

    def stop_fails(self) -> bool:
        """Tell whether a stop of the resource is to fail on purpose, since the line cannot be let go."""
        now = self._clock.now()
        return stop_fails(self._cycle.state.transfer, self._cycle.seen(now), now)
