"""Compare asha's fastest plays with keepalived's, so that a build fails when a change has made asha slower."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hwsim.bench.contender import Contender
from hwsim.bench.engines.table import BASELINE
from hwsim.bench.plays import Plays
from hwsim.bench.rounds import Row, Seen
from hwsim.bench.spread import spread

OURS = "asha/"


def slower(
    plays: Plays[Seen], rows: Iterable[Row], contenders: Iterable[Contender], figure: str, at_most: float
) -> Sequence[str]:
    """Return a sentence for each row and engine in which asha takes more than `at_most` times keepalived's seconds.

    The fastest plays are compared: what a busy machine adds to a few plays is no change of asha, and what asha has
    become slower by is in its fastest play too. Rows without `figure` are not looked at; one that was to be played
    and has no figures is named.
    """
    ours = [one.name for one in contenders if one.name.startswith(OURS)]
    compared = [row for row in rows if figure in row.figures]
    return [said for row in compared for one in ours if (said := _said(plays, row, one, figure, at_most))]


def _said(plays: Plays[Seen], row: Row, one: str, figure: str, at_most: float) -> str:
    own, base = (
        spread(play.figures.get(figure) for play in plays.seen(row.name, who)) for who in (one, BASELINE)
    )
    what = f"{row.name}, {row.figures[figure]}"
    if own is None or base is None or base.least <= 0:
        return f"{what}: {one} and {BASELINE} cannot be compared, for not both were measured"
    times = own.least / base.least
    if times <= at_most:
        return ""
    return (
        f"{what}: {one} takes {own.least:.2f} s at the fastest, {times:.2f} times {BASELINE}'s {base.least:.2f} s; "
        f"at most {at_most:g} times was asked for"
    )
