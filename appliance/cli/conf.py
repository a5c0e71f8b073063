"""Command `asha conf`: show the conf file and change it; comments and order are kept."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from appliance.cli.output import keep, prints, put, say, tells
from appliance.config import Conf, load
from appliance.config.edit import name_missing, set_values
from appliance.config.ha_tab import checked_values
from appliance.config.key import Key
from appliance.config.other_conf import ConfDiff, Difference, OtherConf, compare
from appliance.config.schema import KEY_BY_NAME, KEYS, closest_key, takes_effect
from appliance.control.answers import ask_as
from appliance.control.client import AgentAbsent
from appliance.core.answers import Said
from appliance.core.errors import SyncError, UserError
from appliance.core.model import Node
from appliance.core.text import printable
from appliance.host.paths import CONF

_PATH = click.option("--conf", "path", type=click.Path(path_type=Path), default=CONF, show_default=True)
_UPGRADE = "Bring asha there to this version."
AS_BEFORE = "Already set; nothing was changed."


@dataclass(frozen=True, slots=True)
class KeyShown:
    """A key of the conf file. `value`: null for a secret, of which `set` says whether it has one.

    `takes_effect`: at once, or what must be restarted first.
    """

    key: str
    value: str | None
    set: bool
    default: str
    group: str
    takes_effect: str
    comment: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfChecked:
    """The conf file at `path` has no problem; one that has some is an error, which names them all."""

    path: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfSet:
    """`says`: what was done, in sentences for people. `diff`: the changed lines of the file, "" when none changed."""

    says: tuple[str, ...] = ()
    diff: str = ""


@dataclass(frozen=True, slots=True)
class ConfUpdated:
    """`says`: what was done, in sentences for people. `named`: the keys that the file did not name before."""

    says: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


@click.group()
def conf() -> None:
    """Read and change the conf file, /etc/asha.conf."""


@conf.command("list")
@prints(tuple[KeyShown, ...])
@_PATH
def conf_list(*, path: Path) -> None:
    """Show every key with its value now, its default and its meaning."""
    current = load(path)
    put([_described(key, current) for key in KEYS], lambda _: _key_lines(current))


def _key_lines(current: Conf) -> Iterator[str]:
    for key in KEYS:
        value = key.shown(current)
        differs = "" if value == key.default else f"   (default: {key.default or 'empty'})"
        yield f"{key.name}={value}{differs}"
        yield from (f"    {line}" for line in key.comment)


def _described(key: Key, current: Conf) -> KeyShown:
    value = key.text(current)
    return KeyShown(
        key.name,
        None if key.secret else value,
        bool(value),
        key.default,
        key.group.value,
        key.effect.value,
        tuple(key.comment),
    )


@conf.command("get")
@click.argument("name", metavar="KEY")
@prints(KeyShown)
@_PATH
def conf_get(name: str, *, path: Path) -> None:
    """Show the value of KEY alone, as scripts want it; a secret's is shown too, to who may read the file."""
    key = KEY_BY_NAME.get(name.upper())
    if key is None:
        near = closest_key(name)
        raise UserError(
            f"There is no key {name}.", todo=f"Did you mean {near}?" if near else "asha conf list"
        )
    current = load(path)
    put(_described(key, current), lambda _: [key.text(current)])


@conf.command("check")
@prints(ConfChecked)
@_PATH
def conf_check(*, path: Path) -> None:
    """Check the file. Every problem is named, with its line and what would be right."""
    load(path)
    put(ConfChecked(str(path)), lambda checked: [f"{checked.path}: no problem."])


@conf.command("set")
@tells(ConfSet)
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
    keep(diff=diff)
    say(diff or AS_BEFORE)
    if diff and path == CONF:
        put_into_force(wanted)
    if peer:
        _apply_at_peer(wanted)


