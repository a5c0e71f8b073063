"""The page of the engines' figures, in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from hwsim.bench.contender import Contender
from hwsim.bench.engines.rows import APART, MOVES, ROWS, SERVES, WATCHED
from hwsim.bench.engines.sizes import DEB, FORMS, Size, Sizes
from hwsim.bench.plays import Plays
from hwsim.bench.rounds import Row, Seen
from hwsim.bench.spread import Spread, ratio, spread
from hwsim.installed import PACKAGES

BASELINE = "keepalived"
_CPU_TOLD = 0.2  # % of a core, two of the kernel's ticks in 10 s
_HEAD = """\
# Both engines, keepalived and plain Heartbeat

<!-- Written by `hwsim bench --only engines`; do not edit. -->

Minimum / **median** / maximum, and in brackets how many times keepalived's median the median is. Played {when} on
{cores} cores (Linux {kernel}, {architecture}); Heartbeat {heartbeat}, Pacemaker {pacemaker}, Corosync
{corosync}, keepalived {keepalived}, all real; card, line and Asterisk are simulated. *load* is the machine's, its
median over the plays: four pairs and their observers share the cores, so every figure is an upper limit, and what
counts is one beside the other. *n* counts the plays that could be measured; one that failed is told beside it.

Four pairs stand at the same time. Each event is met by each in turn, and nothing else moves from the event until a
telephone is answered again; the 5 s for which the line then holds itself back (its profile, r1t1) overlap with the next
pair's turn. A pair is brought home by handing service back, and set up anew after a power cut.

**Equal detection time**: each takes the other node for dead after {detection:g} s without a word. Heartbeat: deadtime
{detection:g} s. Pacemaker: token and consensus, half of it each. keepalived: adverts so far apart that three and the
secondary's skew come to it. Each counts from the last word, which at the event is the older the rarer a contender
speaks: keepalived every {advert:g} s, Heartbeat every {keepalive:g} s, Corosync all the time. A process that dies is
not waited for: the kernel tells asha and keepalived at once; plain Heartbeat's watchdog looks every 5 s, which is its
design.

{notes}

Seconds from the event. *without the address*, *without an answer*: the longest time in which nobody answered a ping, or
a telephone's request (SIP), at the cluster address. 0.4 s of *PBX answers there* is the stand-in's boot, which is
*assumed*. A planned move begins with the operator's command, and the start of `asha` itself counts.
"""
_SPLIT = f"""\
*two serve*: both hold the cluster address and run Asterisk. *nobody answers*: no telephone is answered on the LAN,
silences of more than 0.5 s. Both are counted from the cut until {WATCHED:g} s after the cables are in again
({APART:g} s later). *line in service again*: seconds from the cut until the line is in service for good; 0 when it
never left. keepalived gives up by itself when its own cable is out, and needs no word of the other node for that.
"""
_IDLE = """\
Of each node's processes, with what they have started, but without Asterisk: the engine's daemons, and asha's agent
(plain Heartbeat: its watchdog). Memory is resident (VmRSS, summed, so that what processes share counts in each).
"""
_SIZES = """\
MB (10⁶ bytes). The engines, Debian's packages, by `dpkg-query` (Installed-Size); asha, with its private Python, by
`dpkg-deb` and `rpm` of what `make deb` has built. *with what they need*: every package that they depend on, except
those of priority *standard* and above and what these need. *with asha*: and asha's .deb.
"""
_WORDS: Mapping[str, str] = {"engines-split": _SPLIT, "engines-idle": _IDLE}


def page(contenders: Sequence[Contender], plays: Plays[Seen], sizes: Sizes, about: Mapping[str, Any]) -> str:
    """Return the page; `about` has the machine, the versions and the time of `detection`."""
    notes = "\n".join(f"- {one.name}: {one.note}" for one in contenders)
    parts = [_HEAD.format(when=when(plays), notes=notes, **about)]
    parts += [part for row in ROWS for part in section(row, contenders, plays, _WORDS.get(row.name, ""))]
    return "\n".join([*parts, *_size_section(contenders, sizes)])


def when(plays: Plays[Seen]) -> str:
    """Return from when to when was played."""
    times = sorted(one.seen.at for one in plays.all if one.seen is not None)
    return f"{times[0]} to {times[-1]}" if times else "never"


def section(
    row: Row,
    contenders: Sequence[Contender],
    plays: Plays[Seen],
    words: str = "",
    *,
    base_name: str = BASELINE,
) -> list[str]:
    """Return the part of a page about `row`: its title, `words` for people, and its table.

    The others are compared with `base_name`.
    """
    heads = ("", *row.figures.values(), "load", "n")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    base = _figures(row, plays.seen(row.name, base_name))
    for one in contenders:
        seen = plays.seen(row.name, one.name)
        figures = _figures(row, seen)
        beside = base if one.name != base_name else {}
        cells = [_cell(name, figures[name], beside.get(name), seen) for name in row.figures]
        load = f"{statistics.median(play.load for play in seen):.1f}" if seen else "-"
        lines.append(f"| {' | '.join((one.name, *cells, load, plays.count(row.name, one.name)))} |")
    said = [words] if words else []
    return [f"## {row.title[0].upper()}{row.title[1:]}\n", *said, "\n".join(lines) + "\n"]


def _figures(row: Row, seen: Sequence[Seen]) -> dict[str, Spread | None]:
    return {name: spread(one.figures.get(name) for one in seen) for name in row.figures}


def _cell(name: str, figure: Spread | None, base: Spread | None, seen: Sequence[Seen]) -> str:
    if figure is None:
        return "-"
    if name == SERVES:
        return f"{sum(one.figures[name] == 1.0 for one in seen)} of {len(seen)}"
    missing = len(seen) - figure.count
    late = f", {missing} not in the time" if missing else ""
    times = ratio(figure, base) if base is not None and not _is_nothing(name, base) else None
    beside = f" ({times:.2f})" if times is not None and name != MOVES else ""
    return f"{_span(figure, name)}{beside}{late}"


def _is_nothing(name: str, figure: Spread) -> bool:
    """Tell whether a share of a core is too small to be measured, let alone compared: the kernel counts in ticks."""
    return "_cpu_" in name and figure.median < _CPU_TOLD


def _span(figure: Spread, name: str) -> str:
    digits = 0 if name == MOVES else 1 if "memory" in name else 2
    least, median, most = (f"{value:.{digits}f}" for value in (figure.least, figure.median, figure.most))
    return f"{least} / **{median}** / {most}"


def _size_section(contenders: Sequence[Contender], sizes: Sizes) -> list[str]:
    lines = ["| | packages | they alone | with what they need | with asha |", "|---|---|---|---|---|"]
    built = sizes.asha.get(DEB)
    for one in contenders:
        size = sizes.engines[one.name]
        total = f"{size.whole + built.whole:.1f}" if built is not None else "not built"
        together = total if one.name.startswith("asha") else "-"
        lines.append(f"| {one.name} | {', '.join(one.packages)} | {_sizes(size)} | {together} |")
    for form in FORMS:
        size_of_it = sizes.asha.get(form)
        cells = _sizes(size_of_it) if size_of_it is not None else "not built | not built"
        lines.append(f"| asha, {form} | {', '.join(PACKAGES)} | {cells} | |")
    return ["## Installed size\n", _SIZES, "\n".join(lines) + "\n"]


def _sizes(size: Size) -> str:
    return f"{size.own:.1f} | {size.whole:.1f}"
