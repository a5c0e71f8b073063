"""`asha conf`: look at the conf file and change it, comments and order kept."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.config import load
from appliance.config.edit import name_missing, set_values
from appliance.config.schema import KEYS

_PATH = click.option(
    "--conf", "path", type=click.Path(path_type=Path), default=Path("/etc/asha.conf"), show_default=True
)
_AS_BEFORE = "It was so already: nothing was changed."


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
@click.argument("words", nargs=-1, required=True, metavar="KEY VALUE...")
@_PATH
def conf_set(words: tuple[str, ...], path: Path) -> None:
    """Set KEY to VALUE, or several at once. The file is checked as a whole first; a wrong value changes nothing.

    A running agent takes it with 'service asha reload' or SIGHUP.
    """
    keys, values = words[::2], words[1::2]
    if len(keys) != len(values):
        raise click.UsageError(f"{keys[-1]} has no value; an empty one is written ''.")
    click.echo(set_values(path, dict(zip(keys, values, strict=True))).diff or _AS_BEFORE)


@conf.command("update")
@_PATH
def conf_update(path: Path) -> None:
    """Name the keys that the file does not know yet, commented out with their defaults. No value changes.

    The package does this when it is upgraded.
    """
    named = name_missing(path)
    click.echo(f"Named in {path}: {', '.join(named)}." if named else "It names every key already.")
