"""What the agent costs at home, when nothing happens: memory, CPU, and how long its commands take."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from hwsim.bench.spread import Spread, once, spread
from hwsim.demo.scenario import ScenarioFailed, Stage
from hwsim.nodes import Node
from hwsim.rack import SIDES, Rack

IDLE = 30.0
_TRIES = 20
_TICK = os.sysconf("SC_CLK_TCK")
AGENT_FIGURES = (
    *(f"agent.{kind}_{side}" for kind in ("cpu", "own_cpu", "memory") for side in SIDES),
    "agent.asha_status",
    "agent.resource_status",
)
_RESOURCE = "/etc/ha.d/resource.d/asha"
# Runs in the node, so that the way into it is no part of the figure: seconds of each try, as JSON.
_STOPWATCH = """\
import json, subprocess, sys, time
times = []
for _ in range(int(sys.argv[1])):
    began = time.monotonic()
    subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, check=True)
    times.append(time.monotonic() - began)
print(json.dumps(times))
"""


async def agent_cost(rack: Rack) -> dict[str, Spread]:
    """Bring asha home on a fresh rack and measure AGENT_FIGURES. Seconds, MB (10⁶ bytes) and % of a core."""
    await Stage(rack, lambda words: None).home()
    await rack.pause(rack.site.move_dwell)  # what follows a move is over
    figures = await _idle(rack)
    primary = rack.servers["primary"].node
    figures["agent.asha_status"] = await _timed(primary, rack.site.asha, "status")
    figures["agent.resource_status"] = await _timed(primary, _RESOURCE, "status")
    return figures


async def _idle(rack: Rack) -> dict[str, Spread]:
    """CPU over `IDLE` seconds, then resident memory, of each side's agent and whatever it has started."""
    agents = {side: await asyncio.to_thread(_agent, rack.servers[side].node) for side in SIDES}
    before = {side: (rack.now(), *_cpu_seconds(agent)) for side, agent in agents.items()}
    await rack.pause(IDLE)
    figures = {}
    for side, agent in agents.items():
        began, own_before, all_before = before[side]
        own, everything = _cpu_seconds(agent)
        percent = 100 / (rack.now() - began)
        figures[f"agent.cpu_{side}"] = once((everything - all_before) * percent)
        figures[f"agent.own_cpu_{side}"] = once((own - own_before) * percent)
        figures[f"agent.memory_{side}"] = once(sum(map(_resident, _family(agent))) / 1e6)
    return figures


async def _timed(node: Node, *argv: str) -> Spread:
    done = await node.run([sys.executable, "-IS", "-c", _STOPWATCH, str(_TRIES), *argv], 60)
    times = spread(json.loads(done.out)) if done.ok else None
    if times is None:
        raise ScenarioFailed(f"'{' '.join(argv)}' cannot be timed: {done.err.strip()[-300:]}")
    return times


def _agent(node: Node) -> Path:
    """The agent's directory in the node's /proc."""
    pids = node.pids(r"asha agent$")
    if len(pids) != 1:
        raise ScenarioFailed(f"on {node.hostname} run {len(pids)} agents, not one")
    return node.path("/proc") / str(pids[0])


def _family(process: Path) -> Iterator[Path]:
    """A process and its living descendants."""
    yield process
    for task in (process / "task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(process.with_name(child))


def _cpu_seconds(agent: Path) -> tuple[float, float]:
    """User and system time of the agent alone, and with every program it has started, dead or alive; proc(5)."""
    own = sum(_ticks(agent)[:2])
    everything = sum(sum(_ticks(process)) for process in _family(agent))
    return own / _TICK, everything / _TICK


def _ticks(process: Path) -> list[int]:
    """utime, stime, and those of the children it has waited for."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return [int(field) for field in fields[11:15]]


def _resident(process: Path) -> int:
    """VmRSS in bytes."""
    status = (process / "status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
