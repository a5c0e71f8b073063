"""`asha conf`: look at the conf file and change it, comments and order kept."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.config import load
from appliance.config.edit import name_missing, set_value
from appliance.config.schema import KEYS

_PATH = click.option(
    "--conf", "path", type=click.Path(path_type=Path), default=Path("/etc/asha.conf"), show_default=True
)


@click.group()
def conf() -> None:
    """The conf file, /etc/asha.conf."""


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
@click.argument("key")
@click.argument("value")
@_PATH
def conf_set(key: str, value: str, path: Path) -> None:
    """Set KEY to VALUE. The file is checked as a whole first; a wrong value changes nothing.

    A running agent takes it with 'service asha reload' or SIGHUP.
    """
    click.echo(set_value(path, key, value).diff or "It was so already: nothing was changed.")


@conf.command("update")
@_PATH
def conf_update(path: Path) -> None:
    """Name the keys that the file does not know yet, commented out with their defaults. No value changes.

    The package does this when it is upgraded.
    """
    named = name_missing(path)
    click.echo(f"Named in {path}: {', '.join(named)}." if named else "It names every key already.")
