"""The campaign on real nodes: rounds of seeds, each on a fresh rack, and the closing table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hwsim.bench.spread import Spread, spread
from hwsim.campaign.round import Ended, play


async def campaign(first: int, rounds: int, at_once: int, out: Path, console: Console) -> bool:
    """Play `rounds` rounds, `at_once` at a time; return True when nothing was found wrong.

    The rounds are those of the seeds from `first` on.
    """
    began = time.monotonic()
    turns = asyncio.Semaphore(at_once)

    async def one(seed: int) -> Ended:
        async with turns:
            ended = await play(seed, out)
        _tell(ended, console)
        return ended

    every = await asyncio.gather(*map(one, range(first, first + rounds)))
    wrong = [ended.seed for ended in every if ended.wrong]
    console.print(closing_table(every))
    for ended in every:
        if ended.wrong:  # once more at the end, because a log is read from there
            _tell(ended, console)
    console.print(
        f"{rounds} rounds in {(time.monotonic() - began) / 60:.1f} min, violations {len(wrong)}"
        f"{': seeds ' if wrong else ''}{wrong or ''}",
        highlight=False,
    )
    return not wrong


def closing_table(every: Iterable[Ended]) -> Table:
    """Return the figures of all rounds."""
    every = list(every)
    table = Table(title=f"all {len(every)} rounds", title_justify="left")
    table.add_column("")
    for head in ("min", "median", "max", "n"):
        table.add_column(head, justify="right")
    rows = {
        "settled after the repair, s": spread(ended.settled for ended in every),
        "both served, s": spread(ended.two for ended in every),
        "no telephone was answered, s": spread(ended.nobody for ended in every),
        "messages left": spread(float(ended.messages) for ended in every),
    }
    for words, figure in rows.items():
        table.add_row(words, *cells(figure))
    return table


def cells(figure: Spread | None) -> tuple[str, str, str, str]:
    """Return minimum, median, maximum and number for a table."""
    if figure is None:
        return ("-", "-", "-", "0")
    return (f"{figure.least:.2f}", f"{figure.median:.2f}", f"{figure.most:.2f}", str(figure.count))


def _tell(ended: Ended, console: Console) -> None:
    story = "; ".join(map(str, ended.blows))
    verdict = "WRONG: " + "; ".join(ended.wrong) if ended.wrong else "ok"
    console.print(
        f"seed {ended.seed}: {story}\n   {verdict}. {ended.figures}{ended.too_slow and '; ' + ended.too_slow}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
