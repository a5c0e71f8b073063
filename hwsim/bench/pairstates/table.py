"""The table of the pair's events, for the terminal and as a page of the documents."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from hwsim.bench.pairstates.peers import PEERS
from hwsim.bench.pairstates.stories import Story
from hwsim.bench.plays import Plays
from hwsim.bench.spread import Spread, spread

_HEADS = ("two serve, s", "nobody, s", "relay moves", "one serves at the end", "load")
_PAGE = """\
# Events of the pair, beside plain Heartbeat

<!-- Written by `hwsim bench --only pair-states`; do not edit. -->

Minimum / **median** / maximum of the plays of each event, by asha and by plain Heartbeat in the same run, several racks
at a time on {cores} cores: real Heartbeat {heartbeat} on both sides, keepalive 0.2 s, deadtime 2 s; card, line and
Asterisk are simulated. *Plain Heartbeat* has the address and one shell resource, which moves the relay and starts the
same Asterisk; nothing watches Asterisk there. Seconds are counted from the first event until {watched} s after the last
one: *two serve* while both hold the cluster address and run Asterisk (a node that stands still serves nobody), *nobody*
while no telephone is answered. *load* is the machine's, median, n beside it: racks and neighbours that share two cores
make every figure an upper limit; what counts is one beside the other.

"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one play has come to.

    `one_serves`: exactly one node serves and answers at the end. `load`: the machine's one-minute load average.
    """

    two: float
    nobody: float
    moves: int
    one_serves: bool
    load: float


def table(stories: Sequence[Story], plays: Plays[Figures]) -> Table:
    """Return the table for the terminal."""
    shown = Table(title="events of the pair: minimum / median / maximum", title_justify="left")
    shown.add_column("event")
    shown.add_column("")
    for head in _HEADS:
        shown.add_column(head, justify="right")
    for story in stories:
        for peer in PEERS:
            cells = _cells(plays, story.name, peer.name)
            shown.add_row(story.name, peer.name, *(cell.replace("**", "") for cell in cells))
    return shown


def page(stories: Sequence[Story], plays: Plays[Figures], about: Mapping[str, Any]) -> str:
    """Return the page of the documents, in Markdown."""
    watched = sorted({story.watched for story in stories})
    text = _PAGE.format(
        cores=about["cores"],
        heartbeat=about["heartbeat"],
        watched=f"{watched[0]:g} to {watched[-1]:g}",
    )
    rows = [f"| event | | {' | '.join(_HEADS)} |", f"|---|---|{'---|' * len(_HEADS)}"]
    for story in stories:
        for peer in PEERS:
            cells = " | ".join(_cells(plays, story.name, peer.name))
            rows.append(f"| {story.title if peer is PEERS[0] else ''} | {peer.name} | {cells} |")
    return text + "\n".join(rows) + "\n"


def _cells(plays: Plays[Figures], story: str, peer: str) -> tuple[str, ...]:
    seen = plays.seen(story, peer)
    return (
        _span(spread(one.two for one in seen)),
        _span(spread(one.nobody for one in seen)),
        _span(spread(float(one.moves) for one in seen), 0),
        f"{sum(one.one_serves for one in seen)} of {len(seen)}",
        f"{statistics.median(one.load for one in seen):.0f} (n={plays.count(story, peer)})" if seen else "-",
    )


def _span(figure: Spread | None, digits: int = 1) -> str:
    if figure is None:
        return "-"
    return " / ".join(
        (f"{figure.least:.{digits}f}", f"**{figure.median:.{digits}f}**", f"{figure.most:.{digits}f}")
    )
