"""What happens to every pair, and the figures of it: seconds as seen from outside, shares of a core, MB."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from hwsim.bench.contender import FAULTS, Contender, served_by
from hwsim.bench.family import first_processes
from hwsim.bench.rounds import Row, Seen, seen_now, silences
from hwsim.bench.usage import used
from hwsim.demo.marks import measure
from hwsim.nodes.network import LINKS
from hwsim.rack import SIDES, Rack
from hwsim.service_log import recorded

_WITHIN = 40.0
APART, WATCHED = 10.0, 30.0
IDLE = 10.0
_STAGGER = 3.0  # until the bursts of work with which one pair meets a split are over
_BREATH = 0.3  # what follows a telephone's first answer in the nodes at once
_OUTAGE = 0.5  # a telephone asks again after that (RFC 3261, timer T1); shorter silences are a busy machine's

ROLES = {"primary": "active", "secondary": "standby"}
PHASES: Mapping[str, str] = {
    "relay_moved": "relay moved",
    "address_moved": "address moved",
    "pbx_answering": "PBX answers there",
    "line_in_service": "line in service",
}
NO_ADDRESS, NO_PBX = "no_address", "no_pbx"
TWO, NOBODY, LINE, MOVES, SERVES = "two", "nobody", "line", "moves", "one_serves"


def _moved_by(
    strike: Callable[[Contender, Rack], Awaitable[float]],
) -> Callable[[Contender, Rack, float, asyncio.Lock], Awaitable[Seen]]:
    async def play(contender: Contender, rack: Rack, part: float, turn: asyncio.Lock) -> Seen:
        async with turn:
            await rack.pause(contender.period * part)
            struck = await strike(contender, rack)
            await rack.history.wait(
                lambda: rack.first_answer("sip", "secondary", struck) is not None, _WITHIN
            )
            await rack.pause(_BREATH)
        await served_by(rack, "secondary", struck, _WITHIN)  # the line holds itself back for seconds
        marks = measure(rack, struck, "secondary")
        return seen_now(
            {
                **{phase: getattr(marks, phase) for phase in PHASES},
                NO_ADDRESS: max(silences(rack, "ping", struck), default=None),
                NO_PBX: max(silences(rack, "sip", struck), default=None),
            }
        )

    return play


async def _planned(contender: Contender, rack: Rack) -> float:
    return await contender.hand_over(rack, "primary")


async def _killed(_contender: Contender, rack: Rack) -> float:
    return FAULTS[0].strike(rack)


async def _power_cut(_contender: Contender, rack: Rack) -> float:
    return FAULTS[1].strike(rack)


async def _split(_contender: Contender, rack: Rack, _part: float, turn: asyncio.Lock) -> Seen:
    node = rack.servers["primary"].node
    async with recorded(rack) as log:
        async with turn:
            began = rack.now()
            for link in LINKS:
                node.cut(link)
            await rack.pause(_STAGGER)
        await rack.pause(began + APART - rack.now())
        for link in LINKS:
            node.heal(link)
        await rack.pause(WATCHED)
        happened = [one for one in rack.history.happenings if one.at >= began]
        back = [one.at - began for one in happened if one.kind == "in_service"]
        left = any(one.kind == "out_of_service" for one in happened)
        sample = log.samples[-1]
        return seen_now(
            {
                TWO: log.seconds_with_two(began),
                NOBODY: sum(gap for gap in silences(rack, "sip", began) if gap > _OUTAGE),
                LINE: (back[-1] if back and any(map(rack.in_service, SIDES)) else None) if left else 0.0,
                MOVES: float(sum(one.kind == "relay" for one in happened)),
                SERVES: float(len(sample.serving) == 1 and sample.answered == sample.serving),
            }
        )


async def _idle(contender: Contender, rack: Rack, _part: float, _turn: asyncio.Lock) -> Seen:
    processes, without = await asyncio.to_thread(_processes, contender, rack)
    figures: dict[str, float | None] = {}
    for name, use in (await used(rack, processes, IDLE, without)).items():
        part, side, _ = name.split(" ", 2)
        for kind, value in (("cpu", use.cpu), ("memory", use.memory)):
            figure = f"{part}_{kind}_{ROLES[side]}"
            figures[figure] = (figures.get(figure) or 0.0) + value
    return seen_now(figures)


def _processes(contender: Contender, rack: Rack) -> tuple[dict[str, Path], set[Path]]:
    """Return each process of the contender's parts, named by part, side and place in /proc; and what does not count."""
    found: dict[str, Path] = {}
    without: set[Path] = set()
    for part, side in itertools.product(contender.parts, SIDES):
        node = rack.servers[side].node
        for pattern in part.processes:
            found |= {f"{part.name} {side} {process}": process for process in first_processes(node, pattern)}
        for pattern in part.without:
            without |= {node.path("/proc") / str(pid) for pid in node.pids(pattern)}
    return found, without


_MOVED = {**PHASES, NO_ADDRESS: "without the address", NO_PBX: "without an answer"}
_COSTS = {
    f"{part}_{name}_{role}": f"{part}, {role}, {unit}"
    for name, unit in (("cpu", "% of a core"), ("memory", "MB"))
    for part in ("engine", "agent")
    for role in ROLES.values()
}
ROWS: tuple[Row, ...] = (
    Row(
        "engines-planned-move",
        "planned move: an operator has the primary hand over",
        _MOVED,
        _moved_by(_planned),
        32,
    ),
    Row("engines-killed", "Asterisk is killed on the primary (SIGKILL)", _MOVED, _moved_by(_killed), 40),
    Row("engines-idle", f"idle: use of processor and memory over {IDLE:g} s", _COSTS, _idle, 30),
    Row(
        "engines-split",
        f"split: all cables of the primary are out for {APART:g} s, then in again",
        {
            TWO: "two serve",
            NOBODY: "nobody answers",
            LINE: "line in service again",
            MOVES: "relay moves",
            SERVES: "one serves at the end",
        },
        _split,
        70,
    ),
    Row("engines-power-cut", "the primary loses its power", _MOVED, _moved_by(_power_cut), 50),
)
