"""Command `asha conf`: show the conf file and change it; comments and order are kept."""

from __future__ import annotations

import os
from pathlib import Path

import click

from appliance.config import load
from appliance.config.edit import name_missing, set_values
from appliance.config.ha_tab import checked_values
from appliance.config.schema import KEYS
from appliance.core.errors import SyncError
from appliance.core.model import Node
from appliance.host.paths import CONF

_PATH = click.option("--conf", "path", type=click.Path(path_type=Path), default=CONF, show_default=True)
_AS_BEFORE = "It was so already: nothing was changed."


@click.group()
def conf() -> None:
    """Read and change the conf file, /etc/asha.conf."""


@conf.command("list")
@_PATH
def conf_list(path: Path) -> None:
    """Every key with its value now, its default and its meaning."""
    current = load(path)
    for key in KEYS:
        value = key.shown(current)
        differs = "" if value == key.default else f"   (default: {key.default or 'empty'})"
        click.echo(f"{key.name}={value}{differs}")
        for line in key.comment:
            click.echo(f"    {line}")


@conf.command("check")
@_PATH
def conf_check(path: Path) -> None:
    """Check the file. Every problem is named, with its line and what would be right."""
    load(path)
    click.echo(f"{path}: no problem.")


@conf.command("set")
@click.argument("words", nargs=-1, required=True, metavar="KEY VALUE...")
@click.option("--peer", is_flag=True, help="Put it into force on the other node too, over ssh.")
@_PATH
def conf_set(words: tuple[str, ...], peer: bool, path: Path) -> None:
    """Set KEY to VALUE, or several at once. The file is checked as a whole first; a wrong value changes nothing.

    A running agent takes it with 'service asha reload' or SIGHUP. The other node takes only the keys of the High
    Availability tab, and puts them into force at once.
    """
    keys, values = words[::2], words[1::2]
    if len(keys) != len(values):
        raise click.UsageError(f"{keys[-1]} has no value; an empty one is written ''.")
    wanted = dict(zip(keys, values, strict=True))
    if peer:
        checked_values(wanted)
    click.echo(set_values(path, wanted).diff or _AS_BEFORE)
    if peer:
        _apply_at_peer(wanted)


def _apply_at_peer(values: dict[str, str]) -> None:
    from appliance.local_node import conf_and_node  # noqa: PLC0415 - needed with --peer only
    from appliance.sync.peer_link import apply_at_peer  # noqa: PLC0415
    from appliance.sync.ssh import way_to_peer  # noqa: PLC0415

    here, node = conf_and_node()
    name = here.secondary_name if node is Node.PRIMARY else here.primary_name
    answer = apply_at_peer(way_to_peer(here, node), name, values, f"root, by way of {os.uname().nodename}")
    if not answer.ok:
        raise SyncError(f"Here it is set. {answer.says}")
    click.echo(answer.says)


@conf.command("update")
@_PATH
def conf_update(path: Path) -> None:
    """Name the keys that the file does not know yet, commented out with their defaults. No value changes.

    The package does this when it is upgraded.
    """
    named = name_missing(path)
    click.echo(f"Named in {path}: {', '.join(named)}." if named else "It names every key already.")
