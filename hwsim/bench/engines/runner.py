"""The plays of both engines and their peers, in rounds: each event in turn by each contender, with nothing else moving.

Equal detection time: a contender takes its peer for dead after DETECTION seconds without a word, HADEADTIME's default.
Heartbeat's deadtime is that; Pacemaker's token and consensus get half of it each, as the product sets them;
keepalived's adverts are so far apart that three of them and the secondary's skew come to it. A dead process is not
waited for: asha and keepalived are told by the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from hwsim.bench.asha import Asha
from hwsim.bench.contender import Contender
from hwsim.bench.engines.rows import NO_PBX
from hwsim.bench.engines.sizes import Sizes, asha_sizes, installed_size
from hwsim.bench.engines.table import page
from hwsim.bench.keepalived import Keepalived, advert_for
from hwsim.bench.machine import machine, versions
from hwsim.bench.plain_heartbeat import PlainHeartbeat
from hwsim.bench.plays import Plays
from hwsim.bench.rounds import Comparison, Row, Seen, in_rounds
from hwsim.bench.slower import slower
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


async def engine_figures(
    rows: Sequence[Row], runs: int, out: Path, console: Console, at_most: float | None = None
) -> bool:
    """Play each of `rows` `runs` times by each contender; return False when a play failed.

    Plays that are in `out` already are not played again. engine-figures.md and .json are written there after each play.
    With `at_most`, return False too when a telephone waits more than that many times longer for an answer of asha than
    of keepalived.
    """
    about: dict[str, Any] = {**machine(), **versions(), **TIMES}
    sizes = Sizes({one.name: installed_size(one.packages) for one in CONTENDERS}, asha_sizes())

    def written(plays: Plays[Seen]) -> str:
        return page(CONTENDERS, plays, sizes, about)

    def wrong(plays: Plays[Seen]) -> Sequence[str]:
        return () if at_most is None else slower(plays, rows, CONTENDERS, NO_PBX, at_most)

    return await in_rounds(Comparison(_NAME, CONTENDERS, written, wrong), rows, runs, out, console)
