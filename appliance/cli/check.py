"""Command `asha check`: what is not right with this host, and with `--peer` with both nodes of the pair."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import click

from appliance.cli.output import prints, put
from appliance.cli.terminal import ShownLine, Tone
from appliance.core.errors import HostError
from appliance.core.host_check.finding import Finding, Level, NodeReport, PairReport, failed
from appliance.core.text import printable
from appliance.host.clock import Clock, SystemClock
from appliance.host.paths import CONF

_QUICK = 1.0  # seconds after which a person at a terminal is told what is still waited for
_NAMED = 4  # subjects named in the line of progress

# What stands before a line, and what its sentence begins with. Scripts look for the first two.
_SHOWN = {
    Level.OK: ("ok ", "", Tone.GOOD),
    Level.ERROR: ("NOT", "", Tone.BAD),
    Level.WARNING: ("!  ", "warning: ", Tone.DOUBTFUL),
    Level.UNKNOWN: ("?  ", "not known: ", Tone.BAD),
}


@click.command()
@click.option("--conf", "path", type=click.Path(path_type=Path), default=CONF, show_default=True)
@click.option("--peer", is_flag=True, help="Have the other node check itself too, and compare the two.")
@prints(PairReport)
def check(path: Path, peer: bool) -> None:
    """Look at the whole host, with --peer at both nodes, and say what is not right and what to do about it.

    A line begins with 'ok', '!' (a warning: works today, and will hurt in some event), 'NOT' (an error) or '?'
    (not known, which is never taken for right). The exit status is 0 when there is neither an error nor anything
    not known, else 3.
    """
    from appliance.cli.checks.report import report_here, report_pair  # noqa: PLC0415 - what the looks need is much

    clock = SystemClock()
    waiting, wipe = _progress(clock)
    try:
        report = report_pair(path, clock, waiting) if peer else PairReport(report_here(path, clock, waiting))
    finally:
        wipe()
    put(report, _lines)
    findings = report.findings()
    wrong = failed(findings)
    if wrong:
        raise HostError(f"{wrong} of {len(findings)} checks failed.")


def _lines(report: PairReport) -> Iterator[ShownLine]:
    """Yield the findings, those of the two nodes about the same subject one below the other."""
    if report.peer is None:
        yield from map(_line, report.here.findings)
    else:
        yield from _beside(report.here, report.peer)
    yield from map(_line, report.compared)


def _beside(here: NodeReport, peer: NodeReport) -> Iterator[ShownLine]:
    subjects = dict.fromkeys(finding.what for finding in (*here.findings, *peer.findings))
    names = [printable(report.name) for report in (here, peer)]
    width = max(map(len, names))
    for what in subjects:
        for name, report in zip(names, (here, peer), strict=True):
            yield from (_line(one, f"{name:<{width}} ") for one in report.findings if one.what == what)


def _line(finding: Finding, of: str = "") -> ShownLine:
    level = finding.level if finding.level in _SHOWN else Level.UNKNOWN
    mark, begins, tone = _SHOWN[Level(level)]
    head = f"{mark}  {printable(finding.what):<11} {of}"
    says = " ".join(part for part in (finding.says, finding.remedy) if part)
    return ShownLine(f"{head}{begins}{printable(says)}", len(head), tone)


def _progress(clock: Clock) -> tuple[Callable[[Collection[str]], None], Callable[[], None]]:
    """Return what shows on a terminal what is still waited for, and what removes that line again."""
    began, terminal = clock.now(), sys.stderr.isatty()
    shown = False

    def waiting(names: Collection[str]) -> None:
        nonlocal shown
        if terminal and clock.now() - began > _QUICK:
            shown = True
            listed = ", ".join([*names][:_NAMED]) + (", ..." if len(names) > _NAMED else "")
            click.echo(f"\r\x1b[KLooking; still out: {listed}", nl=False, err=True)

    def wipe() -> None:
        if shown:
            click.echo("\r\x1b[K", nl=False, err=True)

    return waiting, wipe
