"""The same moves by each relay that asha drives, beside the Rhino card: how long a command takes, and a failover.

Each relay is simulated behind its real interface: what the figures hold is the product's way to it and the protocol's
own time at its rate, and no coil. Rows and plays are those of the engines' page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from hwsim.bench.asha import Asha
from hwsim.bench.contender import Contender
from hwsim.bench.engines.rows import NO_PBX, PHASES
from hwsim.bench.engines.rows import ROWS as ENGINE_ROWS
from hwsim.bench.engines.table import section, when
from hwsim.bench.machine import machine, versions
from hwsim.bench.plays import Plays
from hwsim.bench.rounds import Comparison, Row, Seen, in_rounds
from hwsim.card.relays import DRIVERS
from hwsim.rack import Rack

RELAY_FIGURES = "relays"
RHINO = "rhino"
"""The card, by the vendor's tool: what the others are compared with."""
_NAME = "relay-figures"
_TALKED = ("lcus-text", "lcus-bytes", "lcus-samirob", "lcus-d0", "kmtronic-2")
"""Dialects of boards of which another is played."""
COMMAND, MEMORY, CPU = "command", "agent_memory_active", "agent_cpu_active"
_COMMAND_HEAD = "command to release, and its read-back"
_HEAD = """\
# The relays, one beside the other

<!-- Written by `hwsim bench --only relays`; do not edit. -->

Minimum / **median** / maximum in seconds, and in brackets how many times the Rhino card's median (by the vendor's
tool) the median is. Played {when} on {cores} cores (Linux {kernel}, {architecture}) under Heartbeat {heartbeat}.
**Every relay is simulated** behind its real interface, with no coil behind it: a real one takes some milliseconds
more. *load* is the machine's: all pairs share the cores, so what counts is one beside the other. *n* counts the plays
that were measured.

Each relay is named by its RELAYDRIVER ([hardware](hardware.md)). *relay moved*: from the event to the contact.
*{command}*: from the order to the answer, as the primary's agent notes it.
"""


def contenders() -> tuple[Contender, ...]:
    """Return asha with each relay; dialects of one board are played once."""
    return (_with(RHINO, ""), *(_with(driver, driver) for driver in DRIVERS if driver not in _TALKED))


def rows() -> tuple[Row, ...]:
    """Return the events: Asterisk is killed, an operator moves service, the power goes, and nothing happens."""
    known = {row.name: row for row in ENGINE_ROWS}
    moved = {**PHASES, NO_PBX: "without an answer"}
    with_command = {COMMAND: _COMMAND_HEAD, **moved}
    return (
        _told(replace(known["engines-killed"], name="relays-killed", figures=with_command)),
        _told(replace(known["engines-planned-move"], name="relays-planned-move", figures=with_command)),
        replace(known["engines-power-cut"], name="relays-power-cut", figures=moved),
        replace(
            known["engines-idle"],
            name="relays-idle",
            figures={MEMORY: "agent, active, MB", CPU: "agent, active, % of a core"},
        ),
    )


async def relay_figures(wanted: Sequence[Row], runs: int, out: Path, console: Console) -> bool:
    """Play each of `wanted` `runs` times with each relay; return False when a play failed.

    Plays that are in `out` already are not played again. relay-figures.md and .json are written there after each play.
    """
    compared = contenders()
    about: dict[str, Any] = {**machine(), **versions()}

    def written(plays: Plays[Seen]) -> str:
        return page(compared, plays, about)

    return await in_rounds(Comparison(_NAME, compared, written), wanted, runs, out, console)


def page(compared: Sequence[Contender], plays: Plays[Seen], about: Mapping[str, Any]) -> str:
    """Return the page; `about` has the machine and the versions."""
    parts = [_HEAD.format(when=when(plays), command=_COMMAND_HEAD, **about)]
    parts += [part for row in rows() for part in section(row, compared, plays, base_name=RHINO)]
    return "\n".join(parts)


def _with(name: str, relay: str) -> Contender:
    pair = Asha(name)
    pair.site = pair.site.with_relay(relay)
    return pair


def _told(row: Row) -> Row:
    """Return the same event with how long the order to release took, as the primary's journal has it."""

    async def play(contender: Contender, rack: Rack, part: float, turn: asyncio.Lock) -> Seen:
        began = rack.now()
        seen = await row.play(contender, rack, part, turn)
        return replace(seen, figures={**seen.figures, COMMAND: _release(rack, began)})

    return replace(row, play=play)


def _release(rack: Rack, since: float) -> float | None:
    """Return how long the first order to release took that ended after `since`, in seconds; None without one."""
    took = [
        entry["ms"] / 1000
        for entry in rack.servers["primary"].journal()
        if entry.get("kind") == "done" and entry.get("order") == "RELEASE" and entry["at"] >= since
    ]
    return took[0] if took else None
