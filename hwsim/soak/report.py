"""The report of a soak: soak.md to read, soak.json for machines, and a plot of each engine's run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hwsim.soak.chart import write_chart
from hwsim.soak.judgement import Soaked, growth, judge, right
from hwsim.soak.readings import warm_up

_VERDICT = {True: "ok", False: "**WRONG**", None: "not judged"}
_TOLD = 40  # of the findings of a kind, so that the page stays one
_HEAD = """\
# Soak

<!-- Written by `make soak`; do not edit. -->

One pair on each engine, set up once, under seeded rounds of faults for {minutes:g} minutes each; seed {seed}, played
{when} on {cores} cores (Linux {kernel}, {architecture}; load averages at the beginning {load}). asha {asha} from its
source, Python {python}, Heartbeat {heartbeat}, Pacemaker {pacemaker}, Corosync {corosync}; card, line and Asterisk are
simulated. The load: a caller leaves a message every 2 s wherever a telephone is answered, a telephone asks ten times a
second, and a browser follows the page of each node. The agent and the page live through five sixths of the run; what
ends them is injected in the last sixth only.

Memory is what is resident of the process alone. Its slope is the median of the slopes between all pairs of readings
(Theil and Sen), with the interval of 95 % in brackets; readings follow each other closely, so the true interval is
wider. Compared are readings from times without faults, of the process that was read most often, without its first
{warm_up:g} s. A slope over less than half an hour is shown and not judged. What counts as unexplained is defined in
`hwsim/soak/explained.py`, the bounds and their reasons are in `hwsim/soak/judgement.py`.

**{verdict}**
"""


def write_report(out: Path, runs: Sequence[Soaked], about: Mapping[str, Any]) -> None:
    """Write soak.md, soak.json and a plot of each of `runs` below `out`; `about` has machine, versions and settings."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "soak.md").write_text(page(runs, about), encoding="utf-8")
    (out / "soak.json").write_text(json.dumps(document(runs, about), indent=1) + "\n")
    for run in runs:
        write_chart(out / f"{run.engine}.svg", run, f"Soak on {run.engine}, {run.lasted / 60:.0f} minutes")


def page(runs: Sequence[Soaked], about: Mapping[str, Any]) -> str:
    """Return soak.md."""
    planned = max((run.planned for run in runs), default=0.0)
    verdict = (
        "Every bound that could be judged was held."
        if right(runs)
        else "Not every bound was held: see below."
    )
    head = _HEAD.format(**about, minutes=planned / 60, warm_up=warm_up(planned), verdict=verdict)
    return "\n".join([head, *(line for run in runs for line in _section(run))])


def document(runs: Sequence[Soaked], about: Mapping[str, Any]) -> dict[str, Any]:
    """Return soak.json; seconds, MB (10⁶), MB per hour."""
    return {
        **about,
        "ok": right(runs),
        "runs": [
            {
                **asdict(run),
                "growth": [asdict(one) for one in growth(run)],
                "held": [asdict(one) for one in judge(run)],
            }
            for run in runs
        ],
    }


def summary(run: Soaked) -> str:
    """Return how far a run has come, in a sentence."""
    return (
        f"{run.lasted / 60:.1f} minutes, {run.rounds} rounds with {run.blows} faults, {run.left} messages, "
        f"{len(run.readings)} readings, the machine's load up to {run.load:.1f}"
    )


def _section(run: Soaked) -> Iterator[str]:
    yield f"## {run.engine}"
    yield f"\n{summary(run)}. Memory and descriptors over time: [{run.engine}.svg]({run.engine}.svg)\n"
    yield "| | seen | bound | |"
    yield "|---|---|---|---|"
    for one in judge(run):
        yield f"| {one.what} | {_cell(one.seen)} | {one.wanted} | {_VERDICT[one.ok]} |"
    for title, found in (
        ("Unexplained", [f"{one.source}: {one.says}" for one in run.unexplained]),
        ("Violations", run.violations),
    ):
        if found:
            yield f"\n{title}:\n"
            yield from (f"- {_cell(one)}" for one in found[:_TOLD])
            if len(found) > _TOLD:
                yield f"- and {len(found) - _TOLD} more, in soak.json"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
