"""Command `asha conflicts`: list what both nodes have changed, and choose which version stays."""

from __future__ import annotations

import json
import os
import time

import click

from appliance.cli.fitness import vet_for
from appliance.cli.this_node import CLOCK, PLACES, site
from appliance.core.errors import UserError
from appliance.core.model import Node
from appliance.core.words import printable
from appliance.sync.conflicts import Conflicts


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def conflicts(context: click.Context, as_json: bool) -> None:
    """List what was changed on both nodes while they were apart.

    This node's version is in place; the other's is kept aside at the place that is shown.
    """
    if context.invoked_subcommand is not None:
        return
    found = _conflicts().open()
    if as_json:
        names = [
            {"path": os.fsdecode(one.path), "kept": os.fsdecode(one.kept), "at": one.at, "why": one.why}
            for one in found
        ]
        click.echo(json.dumps(names, indent=2))
        return
    for one in found:
        when = time.strftime("%F %T", time.localtime(one.at))
        click.echo(
            f"{printable(one.path)}\n    {printable(one.why)}, seen {when}\n    the peer's: {printable(one.kept)}"
        )
    if found:
        click.echo("'asha conflicts take PATH' takes the peer's, 'asha conflicts keep PATH' keeps ours.")
    else:
        click.echo("Nothing waits for a choice.")


@conflicts.command()
@click.argument("path")
def take(path: str) -> None:
    """Put the peer's version of PATH in place; ours is kept beside it."""
    ours = _conflicts().take_theirs(os.fsencode(path))
    click.echo(f"The peer's {printable(path)} is in place. Ours was kept: {printable(os.fsencode(ours))}")


@conflicts.command()
@click.argument("path")
def keep(path: str) -> None:
    """Keep our version of PATH, and remove the peer's."""
    _conflicts().keep_ours(os.fsencode(path))
    click.echo(f"{printable(path)} stays as it is here.")


def _conflicts() -> Conflicts:
    conf, node = site()
    if node is not Node.PRIMARY:
        raise UserError(f"The merge is made by the primary ({conf.primary_name}): do this there.")
    return Conflicts(conf, PLACES, CLOCK, vet_for(conf))
