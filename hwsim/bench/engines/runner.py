"""The plays of both engines and their peers, in rounds: each event in turn by each contender, with nothing else moving.

Equal detection time: a contender takes its peer for dead after DETECTION seconds without a word, HADEADTIME's default.
Heartbeat's deadtime is that; Pacemaker's token and consensus get half of it each, as the product sets them;
keepalived's adverts are so far apart that three of them and the secondary's skew come to it. A dead process is not
waited for: asha and keepalived are told by the kernel.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from hwsim.bench.asha import Asha
from hwsim.bench.contender import Contender
from hwsim.bench.engines.pairs import Pair
from hwsim.bench.engines.rows import Row, Seen
from hwsim.bench.engines.sizes import Sizes, asha_sizes, installed_size
from hwsim.bench.engines.table import page
from hwsim.bench.keepalived import Keepalived, advert_for
from hwsim.bench.machine import machine, versions
from hwsim.bench.plain_heartbeat import PlainHeartbeat
from hwsim.bench.play import RunFailed
from hwsim.bench.plays import Play, Record, played
from hwsim.demo.scenario import ScenarioFailed
from hwsim.nodes import RackError
from hwsim.nodes.engines import HEARTBEAT, PACEMAKER
from hwsim.site import Site

ENGINE_FIGURES = "engines"
DETECTION = Site().deadtime
TIMES = {"detection": DETECTION, "advert": advert_for(DETECTION), "keepalive": Site().keepalive}
CONTENDERS: tuple[Contender, ...] = (
    Asha("asha/Heartbeat", HEARTBEAT),
    Asha("asha/Pacemaker", PACEMAKER),
    Keepalived(TIMES["advert"]),
    PlainHeartbeat(),
)
_NAME = "engine-figures"
_SET_UP = 40.0  # seconds until the first pairs are at home


async def engine_figures(rows: Sequence[Row], runs: int, out: Path, console: Console) -> bool:
    """Play each of `rows` `runs` times by each contender; return False when a play failed.

    Plays that are in `out` already are not played again. engine-figures.md and .json are written there after each play.
    """
    about: dict[str, Any] = {**machine(), **versions(), **TIMES}
    sizes = Sizes({one.name: installed_size(one.packages) for one in CONTENDERS}, asha_sizes())
    record = Record(
        out, _NAME, lambda seen: Seen(**seen), lambda plays: page(CONTENDERS, plays, sizes, about)
    )
    pairs = {one.name: Pair(one, out / "logs") for one in CONTENDERS}
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
    console.print(f"written: {record.page}", highlight=False)
    return ok


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