def put_into_force(names: Iterable[str]) -> None:
    """Have the running agent read the file again, and say when each of the keys takes effect."""
    try:
        ask_as(Said, "reload")
    except AgentAbsent:
        say("No agent runs on this node; it takes the file when it starts.")
        return
    say(*takes_effect(names))


def _apply_at_peer(values: dict[str, str]) -> None:
    from appliance.local_node import conf_and_node  # noqa: PLC0415 - needed with --peer only
    from appliance.sync.peer_link import apply_at_peer  # noqa: PLC0415
    from appliance.sync.ssh import way_to_peer  # noqa: PLC0415

    here, node = conf_and_node()
    name = here.secondary_name if node is Node.PRIMARY else here.primary_name
    answer = apply_at_peer(way_to_peer(here, node), name, values, f"root, by way of {os.uname().nodename}")
    if not answer.ok:
        raise SyncError(f"It is saved on this node. {answer.says}")
    say(answer.says)


@conf.command("diff")
@prints(ConfDiff)
@_PATH
def conf_diff(*, path: Path) -> None:
    """Compare the conf file with the other node's, key by key; it is asked over ssh.

    Secrets are compared and never shown. A key that belongs to one node, such as HAMEDIA, is expected to differ. The
    exit code is 0 when nothing else differs, 1 when something does, 6 when the other node does not answer.
    """
    found = _compared(load(path))
    put(found, _diff_lines)
    if any(not one.expected for one in found.differences):
        click.get_current_context().exit(1)


def _compared(own: Conf) -> ConfDiff:
    from appliance.core.as_json import read_as  # noqa: PLC0415 - needed here only
    from appliance.local_node import conf_and_node  # noqa: PLC0415
    from appliance.sync.gate import NOT_FOR_THIS_KEY  # noqa: PLC0415
    from appliance.sync.peer_link import ask_once  # noqa: PLC0415
    from appliance.sync.ssh import way_to_peer  # noqa: PLC0415

    here, node = conf_and_node()
    way = way_to_peer(here, node)
    name = here.secondary_name if node is Node.PRIMARY else here.primary_name
    try:
        told = read_as(OtherConf, ask_once(way, "values").get("conf"))
        return compare(own, told, os.uname().nodename, name)
    except ValueError as wrong:
        raise SyncError(
            f"{way.host} does not tell its conf as this asha expects: {wrong}.", todo=_UPGRADE
        ) from None
    except SyncError as problem:
        if NOT_FOR_THIS_KEY in str(problem):
            raise SyncError(f"{way.host} has an asha that cannot tell its conf yet.", todo=_UPGRADE) from None
        raise


def _diff_lines(found: ConfDiff) -> Iterator[str]:
    yield from _listed("Differs:", [one for one in found.differences if not one.expected], found)
    own = [one for one in found.differences if one.expected]
    yield from _listed("Differs, as is expected of a key that belongs to one node:", own, found)
    for name, keys in ((found.here, found.only_here), (found.there, found.only_there)):
        if keys:
            yield f"Known to the asha of {name} only: {', '.join(map(printable, keys))}."
    if not found.differences:
        yield f"No key differs between {found.here} and {found.there}."


def _listed(head: str, differences: list[Difference], found: ConfDiff) -> Iterator[str]:
    if differences:
        yield head
    for one in differences:
        if one.here is None or one.there is None:
            yield f"  {one.key}: the values are not shown"
            continue
        yield f"  {one.key}"
        width = max(len(found.here), len(found.there))
        for name, value in ((found.here, one.here), (found.there, one.there)):
            yield f"    {name:<{width}}  {printable(value) or '(blank)'}"


@conf.command("update")
@tells(ConfUpdated)
@_PATH
def conf_update(path: Path) -> None:
    """Name the keys that the file does not know yet, commented out with their defaults. No value changes.

    The package does this when it is upgraded.
    """
    named = name_missing(path)
    keep(named=tuple(named))
    say(f"Named in {path}: {', '.join(named)}." if named else "Nothing to add: every key is listed.")
