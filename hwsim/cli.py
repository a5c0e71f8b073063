"""The command `hwsim`: the demonstration, the benchmark, and a rack to play with by hand."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click
from rich.console import Console

from hwsim.card.hid_board import DRIVER as HID_DRIVER
from hwsim.card.relays import DRIVERS
from hwsim.nodes import RackError, requirements
from hwsim.nodes.engines import ENGINES, HEARTBEAT, PACEMAKER, Engine
from hwsim.site import Site


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T")
N = TypeVar("N", bound=_Named)
PAIR_STATES = "pair-states"
# A round costs 23 to 28 processor seconds in 55, so two racks keep a processor busy; more only make each other late.
_RACKS_A_PROCESSOR = 2
_PAPER_WIDTH = 110  # columns of the tables where the terminal does not tell its width


_engine_option = click.option(
    "--engine",
    type=click.Choice(tuple(ENGINES)),
    default=HEARTBEAT.name,
    show_default=True,
    help="The cluster engine of both nodes.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def hwsim() -> None:
    """Play a rack without hardware: two servers with a real cluster engine, a relay card, a telephone line."""


@hwsim.command()
@click.argument("scenarios", metavar="[SCENARIO]...", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/demo"), show_default=True)
@click.option("--runs", default=1, show_default=True, help="Play it this many times.")
@click.option(
    "--relay",
    type=click.Choice(("rhino", *DRIVERS)),
    default="rhino",
    show_default=True,
    help="What moves the line: the Rhino card, or another relay by its RELAYDRIVER.",
)
@_engine_option
def demo(scenarios: tuple[str, ...], out: Path, runs: int, engine: str, relay: str) -> None:
    """Play every scenario, or those named; measure; exit 1 when any failed."""
    from hwsim.demo.runner import UnknownScenario, chosen, perform  # noqa: PLC0415

    site = Site(engine=ENGINES[engine]).with_relay("" if relay == "rhino" else relay)
    _check_host(site.engine, relay)
    try:
        found = chosen(scenarios)
    except UnknownScenario as problem:
        raise click.ClickException(str(problem)) from None
    sys.exit(0 if _run(perform(list(found) * runs, site, out, _console())) else 1)


@hwsim.command()
@click.option(
    "--runs",
    default=10,
    show_default=True,
    type=click.IntRange(1),
    help="Of each fault and contender, or number of viewers.",
)
@click.option(
    "--only",
    metavar="NAME",
    help="asha, keepalived, plain-heartbeat; a fault's name; agent-cost; data-cost; panel-cost, commands (both of the "
    "RPMs); engines, telephones, relays, fencing or pair-states, or events of one of them, with commas; hang. "
    "'telephones' and 'hang' are of real Asterisks (make lab).",
)
@click.option(
    "--seconds", default=300.0, show_default=True, help="How long Asterisk is under load, for hang."
)
@click.option("--at-once", default=4, show_default=True, help="Racks at a time, for pair-states and fencing.")
@click.option(
    "--at-most",
    type=click.FloatRange(0, min_open=True),
    help="For engines: exit 1 too when a telephone waits more than so many times longer for asha than for keepalived, "
    "in the fastest plays of each.",
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/bench"), show_default=True)
def bench(
    *, runs: int, only: str | None, seconds: float, at_once: int, at_most: float | None, out: Path
) -> None:
    """Measure asha against its targets and beside its peers; exit 1 only when a run failed, or by --at-most."""
    from hwsim.bench.commands import COMMANDS, commands  # noqa: PLC0415
    from hwsim.bench.hang import HANG, hang  # noqa: PLC0415

    if only == COMMANDS:
        _check_host(HEARTBEAT)
        sys.exit(0 if _run(commands(runs, out, _console())) else 1)
    if only == HANG:
        _check_host(HEARTBEAT)
        sys.exit(0 if _run(hang(runs, seconds, out, _console())) else 1)
    from hwsim.bench.engines.rows import ROWS  # noqa: PLC0415
    from hwsim.bench.engines.runner import ENGINE_FIGURES, engine_figures  # noqa: PLC0415
    from hwsim.bench.fencing import EVENTS, FENCING, fencing  # noqa: PLC0415
    from hwsim.bench.pairstates.runner import pair_states  # noqa: PLC0415
    from hwsim.bench.pairstates.stories import STORIES  # noqa: PLC0415
    from hwsim.bench.relays import RELAY_FIGURES, relay_figures  # noqa: PLC0415
    from hwsim.bench.relays import rows as relay_rows  # noqa: PLC0415
    from hwsim.bench.runner import NAMES, planned  # noqa: PLC0415
    from hwsim.bench.runner import bench as measure  # noqa: PLC0415
    from hwsim.bench.telephones.rows import ROWS as TELEPHONE_ROWS  # noqa: PLC0415
    from hwsim.bench.telephones.runner import TELEPHONES, telephone_figures  # noqa: PLC0415

    wanted = set((only or "").split(",")) - {""}
    rows = _chosen(wanted, ENGINE_FIGURES, ROWS)
    calls = _chosen(wanted, TELEPHONES, TELEPHONE_ROWS)
    relays = _chosen(wanted, RELAY_FIGURES, relay_rows())
    events = _chosen(wanted, FENCING, EVENTS)
    stories = _chosen(wanted, PAIR_STATES, STORIES)
    families = (PAIR_STATES, FENCING, ENGINE_FIGURES, TELEPHONES, RELAY_FIGURES)
    played = (
        *families,
        *(name for some in (STORIES, EVENTS, ROWS, TELEPHONE_ROWS, relay_rows()) for name in _names(some)),
    )
    if not wanted <= {*NAMES, *played}:
        there_are = ", ".join((*NAMES, *played))
        raise click.BadParameter(f"there is no '{only}'. There are: {there_are}.", param_hint="--only")
    if alone := wanted & set(NAMES) if len(wanted) > 1 else set():
        raise click.BadParameter(f"{', '.join(sorted(alone))}: each must stand alone.", param_hint="--only")
    if at_most is not None and not rows:
        raise click.BadParameter("it needs rows of 'engines' (--only).", param_hint="--at-most")
    _check_host(PACEMAKER if rows or calls or events else HEARTBEAT)
    right = True
    if rows:
        right = _run(engine_figures(rows, runs, out, _console(), at_most))
    if calls:
        right = _run(telephone_figures(calls, runs, out, _console())) and right
    if relays:
        right = _run(relay_figures(relays, runs, out, _console())) and right
    if events:
        right = _run(fencing(events, runs, at_once, out, _console())) and right
    if stories:
        right = _run(pair_states(stories, runs, at_once, out, _console())) and right
    if not (rows or calls or relays or events or stories):
        right = _run(measure(planned(only, runs), out, _console()))
    sys.exit(0 if right else 1)


@hwsim.command("campaign-real")
@click.option("--rounds", default=40, show_default=True, type=click.IntRange(0), help="Number of rounds.")
@click.option("--seed", default=1, show_default=True, help="The first round's seed.")
@click.option(
    "--at-once",
    default=lambda: _RACKS_A_PROCESSOR * (os.cpu_count() or 1),
    show_default="2 a processor",
    type=click.IntRange(1),
    help="Racks at a time.",
)
@click.option(
    "--compare",
    "compared",
    default=0,
    show_default=True,
    help="Beside it, plays of each event in model and rack.",
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/campaign"), show_default=True)
def campaign_real(rounds: int, seed: int, at_once: int, compared: int, out: Path) -> None:
    """Play seeded rounds of faults on real nodes; exit 1 when something was found wrong."""
    from hwsim.campaign.compare import compare  # noqa: PLC0415
    from hwsim.campaign.real import campaign  # noqa: PLC0415

    _check_host()
    right = _run(campaign(seed, rounds, at_once, out, _console())) if rounds else True
    if compared:
        right = _run(compare(compared, at_once, out, _console())) and right
    sys.exit(0 if right else 1)


@hwsim.command()
@click.option(
    "--minutes", default=120.0, show_default=True, type=click.FloatRange(1.0), help="For each engine."
)
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0), help="What the faults are drawn by."
)
@click.option(
    "--engine", type=click.Choice(tuple(ENGINES)), help="This one only.  [default: one after the other]"
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/soak"), show_default=True)
def soak(minutes: float, seed: int, engine: str | None, out: Path) -> None:
    """Play faults on one pair for hours; exit 1 when it grew, lost a message or said what no fault explains."""
    from hwsim.soak.runner import soak as play  # noqa: PLC0415

    engines = [ENGINES[engine]] if engine else list(ENGINES.values())
    for one in engines:
        _check_host(one)
    sys.exit(0 if _run(play(engines, minutes, seed, out, _console())) else 1)


@hwsim.command()
@click.option("--bare", is_flag=True, help="Only switch the machines on; start nothing.")
@click.option(
    "--pages",
    type=click.IntRange(1, 65534),
    help="The primary's page at this port of this machine, the secondary's at the next.",
)
@click.option("--at", default="127.0.0.1", show_default=True, help="The address at which the pages are.")
@_engine_option
def rack(bare: bool, pages: int | None, at: str, engine: str) -> None:
    """Play with a rack: type faults and asha commands, and look at the picture and the pages."""
    from hwsim.console import play_by_hand  # noqa: PLC0415

    site = Site(engine=ENGINES[engine])
    _check_host(site.engine)
    _run(play_by_hand(site, not bare, (at, pages) if pages else None))


@hwsim.command()
@click.option("--seeds", default=1000, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--first", default=0, show_default=True, type=click.IntRange(0), help="The first seed.")
@click.option("--cores", type=click.IntRange(1), help="How many processes play.  [default: one a processor]")
def campaign(seeds: int, first: int, cores: int | None) -> None:
    """Play random faults on the shipped controller in virtual time; exit 1 on a violation."""
    from hwsim.virtual.campaign import run  # noqa: PLC0415

    sys.exit(0 if run(seeds, first, click.echo, cores=cores) else 1)


def main() -> None:
    """Run the program."""
    hwsim()


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _PAPER_WIDTH)


def _names(every: Sequence[_Named]) -> list[str]:
    return [one.name for one in every]


def _chosen(wanted: set[str], family: str, every: Sequence[N]) -> list[N]:
    """Return those of the events of `family` that are wanted: all, or those that are named."""
    return [one for one in every if family in wanted or one.name in wanted]


def _check_host(engine: Engine = HEARTBEAT, relay: str = "") -> None:
    missing = requirements.missing(engine)
    if relay == HID_DRIVER:
        missing += requirements.missing_for_hid()
    if missing:
        raise click.ClickException(" ".join(missing))


def _run(play: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(play)
    except RackError as problem:
        raise click.ClickException(str(problem)) from None
    except KeyboardInterrupt:
        print("interrupted: everything is taken down", file=sys.stderr)
        sys.exit(130)
