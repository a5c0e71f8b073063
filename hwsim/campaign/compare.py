"""Model and reality side by side: the same events with the same times in virtual time and on the rack."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hwsim.bench.play import RunFailed, on_fresh_rack
from hwsim.bench.spread import Spread, spread
from hwsim.campaign.compared import Event, Measure, Measures, overlap
from hwsim.demo.scenario import ScenarioFailed, Stage
from hwsim.rack import Rack
from hwsim.service_log import ServiceLog, recorded
from hwsim.site import Site
from hwsim.virtual.metal import BOOT
from hwsim.virtual.modelled import modelled

_MODEL_PLAYS = 20
_SITE = Site(boot_time=BOOT)  # Heartbeat's times are the rack's usual ones, to which the model is fitted

_Seen = dict[Event, list[Measures]]


async def compare(runs: int, at_once: int, out: Path, console: Console) -> bool:
    """Play each event `runs` times on the rack and some times in the model; print both; False when a play failed."""
    turns = asyncio.Semaphore(at_once)
    rack: _Seen = {event: [] for event in Event}
    problems: list[str] = []

    async def one(event: Event, number: int) -> None:
        async with turns:
            try:
                logs = out / f"compare-{event.name.lower()}-{number}"
                rack[event].append(await on_fresh_rack(lambda fresh: _played(event, fresh), logs, _SITE))
            except RunFailed as failure:
                problems.append(f"{event.value}: {failure}")

    await asyncio.gather(*(one(event, number) for number in range(runs) for event in Event))
    model = {event: [modelled(event, seed) for seed in range(_MODEL_PLAYS)] for event in Event}
    console.print(compared_table(model, rack))
    for problem in problems:
        console.print(f"FAILED: {problem}", highlight=False, markup=False)
    return not problems


def compared_table(model: _Seen, rack: _Seen) -> Table:
    """Return one row for each measure of each event, and whether the ranges overlap."""
    table = Table(title="model and rack, seconds: minimum / median / maximum (n)", title_justify="left")
    for head in ("event", "measure", "model", "rack", "ranges overlap"):
        table.add_column(head)
    for event in Event:
        for measure in Measure:
            seen = [_figure(each[event], measure) for each in (model, rack)]
            if any(seen):
                table.add_row(event.value, measure.value, *map(_words, seen), _overlap(*seen))
    return table


def _figure(plays: Iterable[Measures], measure: Measure) -> Spread | None:
    return spread(play.get(measure) for play in plays)


def _words(figure: Spread | None) -> str:
    if figure is None:
        return "-"
    return f"{figure.least:.2f} / {figure.median:.2f} / {figure.most:.2f} ({figure.count})"


def _overlap(model: Spread | None, rack: Spread | None) -> str:
    if model is None or rack is None:
        return "not measured"
    return "yes" if model.least <= rack.most and rack.least <= model.most else "NO"


async def _played(event: Event, rack: Rack) -> Measures:
    stage = Stage(rack, lambda text: None)
    await stage.home()
    async with recorded(rack) as log:
        match event:
            case Event.POWER_CUT:
                return await _taken(stage, rack.power_off("primary"))
            case Event.ASTERISK_KILLED:
                return await _taken(stage, rack.kill_asterisk("primary"))
            case Event.SPLIT:
                began = stage.now()
                stage.cut("primary")
                await rack.pause(event.seconds)
                return {Measure.GRANTED: _granted(rack, began) - began, **await _healed(stage, log, event)}
            case Event.APART:
                await _start_apart(stage, log)
                return await _healed(stage, log, event)


async def _start_apart(stage: Stage, log: ServiceLog) -> None:
    stage.rack.power_off("primary")
    await stage.until(lambda: log.serves("secondary"), 30, "the secondary serves")
    stage.cut("primary")
    await stage.rack.boot("primary")
    await stage.rack.start_agent("primary")
    await stage.ask(stage.primary, "ha", "start")
    await stage.until(lambda: log.serves("primary"), 40, "the primary serves apart")


async def _taken(stage: Stage, fault: float) -> Measures:
    await stage.until(
        lambda: stage.rack.first_answer("sip", "secondary", fault) is not None,
        40,
        "the secondary answers the telephones",
    )
    answers = stage.rack.first_answer("sip", "secondary", fault) or fault
    return {Measure.GRANTED: _granted(stage.rack, fault) - fault, Measure.ANSWERS: answers - fault}


async def _healed(stage: Stage, log: ServiceLog, event: Event) -> Measures:
    healed = stage.heal("primary")
    await stage.rack.pause(event.watched)
    looks = [(sample.at, len(sample.serving)) for sample in log.samples if sample.at >= healed]
    return overlap(looks, healed)


def _granted(rack: Rack, since: float) -> float:
    """Return when the secondary was granted service, by its journal. Raises ScenarioFailed."""
    for entry in rack.servers["secondary"].journal():
        if entry["kind"] == "grant" and entry["held"] and entry["at"] >= since:
            return float(entry["at"])
    raise ScenarioFailed("the secondary was not granted service")
