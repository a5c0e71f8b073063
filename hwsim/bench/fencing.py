"""What fencing changes: seconds with two that serve and with nobody, for each event and each way to be sure.

A pair is played without any fencing, with HAFENCE, with the line as Pacemaker's fence agent (HASTONITH), and with both.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from hwsim.bench.machine import machine
from hwsim.bench.play import on_fresh_rack
from hwsim.bench.plays import Play, Plays, Record, play_all
from hwsim.bench.spread import Spread, spread
from hwsim.demo.scenario import OTHER, Stage
from hwsim.nodes import Power
from hwsim.nodes.engines import HEARTBEAT, PACEMAKER, Engine
from hwsim.nodes.network import LINKS
from hwsim.power_switch import PROGRAM, PowerSwitch
from hwsim.rack import SIDES, Rack
from hwsim.service_log import ServiceLog, recorded
from hwsim.site import Site

FENCING = "fencing"
_NAME = "fencing-figures"
_HAFENCE = {"HAFENCE": f"{PROGRAM} --action=off", "HAFENCEWAIT": "10", "LANDWELL": "2"}
_HASTONITH = {"HASTONITH": "YES"}
_WITHIN = 60.0
_HEAD = """\
# What fencing changes

<!-- Written by `hwsim bench --only fencing`; do not edit. -->

Seconds, minimum / **median** / maximum of n plays on {cores} cores, several racks at a time: real Heartbeat, real
Corosync and Pacemaker, keepalive 0.2 s, deadtime 2 s, HAPING set, and with HAFENCE HAFENCEWAIT 10 s and LANDWELL 2 s
(5 s without); card, line, power switch and Asterisk are simulated. *two*: both nodes hold the cluster address and run
Asterisk (one that stands still serves nobody). *nobody*: no telephone is answered at the cluster address. Both are
counted until {watched:g} s after the last event. *line*: until the telephone line is in service again; 0 when it
stayed. *load*: the machine's, median: nodes and neighbours share the cores, so every figure is an upper limit, and what
counts is one beside the other.
[fencing.md](fencing.md) says what they mean.

"""


@dataclass(frozen=True, slots=True)
class Setup:
    """A way to be sure, or none: the engine and what the conf file has beside the usual."""

    name: str
    engine: Engine
    conf: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """An event. `strike` brings it about and returns when it began and from when two that serve count."""

    name: str
    title: str
    strike: Callable[[Rack], Awaitable[tuple[float, float]]]
    active: str = "primary"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a play has come to; None for a line that did not come back. `serving`: who serves at its end."""

    two: float
    nobody: float
    line: float | None
    serving: tuple[str, ...]
    load: float


async def _power_cut(rack: Rack) -> tuple[float, float]:
    began = rack.power_off("primary")
    return began, began


async def _secondary_cut(rack: Rack) -> tuple[float, float]:
    began = rack.power_off("secondary")
    return began, began


def _split(side: str) -> Callable[[Rack], Awaitable[tuple[float, float]]]:
    async def strike(rack: Rack) -> tuple[float, float]:
        began = rack.now()
        for link in LINKS:
            rack.servers[side].node.cut(link)
        await rack.pause(20.0)
        for link in LINKS:
            rack.servers[side].node.heal(link)
        return began, began

    return strike


async def _frozen(rack: Rack) -> tuple[float, float]:
    began = await rack.freeze("primary")
    await rack.pause(30.0)
    if rack.servers["primary"].node.power is Power.HUNG:
        return began, rack.thaw("primary")
    return began, rack.now()  # it was cut off while it stood still


SETUPS = (
    Setup("Heartbeat", HEARTBEAT),
    Setup("Pacemaker", PACEMAKER),
    Setup("Pacemaker, HAFENCE", PACEMAKER, _HAFENCE),
    Setup("Pacemaker, fence_asha", PACEMAKER, _HASTONITH),
    Setup("Pacemaker, fence_asha, HAFENCE", PACEMAKER, {**_HASTONITH, **_HAFENCE}),
)
EVENTS = (
    Event("fencing-power-cut", "the primary serves and loses its power", _power_cut),
    Event("fencing-secondary-cut", "the secondary serves and loses its power", _secondary_cut, "secondary"),
    Event("fencing-split", "the primary serves; all its cables are out for 20 s", _split("primary")),
    Event(
        "fencing-split-standby",
        "the primary serves; all cables of the secondary are out for 20 s",
        _split("secondary"),
    ),
    Event("fencing-frozen", "the primary serves and stands still for 30 s with its power on", _frozen),
)
_WATCHED = 20.0


