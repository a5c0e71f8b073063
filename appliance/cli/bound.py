"""Command `asha bound`: print the worst case of each kind of failover, with this site's values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from appliance.cli.output import prints, put
from appliance.cli.terminal import ShownLine, Tone
from appliance.config import load
from appliance.config.bounds import bound_inputs, summary
from appliance.core.bound import Bound, PhaseBound, bounds
from appliance.host.paths import CONF

# The column in which the sum of a phase begins.
_SUMS = 29


@click.command()
@click.option("--conf", "path", type=click.Path(path_type=Path), default=CONF, show_default=True)
@prints(tuple[Bound, ...])
def bound(path: Path) -> None:
    """Print how long each kind of failover may take at most, phase by phase, and where each figure comes from.

    They are upper limits, by the deadlines of the conf file; what is usual here, 'asha drill' measures.
    """
    put(bounds(bound_inputs(load(path))), lambda found: (line for one in found for line in _lines(one)))


def _lines(one: Bound) -> Iterator[ShownLine]:
    yield ShownLine(f"{one.title}: service comes to the {one.to}", tone=Tone.HEADLINE)
    yield ShownLine(f"  {summary(one)}.", 2)
    if one.says:
        yield ShownLine(f"  {one.says}", 2)
    yield from map(_phase_line, one.phases)
    yield ShownLine("")


def _phase_line(phase: PhaseBound) -> ShownLine:
    head = f"    {phase.phase:<15} {phase.seconds:>6g} s  "
    sources = f" [{', '.join(phase.sources)}]" if phase.sources else ""
    return ShownLine(f"{head}{phase.formula or '-'}{sources}", _SUMS)
