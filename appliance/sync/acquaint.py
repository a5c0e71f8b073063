"""Two nodes that are to become a pair: this one's introduction, and taking the other's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.config import CONF_PATH, Conf, load
from appliance.config.edit import Edit, preview, set_values
from appliance.config.identity import which_node
from appliance.config.tab import offered
from appliance.core.errors import AshaError, HostError, UserError
from appliance.core.model import Node
from appliance.sync import keys
from appliance.sync.introduction import Introduction, fill, read, write
from appliance.sync.problems import Kind, SyncProblem
from appliance.sync.question import prove
from appliance.sync.ssh import KEYS, NOT_KEPT, way_to_peer


@dataclass(frozen=True, slots=True)
class Place:
    """Where a machine keeps what belongs to it: conf, our keys, sshd's host keys, root's home (None: by its entry)."""

    conf: Path = CONF_PATH
    keys: Path = KEYS
    ssh_dir: Path = Path("/etc/ssh")
    home: Path | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken: from whom, what changed in the conf, and what differs and was left as it is."""

    name: str
    edit: Edit
    differences: tuple[str, ...]
    node: Node

    @property
    def says(self) -> str:
        """For people."""
        told = [f"{self.name} is known here now: its ssh key is accepted and its host keys are pinned."]
        if self.edit.after != self.edit.before:
            told.append("What this conf file lacked was filled in.")
        told += [f"Left as it is: {difference}." for difference in self.differences]
        return " ".join(told)


def introduce(place: Place, machine: str, address_of: Callable[[str, str, int], str]) -> str:
    """This machine's text; its key is made when there is none. `address_of`: own address, by device and not that one.

    Raises ConfError, HostError, SyncError.
    """
    conf = load(place.conf)
    host_keys = keys.own_host_keys(place.ssh_dir)
    key = keys.make_key(place.keys, rsa=_peer_is_old(place))
    try:
        address = address_of(conf.device, conf.cluster_ip, conf.prefix)
    except HostError:
        address = ""  # before HADEV is set; then the names must resolve
    return write(Introduction(machine, address, key, host_keys, offered(conf)))


def take(
    place: Place,
    text: str,
    machine: str,
    *,
    anew: bool = False,
    may: Callable[[Edit], None] = lambda edit: None,
) -> Taken:
    """Take the other node's `text`: everything is looked at before anything is changed. Twice is harmless.

    `anew`: keys other than those known before are believed. `may` raises when the conf must not be changed so.
    Raises UserError, ConfError, HostError, SyncError.
    """
    theirs = read(text)
    if theirs.name == machine:
        raise UserError("That is this machine's own introduction.", todo="Take it on the other node.")
    filling = fill(load(place.conf), theirs)
    edit = preview(place.conf, filling.values)
    node = _part_of(edit.conf, theirs, machine)
    known = keys.pinned(place.keys)
    if not anew:
        _refuse_other_keys(place, theirs, known)
    may(edit)
    if not set(known) & set(theirs.host_keys):
        keys.pin(place.keys, theirs.host_keys)
    keys.make_key(place.keys, rsa=keys.is_old(theirs.host_keys))
    keys.accept_key(theirs.key, place.home)
    return Taken(theirs.name, set_values(place.conf, filling.values), filling.differences, node)


def is_known(place: Place) -> bool:
    """The other node was introduced here."""
    return bool(keys.pinned(place.keys) and keys.accepted_key(place.home))


def proof(conf: Conf, node: Node, name: str, at: Path = KEYS) -> tuple[bool, str]:
    """Whether the other node, `name`, answers us over ssh and opens nothing more; and that in words."""
    try:
        prove(replace(way_to_peer(conf, node), socket=NOT_KEPT, keys=at))
    except SyncProblem as problem:
        if problem.kind is Kind.KEY_REFUSED:
            return False, f"{name} has not accepted this node yet: take this node's introduction there."
        return False, f"The way to {name} is not proven yet: {problem}"
    except AshaError as problem:
        return False, f"The way to {name} is not proven yet: {problem}"
    return True, f"{name} answers this node over ssh: the way is proven."


def _part_of(conf: Conf, theirs: Introduction, machine: str) -> Node:
    """Which node this machine is beside theirs. Raises UserError when the two are not the pair of `conf`."""
    names = {Node.PRIMARY: conf.primary_name, Node.SECONDARY: conf.secondary_name}
    if {machine, theirs.name} != set(names.values()):
        raise UserError(
            f"The introduction is that of {theirs.name}, and this machine is {machine}; but the pair is "
            f"{conf.primary_name} (HAPRINODE) and {conf.secondary_name} (HASECNODE). Nothing was changed.",
            todo="Fill in the High Availability tab on one of the two, and take its introduction on the other first.",
        )
    return which_node(conf, machine)


def _refuse_other_keys(place: Place, theirs: Introduction, pinned: tuple[str, ...]) -> None:
    accepted = keys.accepted_key(place.home)
    if pinned and not set(pinned) & set(theirs.host_keys):
        raise SyncProblem(
            Kind.OTHER, f"{theirs.name} is known here with other host keys. Nothing was changed. {_ANEW}"
        )
    if accepted and accepted != theirs.key:
        raise SyncProblem(
            Kind.OTHER, f"{theirs.name} is known here with another ssh key. Nothing was changed. {_ANEW}"
        )


_ANEW = "Was it installed anew? Then 'asha introduction take --anew' as root believes the new ones."


def _peer_is_old(place: Place) -> bool:
    known = keys.pinned(place.keys)
    return bool(known) and keys.is_old(known)