async def _play(setup: Setup, event: Event, logs: Path) -> Seen:
    """Play `event` with `setup`. Raises RunFailed."""

    async def scene(rack: Rack) -> Seen:
        # The outlet of the node that is to take over; there is one at a time.
        outlet = PowerSwitch(rack, OTHER[event.active])
        await outlet.start()
        try:
            await _home(rack, event.active)
            async with recorded(rack) as log:
                began, two_since = await event.strike(rack)
                await rack.pause(_WATCHED)
                return _figures(rack, log, began, two_since)
        finally:
            await outlet.stop()

    site = Site().with_engine(setup.engine).with_conf({"HAPING": "10.77.0.50", **setup.conf})
    return await on_fresh_rack(scene, logs, site)


async def _home(rack: Rack, active: str) -> None:
    """Bring the pair up, with service at `active`. Raises ScenarioFailed."""
    stage = Stage(rack, lambda words: None)
    await stage.home_together(_WITHIN)
    for side in SIDES:
        await stage.until_status(rack.servers[side], _reaches_the_lan, _WITHIN, f"the {side} reaches the LAN")
    if active == "secondary":
        asked = rack.now()
        await stage.ask(stage.secondary, "takeover")
        await stage.moved(asked, "secondary", _WITHIN)
        await stage.until_status(stage.primary, _stands_by, _WITHIN, "the primary stands by")
    await rack.pause(5.0)  # what the move has begun comes to its end


def _reaches_the_lan(status: Mapping[str, Any]) -> bool:
    return status["lan"]["reached"]["value"] is True


def _stands_by(status: Mapping[str, Any]) -> bool:
    ready = status["fit"] and not status["doubts"]
    return bool(status["role"] == "standby" and ready and status["peer"]["alive"]["value"])


def _figures(rack: Rack, log: ServiceLog, began: float, two_since: float) -> Seen:
    lines = [one.at for one in rack.history.happenings if one.kind == "in_service" and one.at > began]
    lost = any(one.kind == "out_of_service" and one.at > began for one in rack.history.happenings)
    served = any(map(rack.in_service, SIDES))
    sample = log.samples[-1]
    return Seen(
        two=log.seconds_with_two(max(began, two_since)),
        nobody=log.seconds_with_nobody(began),
        line=None if not served else lines[0] - began if lines and lost else 0.0,
        serving=sample.serving,
        load=os.getloadavg()[0],
    )


async def fencing(events: Sequence[Event], runs: int, at_once: int, out: Path, console: Console) -> bool:
    """Play each of `events` `runs` times with each set-up, `at_once` plays at a time.

    The plays count with those that an earlier run has left in `out`, where fencing-figures.md and .json are written
    after each play. Returns False when one failed.
    """
    record = Record(out, _NAME, _restored, lambda plays: page(plays, machine()))
    plays = [
        Play(event.name, setup.name, number, partial(_play, setup, event))
        for number in range(1, runs + 1)
        for event in events
        for setup in SETUPS
    ]
    return await play_all(plays, record, at_once, console)


def _restored(seen: Mapping[str, Any]) -> Seen:
    return Seen(**{**seen, "serving": tuple(seen["serving"])})


def page(plays: Plays[Seen], about: Mapping[str, Any]) -> str:
    """Return the page of the documents, in Markdown."""
    rows = [
        _HEAD.format(cores=about["cores"], watched=_WATCHED),
        "| event | | two | nobody | line | who serves at the end | load | n |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for event in EVENTS:
        for setup in SETUPS:
            cells = (*_cells(plays.seen(event.name, setup.name)), plays.count(event.name, setup.name))
            title = event.title if setup is SETUPS[0] else ""
            rows.append(f"| {title} | {setup.name} | {' | '.join(cells)} |")
    return "\n".join(rows).replace("\n\n\n", "\n\n") + "\n"


def _cells(seen: Sequence[Seen]) -> tuple[str, ...]:
    ends = [" and ".join(one.serving) or "nobody" for one in seen]
    told = sorted({end if ends.count(end) == len(ends) else f"{end} ({ends.count(end)})" for end in ends})
    return (
        _span(spread(one.two for one in seen)),
        _span(spread(one.nobody for one in seen)),
        _span(spread(one.line for one in seen)),
        ", ".join(told) or "-",
        f"{statistics.median(one.load for one in seen):.0f}" if seen else "-",
    )


def _span(figure: Spread | None) -> str:
    if figure is None:
        return "not within the time"
    return f"{figure.least:.1f} / **{figure.median:.1f}** / {figure.most:.1f}"
