"""The tables at the end: all contenders side by side, and asha against its targets."""

from __future__ import annotations

from rich.table import Table

from hwsim.bench.panel.cost import panel_unit
from hwsim.bench.panel.watched import COUNTS, PHASES_WATCHED
from hwsim.bench.results import PHASES, Results
from hwsim.bench.spread import Spread
from hwsim.bench.targets import Target, Verdict, judge
from hwsim.rack import SIDES
from hwsim.site import Site

_MET = {True: "[green]met[/]", False: "[bold red]MISSED[/]", None: "not measured"}


def targets_table(results: Results, site: Site) -> Table:
    """Return each figure, its target, and whether the median meets it."""
    table = Table(title=f"asha against its targets ({assumptions(site)})", title_justify="left")
    table.add_column("figure")
    for head in ("median", "min", "max", "n", "target"):
        table.add_column(head, justify="right")
    table.add_column("")
    figures = results.figures()
    for verdict in judge(figures):
        target, measured = verdict.target, verdict.measured
        limit = f"≤ {amount(target.limit, target.unit)}"
        table.add_row(target.words, *_cells(measured, target.unit), limit, _MET[verdict.met])
        if target.boots and measured is not None:
            own = _cells(measured.minus(site.boot_time), target.unit)
            table.add_row("   asha's own share, without that boot", *own, "", "", style="dim")
        if aside := figures.get(target.aside):
            table.add_row(f"   {target.beside}", *_cells(aside, target.unit), "", "", style="dim")
    return table


def comparison_table(results: Results, fault: str) -> Table:
    """Return every contender's medians (min-max) after `fault`, and the peers' ratios to asha's median."""
    title = f"{fault}: milliseconds from the fault, seen from outside: median (min-max)"
    table = Table(title=title, title_justify="left")
    table.add_column("phase")
    for name in results.contenders:
        table.add_column(name, justify="right")
        if name != "asha" and "asha" in results.contenders:
            table.add_column("÷ asha", justify="right")
    for phase in PHASES:
        cells = [cell for name in results.contenders for cell in _compared(results, name, fault, phase)]
        table.add_row(phase.replace("_", " "), *cells)
    return table


def data_table(results: Results) -> Table:
    """Return synchronisation beside a bare rsync: medians (min-max), and the ratio of each pair."""
    title = "100,000 files, 2 GB, both nodes' disks in memory: seconds, median (min-max)"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for head in ("asha", "bare rsync -a --delete", "asha ÷ rsync"):
        table.add_column(head, justify="right")
    for what, words in (("first", "first sync"), ("same", "nothing changed")):
        figures = (results.data.get(f"data.{what}_{who}") for who in ("asha", "rsync", "ratio"))
        table.add_row(words, *map(_seconds, figures))
    return table


def watched_table(results: Results) -> Table:
    """Return failovers by number of viewers: medians (min-max), and most viewers compared with none."""
    title = "asterisk-killed, on the RPMs: milliseconds from the fault, by viewers on each panel: median (min-max)"
    table = Table(title=title, title_justify="left")
    table.add_column("phase")
    for count in COUNTS:
        table.add_column(str(count), justify="right")
    table.add_column(f"{COUNTS[-1]} ÷ 0", justify="right")
    figures = results.figures()
    for phase in PHASES_WATCHED:
        spans = (figures.get(f"panel.{phase}_{count}") for count in COUNTS)
        times = figures.get(f"panel.{phase}_ratio")
        table.add_row(phase.replace("_", " "), *map(_span, spans), f"{times.median:.2f}" if times else "-")
    for what, words in (("seen", "drawn"), ("confirmed", "confirmed by spans")):
        for side in SIDES:
            seen = (figures.get(f"panel.{what}_{count}_{side}") for count in COUNTS)
            table.add_row(f"relay → {words}, page of the {side}", *map(_span, seen), "")
    return table


def panel_table(results: Results) -> Table:
    """Return the costs of viewers, one figure a line."""
    table = Table(title="the panel and the agents beside it, on the RPMs", title_justify="left")
    table.add_column("figure")
    for head in ("median", "min", "max", "n"):
        table.add_column(head, justify="right")
    for name, figure in results.panel.items():
        table.add_row(name, *_cells(figure, panel_unit(name)))
    return table


def assumptions(site: Site) -> str:
    """Return the assumptions without which no figure should be read."""
    return (
        f"keepalive {site.keepalive * 1000:.0f} ms, deadtime {site.deadtime:g} s, line {site.profile}; "
        f"Asterisk is a stand-in that boots in {site.boot_time:g} s, which is assumed"
    )


def amount(value: float, unit: str) -> str:
    """Return a value as people read it."""
    match unit:
        case "s":
            return f"{value * 1000:.0f} ms"
        case "%":
            return f"{value:.2f} %"
        case "x":
            return f"{value:.2f} x"
        case "":
            return f"{value:.0f}"
        case _:
            return f"{value:.1f} {unit}"


def missed(results: Results) -> list[Verdict]:
    """Return the targets that were measured and not met."""
    return [verdict for verdict in judge(results.figures()) if verdict.met is False]


def sentence(verdict: Verdict) -> str:
    """Return a sentence about a missed target."""
    target: Target = verdict.target
    median = verdict.measured.median if verdict.measured else 0.0
    return f"{target.words}: {amount(median, target.unit)}, wanted ≤ {amount(target.limit, target.unit)}"


def _cells(figure: Spread | None, unit: str) -> tuple[str, str, str, str]:
    if figure is None:
        return ("-", "-", "-", "-")
    median, least, most = (amount(value, unit) for value in (figure.median, figure.least, figure.most))
    return (median, least, most, str(figure.count)) if figure.count > 1 else (median, "", "", "1")


def _compared(results: Results, name: str, fault: str, phase: str) -> list[str]:
    figure = results.phase(name, fault, phase)
    span = _span(figure)
    if name == "asha" or "asha" not in results.contenders:
        return [span]
    times = results.ratio(name, fault, phase)
    return [span, "" if times is None else f"{times:.2f}"]


def _span(figure: Spread | None) -> str:
    return "-" if figure is None else f"{_ms(figure.median)} ({_ms(figure.least)}-{_ms(figure.most)})"


def _seconds(figure: Spread | None) -> str:
    return "-" if figure is None else f"{figure.median:.2f} ({figure.least:.2f}-{figure.most:.2f})"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"
