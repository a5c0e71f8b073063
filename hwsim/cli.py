"""`hwsim`: the demonstration, the benchmark, and a rack to play with by hand."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from hwsim.nodes import RackError, requirements

T = TypeVar("T")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def hwsim() -> None:
    """A rack without hardware: two servers with real Heartbeat, a relay card, a telephone line."""


@hwsim.command()
@click.argument("scenario", required=False)
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/demo"), show_default=True)
@click.option("--runs", default=1, show_default=True, help="Play it this many times.")
def demo(scenario: str | None, out: Path, runs: int) -> None:
    """Play every scenario, or one; measure; exit 1 when any failed."""
    from hwsim.demo.runner import UnknownScenario, chosen, perform  # noqa: PLC0415

    _check_host()
    try:
        scenarios = chosen(scenario)
    except UnknownScenario as problem:
        raise click.ClickException(str(problem)) from None
    console = Console()
    sys.exit(0 if _run(perform(list(scenarios) * runs, out, console)) else 1)


@hwsim.command()
@click.option("--bare", is_flag=True, help="Only switch the machines on; start nothing.")
def rack(bare: bool) -> None:
    """A rack to play with: type faults and asha commands, and look at the picture."""
    from hwsim.console import play_by_hand  # noqa: PLC0415

    _check_host()
    _run(play_by_hand(bring_up=not bare))


def main() -> None:
    """The program."""
    hwsim()


def _check_host() -> None:
    missing = requirements.missing()
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
