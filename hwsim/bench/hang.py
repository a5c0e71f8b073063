"""Whether a hang of Asterisk is decided in time, and never without one: a real Asterisk under load, and stopped.

Load: telephones that register again and again, calls, and programs that keep every processor busy. What asking Asterisk
costs is measured before, on the same pair at rest, at two periods.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hwsim.bench.agent_cost import AGENT
from hwsim.bench.family import only_process
from hwsim.bench.machine import machine
from hwsim.bench.play import RunFailed, on_fresh_rack
from hwsim.bench.spread import Spread, spread
from hwsim.bench.usage import used
from hwsim.demo.scenario import ScenarioFailed, Stage
from hwsim.rack import Rack
from hwsim.site import Site
from hwsim.telephones import Telephones

HANG = "hang"
MOST_SECONDS = 2.5  # from the hang until it is decided; wanted by the issue
_TELEPHONES = 300
_REGISTER_EACH, _CALL_EACH = 5.0, 0.1  # seconds
_HOGS = 8
_LOOK_EACH = 10.0
_WITHIN = 60.0  # for each step of a pair that starts, and for a decision
_PERIODS = ("1", "500ms")  # the last one is the default
_NO_LINE = {"RHINOSPF": "NO"}  # a real Asterisk has no span on the rack


@dataclass(frozen=True, slots=True)
class Cost:
    """What asking costs while nothing happens, in % of a core."""

    period: str
    agent: float
    asterisk: float


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of the load. `alarms`: what the agent decided without any fault, in its words.

    `silences`: the most questions in a row that a probe got no answer to, at any look; `slowest`: the longest answer
    that was seen, in milliseconds. `decided`: from SIGSTOP, at the end of the load, until the decision.
    """

    seconds: float
    registrations: int
    calls: int
    failed: int
    alarms: tuple[str, ...]
    silences: int
    slowest: float
    load: float
    decided: float


async def hang(runs: int, seconds: float, out: Path, console: Console) -> bool:
    """Measure `runs` hangs at rest and one at the end of `seconds` under load; write `out`/hang.json, and print.

    Returns False when something could not be measured or a target was missed. Raises NodeError without a real Asterisk.
    """
    about, logs = machine(), out / "logs" / HANG
    site = Site(telephones=_TELEPHONES).with_conf(_NO_LINE)
    try:
        costs, loaded = await on_fresh_rack(lambda rack: _under_load(rack, seconds), logs / "load", site)
        few = Site(telephones=10).with_conf(_NO_LINE)
        decided = [
            await on_fresh_rack(_at_rest, logs / f"rest-{number}", few) for number in range(1, runs + 1)
        ]
    except RunFailed as failure:
        console.print(f"FAILED: {failure}", style="bold red", highlight=False, markup=False)
        return False
    found = spread(decided)
    report = {
        "machine": about,
        "cost": [asdict(cost) for cost in costs],
        "loaded": asdict(loaded),
        "decided_at_rest": None if found is None else found.rounded(),
    }
    await asyncio.to_thread(_write, out / "hang.json", report)
    console.print(_table(costs, loaded, found))
    late = max(loaded.decided, found.most if found else 0.0) > MOST_SECONDS
    return not (loaded.alarms or late)


def _write(place: Path, report: dict[str, Any]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(report, indent=2) + "\n")


async def _at_rest(rack: Rack) -> float:
    stage, phones = await _home(rack)
    await _all_registered(phones, rack.now())
    return await _stopped(stage)


async def _under_load(rack: Rack, seconds: float) -> tuple[list[Cost], Loaded]:
    stage, phones = await _home(rack)
    costs = [await _cost(stage, period) for period in _PERIODS]
    await _all_registered(phones, rack.now())
    with hogs(seconds):
        began = rack.now()
        async with busy(phones):
            silences, slowest = await _watched(stage, began + seconds)
            ended = rack.now()
            decided = await _stopped(stage)
    return costs, Loaded(
        round(ended - began, 1),
        _count(phones, "registered", began, ended),
        _count(phones, "call", began, ended),
        _count(phones, "call failed", began, ended),
        tuple(_decisions(stage, began, ended)),
        silences,
        slowest,
        machine()["load"][0],
        decided,
    )


def _count(phones: Telephones, what: str, began: float, ended: float) -> int:
    return sum(event.t < ended for event in phones.since(began, what))


async def _home(rack: Rack) -> tuple[Stage, Telephones]:
    stage = Stage(rack, lambda words: None)
    await stage.home_together(_WITHIN)
    if rack.telephones is None:
        raise ScenarioFailed("this rack has no telephones")
    return stage, rack.telephones


