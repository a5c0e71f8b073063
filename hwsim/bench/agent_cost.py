"""The cost of the agent when nothing happens: memory, CPU, and how long its commands take."""

from __future__ import annotations

import asyncio

from hwsim.bench.family import only_process
from hwsim.bench.spread import Spread, once, spread
from hwsim.bench.stopwatch import timed
from hwsim.bench.usage import used
from hwsim.demo.scenario import Stage
from hwsim.rack import SIDES, Rack

_TRIES = 20
AGENT = r"asha agent$"
AGENT_FIGURES = (
    *(f"agent.{kind}_{side}" for kind in ("cpu", "own_cpu", "memory") for side in SIDES),
    "agent.asha_status",
    "agent.resource_status",
)
_RESOURCE = "/etc/ha.d/resource.d/asha"


async def agent_cost(rack: Rack) -> dict[str, Spread]:
    """Bring asha home on a fresh rack and measure AGENT_FIGURES.

    Units: seconds, MB (10⁶ bytes) and % of a core.
    """
    await Stage(rack, lambda words: None).home()
    await rack.pause(rack.site.move_dwell)  # wait until everything that follows a move is over
    figures = await _idle(rack)
    primary = rack.servers["primary"].node
    for name, argv in (
        ("asha_status", (rack.site.asha, "status")),
        ("resource_status", (_RESOURCE, "status")),
    ):
        times = spread(await timed(primary, *argv, tries=_TRIES))
        if times is not None:
            figures[f"agent.{name}"] = times
    return figures


async def _idle(rack: Rack) -> dict[str, Spread]:
    """Measure each side's agent and the programs it has started."""
    agents = {side: await asyncio.to_thread(only_process, rack.servers[side].node, AGENT) for side in SIDES}
    figures = {}
    for side, usage in (await used(rack, agents)).items():
        figures[f"agent.cpu_{side}"] = once(usage.cpu)
        figures[f"agent.own_cpu_{side}"] = once(usage.own_cpu)
        figures[f"agent.memory_{side}"] = once(usage.memory)
    return figures
