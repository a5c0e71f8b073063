"""One run: a fresh rack, a contender brought home, one fault, and the marks seen from outside."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hwsim.bench.contender import Contender, Fault, bring_home, served_by
from hwsim.demo.marks import Marks, measure
from hwsim.demo.scenario import ScenarioFailed
from hwsim.nodes import RackError
from hwsim.rack import Rack
from hwsim.site import Site

_DEADLINE = 40.0
T = TypeVar("T")


class RunFailed(Exception):
    """A run could not be measured; the message says what did not come."""


@dataclass(frozen=True, slots=True)
class Run:
    """Run `number` (from 1) of a contender and a fault.

    `load` is the host's one-minute load average after the run. A run that failed has a `problem` and no
    marks.
    """

    contender: str
    fault: str
    number: int
    marks: Marks
    load: float
    problem: str = ""


async def play(contender: Contender, fault: Fault, number: int, runs: int, logs: Path) -> Run:
    """Play run `number` of `runs`. The nodes' logs are kept below `logs` when it fails."""

    async def scene(rack: Rack) -> Marks:
        await bring_home(contender, rack, (number - 0.5) / runs)
        struck = fault.strike(rack)
        await served_by(rack, "secondary", struck, _DEADLINE)
        return measure(rack, struck, "secondary")

    marks, problem = Marks(), ""
    try:
        marks = await on_fresh_rack(scene, logs / f"{contender.name}-{fault.name}-{number}", contender.site)
    except RunFailed as failure:
        problem = str(failure)
    return Run(contender.name, fault.name, number, marks, os.getloadavg()[0], problem)


async def on_fresh_rack(scene: Callable[[Rack], Awaitable[T]], logs: Path, site: Site | None = None) -> T:
    """Return what `scene` returns on a fresh rack, which is removed afterwards whatever happens.

    Raises RunFailed, after keeping the nodes' logs in `logs`.
    """
    rack = Rack(site or Site())
    try:
        await rack.up()
        return await scene(rack)
    except (ScenarioFailed, RackError) as problem:
        rack.keep_logs(logs)
        raise RunFailed(f"{problem} (logs: {logs})") from problem
    finally:
        await rack.down()
