"""The page of what telephones saw, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hwsim.bench.chart import Chart, Panel
from hwsim.bench.contender import Contender
from hwsim.bench.engines.table import section, when
from hwsim.bench.plays import Plays
from hwsim.bench.rounds import Seen
from hwsim.bench.spread import Spread, spread
from hwsim.bench.telephones.rows import ROWS

_HEAD = """\
# What telephones see

<!-- Written by `hwsim bench --only telephones`; do not edit. -->

Real Asterisks (Debian 11's 16.28, PJSIP) with {count} registered telephones and a trunk, under asha on both engines
and under its peers. Minimum / **median** / maximum in seconds, and in brackets how many times keepalived's median the
median is. Played {when} on {cores} cores (Linux {kernel}, {architecture}); Heartbeat {heartbeat}, Pacemaker
{pacemaker}, Corosync {corosync}, keepalived {keepalived}, all real. *load* is the machine's, its median over the
plays: four pairs share the cores, so every figure is an upper limit, and what counts is one beside the other. *n*
counts the plays that could be measured.

Ten times a second a telephone calls the trunk, and the trunk a telephone, each in turn. *without a call out*,
*without a call in*: the longest time between two calls that were answered. *every telephone was called*: from the
event until the trunk has reached each of them once more; what a node does not know of a telephone it learns when that
registers again, within a minute. *without the address*: the longest time in which nobody answered a ping at the
cluster address.

**Equal detection time**: each takes the other node for dead after {detection:g} s without a word (as in
[engine-figures.md](engine-figures.md), which says how, and has the telephone line).

{notes}

![Seconds without calls after each event, by contender](measured.svg)
"""


def page(contenders: Sequence[Contender], plays: Plays[Seen], about: Mapping[str, Any]) -> str:
    """Return the page; `about` has the machine, the versions, the times and the `count` of telephones."""
    notes = "\n".join(f"- {one.name}: {one.note}" for one in contenders)
    parts = [_HEAD.format(when=when(plays), notes=notes, **about)]
    parts += [part for row in ROWS for part in section(row, contenders, plays)]
    return "\n".join(parts)


def drawn(contenders: Sequence[Contender], plays: Plays[Seen]) -> Chart:
    """Return the picture of every event that was played."""
    played = [row for row in ROWS if any(plays.seen(row.name, one.name) for one in contenders)]
    return Chart(
        "What telephones see",
        "Seconds; equal detection time; real Asterisks and telephones",
        [one.name for one in contenders],
        [
            Panel(
                row.title,
                [
                    (head, [_spread(plays, row.name, one.name, figure) for one in contenders])
                    for figure, head in row.figures.items()
                ],
            )
            for row in played
        ],
    )


def _spread(plays: Plays[Seen], row: str, who: str, figure: str) -> Spread | None:
    return spread(play.figures.get(figure) for play in plays.seen(row, who))
