"""Command `asha bound`: print the worst case of each kind of failover, with this site's values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from appliance.cli.terminal import ShownLine, Tone, show
from appliance.config import load
from appliance.config.bounds import bound_inputs, summary
from appliance.core.as_json import to_json
from appliance.core.bound import Bound, PhaseBound, bounds
from appliance.host.paths import CONF

# The column in which the sum of a phase begins.
_SUMS = 29


@click.command()
@click.option("--conf", "path", type=click.Path(path_type=Path), default=CONF, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bound(path: Path, as_json: bool) -> None:
    """Print how long each kind of failover may take at most, phase by phase, and where each figure comes from.

    They are upper limits, by the deadlines of the conf file; what is usual here, 'asha drill' measures.
    """
    found = bounds(bound_inputs(load(path)))
    if as_json:
        click.echo(json.dumps([to_json(one) for one in found], indent=2))
        return
    show(line for one in found for line in _lines(one))


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
