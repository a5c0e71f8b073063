"""Plays in rounds: each event in turn by each contender, on a pair of each that stands all the time."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from hwsim.bench.contender import Contender
from hwsim.bench.pairs import Pair
from hwsim.bench.play import RunFailed
from hwsim.bench.plays import Play, Plays, Record, played
from hwsim.demo.scenario import ScenarioFailed
from hwsim.nodes import RackError
from hwsim.nodes.outside import later_than
from hwsim.rack import Rack

_SET_UP = 40.0  # seconds until the first pairs are at home


@dataclass(frozen=True, slots=True)
class Seen:
    """The figures of a play by name, None for what was not seen; when it was played, and the machine's load then."""

    figures: Mapping[str, float | None]
    at: str
    load: float

    def __str__(self) -> str:
        """Return the figures in one line."""
        shown = (f"{name} {'-' if value is None else f'{value:.2f}'}" for name, value in self.figures.items())
        return ", ".join(shown) + f" (load {self.load:.1f})"


def seen_now(figures: Mapping[str, float | None]) -> Seen:
    """Return `figures` as those of a play that ends now."""
    return Seen(figures, time.strftime("%Y-%m-%d %H:%M"), os.getloadavg()[0])


@dataclass(frozen=True, slots=True)
class Row:
    """An event. `figures` gives the head of each column by the figure's name.

    `play` gets the contender, its rack at home, how far into the contender's period to strike (0 to 1), and the lock
    that is held while something moves, so that nothing else does meanwhile. `seconds` is how long it takes for
    all contenders, about, the way home before it included.
    """

    name: str
    title: str
    figures: Mapping[str, str]
    play: Callable[[Contender, Rack, float, asyncio.Lock], Awaitable[Seen]]
    seconds: float


def silences(rack: Rack, kind: str, since: float) -> list[float]:
    """Return the seconds between one answer and the next of `kind` (ping, sip) at the cluster address since `since`.

    The last answer before `since` counts too, and what is silent now has been until now.
    """
    events = [one.t for one in later_than(rack.outside.events, since - 1.0) if one.kind == kind]
    before = [at for at in events if at <= since]
    times = [*before[-1:], *(at for at in events if at > since), rack.now()]
    return [later - earlier for earlier, later in itertools.pairwise(times)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Who is compared, under which file name, and the page that is made of the plays, in Markdown.

    `wrong` says of all plays what was asked for and does not hold. `drawing` returns the picture that lies beside the
    page, as SVG.
    """

    name: str
    contenders: Sequence[Contender]
    page: Callable[[Plays[Seen]], str]
    wrong: Callable[[Plays[Seen]], Sequence[str]] = lambda plays: ()
    drawing: Callable[[Plays[Seen]], str] | None = None


async def in_rounds(
    compared: Comparison, rows: Sequence[Row], runs: int, out: Path, console: Console
) -> bool:
    """Play each of `rows` `runs` times by each contender; return False when a play failed or something is wrong.

    Plays that are in `out` already are not played again. The page, and the plays as JSON, are written there after each
    play.
    """
    record = Record(out, compared.name, lambda seen: Seen(**seen), compared.page)
    pairs = {one.name: Pair(one, out / "logs") for one in compared.contenders}
    rounds = list(_rounds(rows, runs, pairs, record))
    _announce(rounds, console)
    began, ok = time.monotonic(), True
    try:
        for number, (row, plays) in enumerate(rounds, 1):
            await asyncio.gather(*(pairs[play.peer].come_home() for play in plays))
            told = await asyncio.gather(*(played(play, record, console) for play in plays))
            ok = ok and all(told)
            left = (time.monotonic() - began) / number * (len(rounds) - number)
            console.print(
                f"{number} of {len(rounds)}: {row.name}; {left / 60:.0f} minutes left", highlight=False
            )
    finally:
        await asyncio.gather(*(pair.down() for pair in pairs.values()))
    record.write_page()  # though nothing was left to play: asha may have been built since
    if compared.drawing is not None:
        record.page.with_suffix(".svg").write_text(compared.drawing(record.plays), encoding="utf-8")
    console.print(f"written: {record.page}", highlight=False)
    wrong = compared.wrong(record.plays)
    for said in wrong:
        console.print(f"[bold red]WRONG[/] {escape(said)}", highlight=False, soft_wrap=True)
    return ok and not wrong


def _rounds(
    rows: Sequence[Row], runs: int, pairs: dict[str, Pair], record: Record[Seen]
) -> Iterator[tuple[Row, list[Play[Seen]]]]:
    """Yield each event with the plays of it that are not over yet, one by each contender."""
    turn = asyncio.Lock()
    for number in range(1, runs + 1):
        for row in rows:
            part = (number - 0.5) / runs
            plays = [
                Play(row.name, name, number, partial(_play, row, pair, part, turn))
                for name, pair in pairs.items()
            ]
            if wanted := [play for play in plays if not record.has(play)]:
                yield row, wanted


async def _play(row: Row, pair: Pair, part: float, turn: asyncio.Lock, logs: Path) -> Seen:
    """Play `row` on `pair`. Raises RunFailed."""
    rack = pair.rack
    try:
        return await row.play(pair.contender, rack, part, turn)
    except (ScenarioFailed, RackError, OSError) as problem:  # OSError: a process has ended that was measured
        rack.keep_logs(logs)
        raise RunFailed(f"{problem} (logs: {logs})") from problem


def _announce(rounds: Sequence[tuple[Row, Sequence[Play[Seen]]]], console: Console) -> None:
    plays = sum(len(plays) for _, plays in rounds)
    minutes = (_SET_UP + sum(row.seconds for row, _ in rounds)) / 60 if rounds else 0.0
    console.print(
        f"{plays} plays, about {minutes:.0f} minutes. Interrupt it (Ctrl-C) when you must: the same command goes on "
        "after the plays that are over.",
        highlight=False,
        soft_wrap=True,
    )