async def _all_registered(phones: Telephones, after: float) -> None:
    phones.register(_REGISTER_EACH)
    await phones.until(lambda: len(phones.registered(after)) == phones.count, _WITHIN, "every telephone")


async def _cost(stage: Stage, period: str) -> Cost:
    """Return what asking each `period` costs the agent and Asterisk on the primary."""
    for server in (stage.primary, stage.secondary):
        await stage.ask(server, "conf", "set", "PROBEPERIOD", period, "PROBEDEADLINE", period)
        server.signal_agent(signal.SIGHUP)
    node = stage.primary.node
    processes = {"agent": only_process(node, AGENT), "asterisk": node.path("/proc") / str(_asterisk(stage))}
    usage = await used(stage.rack, processes)
    return Cost(period, round(usage["agent"].cpu, 3), round(usage["asterisk"].own_cpu, 3))


def _asterisk(stage: Stage) -> int:
    pid = stage.primary.asterisk_pid()
    if pid is None:
        raise ScenarioFailed("Asterisk does not run on the primary")
    return pid


@contextlib.contextmanager
def hogs(seconds: float) -> Iterator[None]:
    """Keep every processor busy meanwhile; each ends by itself, should nobody end it."""
    longest = f"signal.alarm({int(seconds + 2 * _WITHIN)})"
    words = [sys.executable, "-c", f"import signal; {longest}\nwhile True: pass"]
    running = [subprocess.Popen(words) for _ in range(_HOGS)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


@contextlib.asynccontextmanager
async def busy(phones: Telephones) -> AsyncIterator[None]:
    """Have every telephone register again and again, and calls made."""

    async def register() -> None:
        while True:
            phones.register(_REGISTER_EACH)
            await asyncio.sleep(_REGISTER_EACH)

    phones.call(_CALL_EACH)
    again = asyncio.create_task(register())
    try:
        yield
    finally:
        again.cancel()
        phones.call(0)


async def _watched(stage: Stage, until: float) -> tuple[int, float]:
    """Look at the probes now and then; return the most silences in a row and the slowest answer, in milliseconds."""
    silences, slowest = 0, 0.0
    while stage.now() < until:
        await stage.rack.pause(min(_LOOK_EACH, max(0.0, until - stage.now())))
        status = await stage.primary.status()
        probes: list[dict[str, Any]] = list(status["probes"].values()) if status else []
        silences = max(silences, *(probe["silences"] for probe in probes), 0)
        slowest = max(slowest, *(probe["ms"] or 0.0 for probe in probes), 0.0)
    return silences, slowest


def _decisions(stage: Stage, began: float, ended: float) -> list[str]:
    return [
        f"{entry['act']}: {entry['reason']}"
        for entry in stage.primary.journal()
        if entry["kind"] == "decision" and began <= entry["at"] < ended
    ]


async def _stopped(stage: Stage) -> float:
    """Stop the primary's Asterisk as a hang; return the seconds until the agent's decision."""
    fault = stage.rack.kill_asterisk("primary", signal.SIGSTOP)
    while not (found := _hung(stage, fault)):
        if stage.now() - fault > _WITHIN:
            raise ScenarioFailed(f"no hang was decided within {_WITHIN:g} s")
        await stage.rack.pause(0.05)
    return round(found[0] - fault, 3)


def _hung(stage: Stage, after: float) -> list[float]:
    return [
        entry["at"]
        for entry in stage.primary.journal()
        if entry["kind"] == "decision" and entry["at"] >= after and entry.get("pbx") == "hung"
    ]


def _table(costs: list[Cost], loaded: Loaded, rest: Spread | None) -> Table:
    table = Table(title="a hang of a real Asterisk, decided", title_justify="left")
    table.add_column("what")
    table.add_column("measured", justify="right")
    for cost in costs:
        table.add_row(
            f"PROBEPERIOD={cost.period}, at rest: agent, Asterisk, share of a core",
            f"{cost.agent:.2f} %, {cost.asterisk:.2f} %",
        )
    words = (
        f"{_TELEPHONES} telephones, {loaded.registrations} registrations, {loaded.calls} calls, {_HOGS} hogs"
    )
    table.add_row(f"{loaded.seconds:g} s of load ({words}): false alarms", str(len(loaded.alarms)))
    table.add_row("… calls that failed", str(loaded.failed))
    table.add_row("… silences in a row, slowest answer seen", f"{loaded.silences}, {loaded.slowest:g} ms")
    table.add_row("… then stopped: decided after (wanted: 2.5 s)", f"{loaded.decided:.2f} s")
    if rest is not None:
        shown = f"{rest.median:.2f} ({rest.least:.2f} to {rest.most:.2f}) s"
        table.add_row(f"stopped at rest, n={rest.count}: decided after (wanted: 2.5 s)", shown)
    return table
