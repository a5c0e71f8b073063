"""What the agent costs at home, when nothing happens: memory, CPU, and how long its commands take."""

from __future__ import annotations

import asyncio

from hwsim.bench.family import cpu_seconds, family, only_process, resident
from hwsim.bench.spread import Spread, once, spread
from hwsim.bench.stopwatch import timed
from hwsim.demo.scenario import Stage
from hwsim.rack import SIDES, Rack

IDLE = 30.0
_TRIES = 20
_AGENT = r"asha agent$"
AGENT_FIGURES = (
    *(f"agent.{kind}_{side}" for kind in ("cpu", "own_cpu", "memory") for side in SIDES),
    "agent.asha_status",
    "agent.resource_status",
)
_RESOURCE = "/etc/ha.d/resource.d/asha"


async def agent_cost(rack: Rack) -> dict[str, Spread]:
    """Bring asha home on a fresh rack and measure AGENT_FIGURES. Seconds, MB (10⁶ bytes) and % of a core."""
    await Stage(rack, lambda words: None).home()
    await rack.pause(rack.site.move_dwell)  # what follows a move is over
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
    """CPU over `IDLE` seconds, then resident memory, of each side's agent and whatever it has started."""
    agents = {side: await asyncio.to_thread(only_process, rack.servers[side].node, _AGENT) for side in SIDES}
    before = {side: (rack.now(), *cpu_seconds(agent)) for side, agent in agents.items()}
    await rack.pause(IDLE)
    figures = {}
    for side, agent in agents.items():
        began, own_before, all_before = before[side]
        own, everything = cpu_seconds(agent)
        percent = 100 / (rack.now() - began)
        figures[f"agent.cpu_{side}"] = once((everything - all_before) * percent)
        figures[f"agent.own_cpu_{side}"] = once((own - own_before) * percent)
        figures[f"agent.memory_{side}"] = once(sum(map(resident, family(agent))) / 1e6)
    return figures
