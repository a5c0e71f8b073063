"""A failover while people look: whether it is slower, and when viewers see that the relay has moved."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwsim.bench.contender import served_by
from hwsim.bench.panel.pair import SITE, PanelPair, Viewers
from hwsim.bench.panel.stream import Drawn
from hwsim.bench.play import RunFailed, on_fresh_rack
from hwsim.bench.spread import Spread, once, ratio, spread
from hwsim.demo.marks import Marks, measure
from hwsim.rack import SIDES, Rack

# The numbers of viewers on each node's panel.
COUNTS = (0, 1, 50)
_DEADLINE = 40.0
_SETTLE = 2.0  # seconds until the effects of the viewers' arrival are over
PHASES_WATCHED = ("relay_moved", "address_moved", "pbx_answering", "line_in_service")
WATCHED_FIGURES = (
    *(f"panel.{phase}_{count}" for phase in PHASES_WATCHED for count in COUNTS),
    *(f"panel.{phase}_ratio" for phase in PHASES_WATCHED),
    *(
        f"panel.{what}_{count}_{side}"
        for what in ("seen", "confirmed")
        for count in COUNTS[1:]
        for side in SIDES
    ),
    *(f"panel.seen_{count}" for count in COUNTS[1:]),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """Seconds from the relay's move to the first event that draws the relay at the secondary.

    `moved`: as the card was told, at least; `confirmed`: as the spans show.
    """

    moved: float
    confirmed: float


@dataclass(frozen=True, slots=True)
class Watched:
    """A run with `viewers` on each panel; `seen` by side. A failed run has a `problem` and no marks."""

    viewers: int
    number: int
    load: float
    marks: Marks = field(default_factory=Marks)
    seen: Mapping[str, Seen] = field(default_factory=dict)
    problem: str = ""


async def play_watched(viewers: int, number: int, runs: int, logs: Path) -> Watched:
    """Run `number` of `runs`: kill Asterisk on the primary of a fresh rack of RPMs.

    A run falls as far into Heartbeat's period with viewers as without, each number elsewhere. The nodes' logs
    are kept below `logs` when the run fails.
    """

    async def scene(rack: Rack) -> Watched:
        pair = await PanelPair.home(rack)
        await pair.log_in()
        async with pair.watched(viewers) as watching:
            await rack.pause(_SETTLE + rack.site.keepalive * (number - 0.5) / runs)
            struck = rack.kill_asterisk("primary")
            await served_by(rack, "secondary", struck, _DEADLINE)
            moved = rack.history.first("relay", "secondary", struck) or struck
            seen = {side: await _seen(each, moved) for side, each in watching.items()}
        return Watched(viewers, number, os.getloadavg()[0], measure(rack, struck, "secondary"), seen)

    try:
        return await on_fresh_rack(scene, logs / f"viewers-{viewers}-{number}", SITE)
    except RunFailed as failure:
        return Watched(viewers, number, os.getloadavg()[0], problem=str(failure))


def watched_figures(runs: Iterable[Watched]) -> dict[str, Spread]:
    """Return WATCHED_FIGURES, as far as measured: seconds, and how many times the unwatched median."""
    found: dict[str, Spread | None] = {}
    whole = [run for run in runs if not run.problem]
    by_count = {count: [run for run in whole if run.viewers == count] for count in COUNTS}
    for count, group in by_count.items():
        for phase in PHASES_WATCHED:
            found[f"panel.{phase}_{count}"] = spread(getattr(run.marks, phase) for run in group)
        for side in SIDES:
            seen = [run.seen[side] for run in group if side in run.seen]
            found[f"panel.seen_{count}_{side}"] = spread(each.moved for each in seen)
            found[f"panel.confirmed_{count}_{side}"] = spread(each.confirmed for each in seen)
        found[f"panel.seen_{count}"] = spread(each.moved for run in group for each in run.seen.values())
    for phase in PHASES_WATCHED:
        times = ratio(found[f"panel.{phase}_{COUNTS[-1]}"], found[f"panel.{phase}_0"])
        found[f"panel.{phase}_ratio"] = None if times is None else once(times)
    return {name: figure for name, figure in found.items() if figure is not None}


async def _seen(viewers: Viewers, moved: float) -> Seen:
    def drawn(told: dict[str, Any], *, surely: bool) -> bool:
        if told.get("at", 0.0) < moved:
            return False
        return Drawn(told["relay"], tuple(told["states"])).leads_to("secondary", surely=surely)

    first = await viewers.until(lambda told: drawn(told, surely=False), "the relay has moved")
    sure = await viewers.until(lambda told: drawn(told, surely=True), "the line is at the secondary")
    return Seen(first["at"] - moved, sure["at"] - moved)
