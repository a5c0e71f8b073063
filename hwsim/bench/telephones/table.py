"""The page of what telephones saw, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hwsim.bench.chart import Chart, Panel
from hwsim.bench.contender import Contender
from hwsim.bench.engines.table import BASELINE, section, when
from hwsim.bench.plays import Plays
from hwsim.bench.rounds import Row, Seen
from hwsim.bench.slower import OURS
from hwsim.bench.spread import Spread, spread
from hwsim.bench.telephones.rows import CALLS_IN, CALLS_OUT, ROWS

_HEAD = """\
# What telephones see

<!-- Written by `hwsim bench --only telephones`; do not edit. -->

Real Asterisks (Debian 11's 16.28, PJSIP) with {count} registered telephones and a trunk, under asha on both engines
and under its peers. Minimum / **median** / maximum in seconds, and in brackets how many times keepalived's median the
median is. Played {when} on {cores} cores (Linux {kernel}, {architecture}); Heartbeat {heartbeat}, Pacemaker
{pacemaker}, Corosync {corosync}, keepalived {keepalived}, all real. *load* is the machine's, its median over the
plays: five pairs share the cores, so every figure is an upper limit, and what counts is one beside the other. *n*
counts the plays that could be measured.

Ten times a second a telephone calls the trunk, and the trunk a telephone, each in turn. *without a call out*,
*without a call in*: the longest time between two calls that were answered. *every telephone was called*: from the
event until the trunk has reached each of them once more; what a node does not know of a telephone it learns when that
registers again, within a minute. *without the address*: the longest time in which nobody answered a ping at the
cluster address.

**Equal detection time**: each takes the other node for dead after {detection:g} s without a word (as in
[engine-figures.md](engine-figures.md), which says how, and has the telephone line).

{notes}

![Seconds without calls after each event, by contender]({picture})
"""

# What physics or which rule has asha take longer than keepalived, where it does.
_LONGER: Mapping[str, str] = {
    "telephones-killed": "asha's word goes through Heartbeat, which takes 0.1 to 0.2 s to pass it on while it moves "
    "service (seen on this rack), and Asterisk begins to boot on the other node when it arrives; keepalived sends its "
    "advert itself, at once.",
    "telephones-moved": "Heartbeat runs its scripts one after the other, and moves the address when those on the node "
    "that hands over have ended; keepalived moves it while they run.",
    "telephones-hung": "keepalived does not look whether Asterisk answers; what ended its silence was no failover.",
    "telephones-failback": "before Asterisk starts on the primary, asha fetches what the secondary has got in its last "
    "seconds, so that no message is lost ([ADR 11](adr/0011-the-way-back.md)). The peers bring no data.",
    "telephones-lan-cut": "asha waits LANDWELL (5 s) before service moves because of the LAN, so that a switch that is "
    "restarted moves nothing ([ADR 23](adr/0023-the-lan-is-an-input.md)).",
    "telephones-power-cut": "an engine that has missed its peer for the detection time gives up the old membership and "
    "runs its own scripts before it grants; keepalived has neither. A pair with a line starts Asterisk meanwhile, by "
    "the line's arrival ([engine-figures.md](engine-figures.md)); this one has none.",
}


def page(contenders: Sequence[Contender], plays: Plays[Seen], about: Mapping[str, Any]) -> str:
    """Return the page; `about` has the machine, the versions, the times and the `count` of telephones."""
    notes = "\n".join(f"- {one.name}: {one.note}" for one in contenders)
    parts = [_HEAD.format(when=when(plays), notes=notes, **about)]
    for row in _played(contenders, plays):
        parts += section(row, contenders, plays, _why_longer(row, contenders, plays))
    return "\n".join(parts)


def drawn(contenders: Sequence[Contender], plays: Plays[Seen]) -> Chart:
    """Return the picture of every event that was played."""
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
            for row in _played(contenders, plays)
        ],
    )


def _played(contenders: Sequence[Contender], plays: Plays[Seen]) -> Sequence[Row]:
    return [row for row in ROWS if any(plays.seen(row.name, one.name) for one in contenders)]


def _why_longer(row: Row, contenders: Sequence[Contender], plays: Plays[Seen]) -> str:
    """Return why asha takes longer than keepalived; "" where neither engine's calls wait longer."""
    ours = [one.name for one in contenders if one.name.startswith(OURS)]
    for figure in (CALLS_OUT, CALLS_IN):
        base = _spread(plays, row.name, BASELINE, figure)
        for own in (_spread(plays, row.name, one, figure) for one in ours):
            if own is not None and base is not None and own.median > base.median:
                return f"Where asha takes longer than keepalived: {_LONGER[row.name]}\n"
    return ""


def _spread(plays: Plays[Seen], row: str, who: str, figure: str) -> Spread | None:
    return spread(play.figures.get(figure) for play in plays.seen(row, who))
