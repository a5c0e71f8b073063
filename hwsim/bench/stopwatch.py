"""The time that a command takes on a node, without the time of entering the node."""

from __future__ import annotations

import json
import sys

from hwsim.demo.scenario import ScenarioFailed
from hwsim.nodes import Node

_STOPWATCH = """\
import json, subprocess, sys, time
times = []
for _ in range(int(sys.argv[1])):
    began = time.monotonic()
    subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL, check=True)
    times.append(time.monotonic() - began)
print(json.dumps(times))
"""


async def timed(node: Node, *argv: str, tries: int = 1, deadline: float = 60.0) -> list[float]:
    """Return the seconds of each try. Raises ScenarioFailed when one fails."""
    done = await node.run([sys.executable, "-IS", "-c", _STOPWATCH, str(tries), *argv], deadline)
    if not done.ok:
        raise ScenarioFailed(f"'{' '.join(argv)}' cannot be timed: {done.err.strip()[-300:]}")
    times: list[float] = json.loads(done.out)
    return times
