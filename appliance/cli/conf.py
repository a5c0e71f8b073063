"""Command `asha conf`: show the conf file and change it; comments and order are kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import click

from appliance.config import Conf, load
from appliance.config.edit import name_missing, set_values
from appliance.config.ha_tab import checked_values
from appliance.config.key import Key
from appliance.config.schema import KEY_BY_NAME, KEYS, closest_key, takes_effect
from appliance.control.answers import ask_as
from appliance.control.client import AgentAbsent
from appliance.core.answers import Said
from appliance.core.errors import SyncError, UserError
from appliance.core.model import Node
from appliance.host.paths import CONF

_PATH = click.option("--conf", "path", type=click.Path(path_type=Path), default=CONF, show_default=True)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_AS_BEFORE = "Already set; nothing was changed."


@click.group()
def conf() -> None:
    """Read and change the conf file, /etc/asha.conf."""


@conf.command("list")
@_JSON
@_PATH
def conf_list(*, as_json: bool, path: Path) -> None:
    """Show every key with its value now, its default and its meaning."""
    current = load(path)
    if as_json:
        click.echo(json.dumps([_described(key, current) for key in KEYS], indent=2))
        return
    for key in KEYS:
        value = key.shown(current)
        differs = "" if value == key.default else f"   (default: {key.default or 'empty'})"
        click.echo(f"{key.name}={value}{differs}")
        for line in key.comment:
            click.echo(f"    {line}")


def _described(key: Key, current: Conf) -> dict[str, object]:
    """Return a key as JSON has it. A secret's value is not shown; `set` says whether it has one."""
    value = key.text(current)
    return {
        "key": key.name,
        "value": None if key.secret else value,
        "set": bool(value),
        "default": key.default,
        "group": key.group.value,
        "takes_effect": key.effect.value,
        "comment": list(key.comment),
    }


@conf.command("get")
@click.argument("name", metavar="KEY")
@_JSON
@_PATH
def conf_get(name: str, *, as_json: bool, path: Path) -> None:
    """Show the value of KEY alone, as scripts want it; a secret's is shown too, to who may read the file."""
    key = KEY_BY_NAME.get(name.upper())
    if key is None:
        near = closest_key(name)
        raise UserError(
            f"There is no key {name}.", todo=f"Did you mean {near}?" if near else "asha conf list"
        )
    current = load(path)
    click.echo(json.dumps(_described(key, current), indent=2) if as_json else key.text(current))


@conf.command("check")
@_JSON
@_PATH
def conf_check(*, as_json: bool, path: Path) -> None:
    """Check the file. Every problem is named, with its line and what would be right."""
    load(path)
    click.echo(json.dumps({"path": str(path), "problems": []}) if as_json else f"{path}: no problem.")


@conf.command("set")
@click.argument("words", nargs=-1, required=True, metavar="KEY VALUE...")
@click.option("--peer", is_flag=True, help="Put it into force on the other node too, over ssh.")
@_PATH
def conf_set(words: tuple[str, ...], peer: bool, path: Path) -> None:
    """Set KEY to VALUE, or several at once. The file is checked as a whole first; a wrong value changes nothing.

    A running agent takes it at once, except for what waits for a restart; that is said. The other node takes only the
    keys of the High Availability tab, and puts them into force at once too.
    """
    keys, values = words[::2], words[1::2]
    if len(keys) != len(values):
        raise click.UsageError(f"{keys[-1]} has no value; an empty one is written ''.")
    wanted = dict(zip(keys, values, strict=True))
    if peer:
        checked_values(wanted)
    diff = set_values(path, wanted).diff
    click.echo(diff or _AS_BEFORE)
    if diff and path == CONF:
        _put_into_force(wanted)
    if peer:
        _apply_at_peer(wanted)


def _put_into_force(names: Iterable[str]) -> None:
    """Have the running agent read the file again, and say when each of the keys takes effect."""
    try:
        ask_as(Said, "reload")
    except AgentAbsent:
        click.echo("No agent runs on this node; it takes the file when it starts.")
        return
    for sentence in takes_effect(names):
        click.echo(sentence)


def _apply_at_peer(values: dict[str, str]) -> None:
    from appliance.local_node import conf_and_node  # noqa: PLC0415 - needed with --peer only
    from appliance.sync.peer_link import apply_at_peer  # noqa: PLC0415
    from appliance.sync.ssh import way_to_peer  # noqa: PLC0415

    here, node = conf_and_node()
    name = here.secondary_name if node is Node.PRIMARY else here.primary_name
    answer = apply_at_peer(way_to_peer(here, node), name, values, f"root, by way of {os.uname().nodename}")
    if not answer.ok:
        raise SyncError(f"It is saved on this node. {answer.says}")
    click.echo(answer.says)


@conf.command("update")
@_PATH
def conf_update(path: Path) -> None:
    """Name the keys that the file does not know yet, commented out with their defaults. No value changes.

    The package does this when it is upgraded.
    """
    named = name_missing(path)
    click.echo(f"Named in {path}: {', '.join(named)}." if named else "Nothing to add: every key is listed.")
