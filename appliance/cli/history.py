"""Command `asha history`: show the last transfers of this node, with the time that each phase took."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from appliance.core.words import printable_lines

Transfer = dict[str, Any]


@click.command()
@click.option("-n", "--newest", type=click.IntRange(1, 50), default=10, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="For machines, newest first.")
def history(newest: int, as_json: bool) -> None:
    """Show how service came to this node and left it: when, why, and the milliseconds of each phase.

    It is read from the journal, also while the agent does not run.
    """
    found = _read(newest)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(
        "\n\n".join(printable_lines(transfer_text(one)) for one in reversed(found))
        or "Nothing has happened yet."
    )


def _read(newest: int) -> list[Transfer]:
    from appliance.agent.journal import JournalFile  # noqa: PLC0415
    from appliance.agent.places import JOURNAL  # noqa: PLC0415
    from appliance.agent.rooms.looks import newest_transfers  # noqa: PLC0415
    from appliance.cli.this_node import site  # noqa: PLC0415

    return newest_transfers(JournalFile(JOURNAL), newest, site()[1])


def transfer_text(transfer: Transfer) -> str:
    """Return a transfer as text for people: a headline, and a row for each phase with how long it lasted."""
    wall = transfer["began"]
    clock = time.strftime("%b %d %H:%M:%S", time.localtime(wall)) + f".{int(wall * 1000) % 1000:03d}"
    took = "" if transfer["took"] is None else f" after {transfer['took']:.3f} s"
    head = (
        f"{clock}  {transfer['node']} {transfer['goal']}: {transfer['ended']}{took}  ({transfer['reason']})"
    )
    return "\n".join([head, *_rows(transfer["phases"])])


def _rows(phases: list[dict[str, Any]]) -> list[str]:
    ends = [phase["after"] for phase in phases[1:]]
    lasted = [f"{1000 * (end - phase['after']):8.0f} ms" for phase, end in zip(phases, ends, strict=False)]
    return [
        f"  {spent:>11}  {phase['phase']:<12} {phase['note']}".rstrip()
        for phase, spent in zip(phases, [*lasted, ""], strict=True)
    ]
