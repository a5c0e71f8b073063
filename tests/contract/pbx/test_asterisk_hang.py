"""A hang is judged by all who ask, though the console is asked only now and then while all is well."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.agent.sensors import asterisk as sensor_module
from appliance.agent.sensors.asterisk import AsteriskSensor
from appliance.agent.this_node import ThisNode
from appliance.core.model import Node, Pbx
from appliance.core.reading import is_known
from appliance.host.clock import SystemClock
from appliance.pbx import service
from tests.plugins.agent_context import node_context

CLOCK = SystemClock()


def test_the_console_joins_as_soon_as_another_is_silent(
    asterisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All but never, while all is well: were it not asked out of turn, no verdict would come.
    monkeypatch.setattr(sensor_module, "CONSOLE_EVERY", 100_000)
    conf = replace(asterisk.conf, probe_period=0.2, probe_deadline=1.0)
    context = node_context(tmp_path, ThisNode(conf, Node.SECONDARY), CLOCK)
    site, world = context.this_node, context.observations

    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(100):
            while not holds():
                world.changed.clear()
                await world.changed.wait()

    def judged(state: Pbx) -> bool:
        return is_known(world.pbx(site.probe_policy, CLOCK.now()), state)

    async def body() -> None:
        sensing = asyncio.create_task(AsteriskSensor(context).run())
        await until(lambda: judged(Pbx.RUNNING))
        await until(lambda: all(record.ever_answered for record in world.probes.values()))
        # SIP alone would be judged after three times as long; all three together are what is tested here.
        monkeypatch.setattr("appliance.core.health.SIP_ALONE", 10_000)
        asterisk.signal(signal.SIGSTOP)
        await until(lambda: judged(Pbx.HUNG))
        sensing.cancel()
        await asyncio.gather(sensing, return_exceptions=True)

    service.start(conf, CLOCK)
    asyncio.run(body())
