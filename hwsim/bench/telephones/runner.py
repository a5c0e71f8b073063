"""The plays of pairs of real Asterisks with telephones, in rounds, by asha on both engines and by its peers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from hwsim.asterisk import real
from hwsim.bench.asha import Asha
from hwsim.bench.chart import chart
from hwsim.bench.contender import Contender
from hwsim.bench.engines.runner import TIMES
from hwsim.bench.keepalived import Keepalived
from hwsim.bench.machine import machine, versions
from hwsim.bench.plain_heartbeat import PlainHeartbeat
from hwsim.bench.plain_pacemaker import PlainPacemaker
from hwsim.bench.plays import Plays
from hwsim.bench.rounds import Comparison, Row, Seen, in_rounds
from hwsim.bench.telephones.table import drawn, page
from hwsim.nodes import RackError
from hwsim.nodes.engines import HEARTBEAT, PACEMAKER
from hwsim.site import SYNCHRONISED, Site

TELEPHONES = "telephones"
COUNT = 50
_NAME = "measured"


def contenders(count: int = COUNT) -> tuple[Contender, ...]:
    """Return who is compared, each with `count` telephones and a trunk, at equal detection time."""
    pairs = (
        Asha("asha/Heartbeat", HEARTBEAT),
        Asha("asha/Pacemaker", PACEMAKER),
        Keepalived(TIMES["advert"]),
        PlainPacemaker(),
        PlainHeartbeat(),
    )
    for pair in pairs:
        pair.site = _with_telephones(pair.site, count)
    return pairs


async def telephone_figures(
    rows: Sequence[Row], runs: int, out: Path, console: Console, count: int = COUNT
) -> bool:
    """Play each of `rows` `runs` times by each contender, with `count` telephones; return False when a play failed.

    Plays that are in `out` already are not played again. measured.md, .json and .svg are written there after each play,
    with the number of telephones in their names when it is another one than COUNT.
    Raises RackError where no real Asterisk was made.
    """
    if not real.is_there():
        raise RackError(f"There is no Asterisk in {real.ROOT}: run 'make lab'.")
    compared = contenders(count)
    name = _NAME if count == COUNT else f"{_NAME}-{count}"
    about: dict[str, Any] = {**machine(), **versions(), **TIMES, "count": count, "picture": f"{name}.svg"}

    def written(plays: Plays[Seen]) -> str:
        return page(compared, plays, about)

    comparison = Comparison(name, compared, written, drawing=lambda plays: chart(drawn(compared, plays)))
    return await in_rounds(comparison, rows, runs, out, console)


def _with_telephones(site: Site, count: int) -> Site:
    """Return `site` with a real Asterisk; no span, for one needs the kernel's DAHDI; data are synchronised."""
    return replace(site, telephones=count).with_conf({"RHINOSPF": "NO", **SYNCHRONISED})
