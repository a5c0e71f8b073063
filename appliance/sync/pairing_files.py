"""Introduction of two nodes that are to become a pair: writing our own, and taking the other node's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.config import Conf, load
from appliance.config.conf import which_node
from appliance.config.edit import Edit, preview, set_values
from appliance.config.ha_tab import offered
from appliance.core.errors import AshaError, HostError, UserError
from appliance.core.model import Node
from appliance.host.paths import CONF, SSH_KEYS
from appliance.sync import ssh_access
from appliance.sync.errors import Fault, SyncProblem
from appliance.sync.pairing import Introduction, fill, read, write
from appliance.sync.peer_link import prove
from appliance.sync.ssh import NOT_KEPT, way_to_peer


@dataclass(frozen=True, slots=True)
class PairingFiles:
    """The places where a machine keeps what an introduction needs.

    `conf` is the conf file, `keys` the folder of asha's own ssh key and of the peer's pinned host keys,
    `ssh_dir` the folder of sshd's host keys, and `home` root's home (None: as the password database says).
    """

    conf: Path = CONF
    keys: Path = SSH_KEYS
    ssh_dir: Path = Path("/etc/ssh")
    home: Path | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The result of taking an introduction.

    `name` is the other node's name, `edit` the change of the conf file, `differences` the settings that
    differ and were left alone, `node` the part this machine plays in the pair.
    """

    name: str
    edit: Edit
    differences: tuple[str, ...]
    node: Node

    @property
    def says(self) -> str:
        """The result in sentences for the operator."""
        told = [f"{self.name} is known here now: its ssh key is accepted and its host keys are pinned."]
        if self.edit.after != self.edit.before:
            told.append("What this conf file lacked was filled in.")
        told += [f"Left as it is: {difference}." for difference in self.differences]
        return " ".join(told)


def introduce(place: PairingFiles, machine: str, address_of: Callable[[str, str, int], str]) -> str:
    """Return this machine's introduction as text, and make its ssh key when there is none.

    `address_of` takes HADEV's device, the cluster address and the prefix length, and returns this node's own
    address on that device, which is not the cluster address. Without a usable device the introduction carries
    no address.

    Raises ConfError, HostError, SyncError.
    """
    conf = load(place.conf)
    host_keys = ssh_access.own_host_keys(place.ssh_dir)
    key = ssh_access.make_key(place.keys, rsa=_peer_is_old(place))
    try:
        address = address_of(conf.device, conf.cluster_ip, conf.prefix)
    except HostError:
        address = ""  # HADEV is not set yet; until then the node names must resolve
    return write(Introduction(machine, address, key, host_keys, offered(conf)))


def take(
    place: PairingFiles,
    text: str,
    machine: str,
    *,
    anew: bool = False,
    may: Callable[[Edit], None] = lambda edit: None,
) -> Taken:
    """Take the other node's introduction `text`: pin its host keys, accept its key, fill in the conf file.

    The introduction is checked completely before anything is changed. Taking the same introduction twice is
    harmless. `anew`: accept the keys even when others were known before. `may` is called with the planned
    edit, and raises when the conf file must not be changed in this way.

    Raises UserError, ConfError, HostError, SyncError.
    """
    theirs = read(text)
    if theirs.name == machine:
        raise UserError("That is this machine's own introduction.", todo="Take it on the other node.")
    filling = fill(load(place.conf), theirs)
    edit = preview(place.conf, filling.values)
    node = _part_of(edit.conf, theirs, machine)
    known = ssh_access.pinned(place.keys)
    if not anew:
        _refuse_other_keys(place, theirs, known)
    may(edit)
    if not set(known) & set(theirs.host_keys):
        ssh_access.pin(place.keys, theirs.host_keys)
    ssh_access.make_key(place.keys, rsa=ssh_access.is_old(theirs.host_keys))
    ssh_access.accept_key(theirs.key, place.home)
    return Taken(theirs.name, set_values(place.conf, filling.values), filling.differences, node)


def is_known(place: PairingFiles) -> bool:
    """Return whether the other node's introduction was taken here."""
    return bool(ssh_access.pinned(place.keys) and ssh_access.accepted_key(place.home))


def proof(conf: Conf, node: Node, name: str, at: Path = SSH_KEYS) -> tuple[bool, str]:
    """Check that the other node, `name`, answers us over ssh and lets our key do nothing more.

    Returns whether that is so, and a sentence about it for people. `at` is the folder of our key.
    """
    try:
        prove(replace(way_to_peer(conf, node), socket=NOT_KEPT, keys=at))
    except SyncProblem as problem:
        if problem.kind is Fault.KEY_REFUSED:
            return False, f"{name} has not accepted this node yet: take this node's introduction there."
        return False, f"The way to {name} is not proven yet: {problem}"
    except AshaError as problem:
        return False, f"The way to {name} is not proven yet: {problem}"
    return True, f"{name} answers this node over ssh: the way is proven."


def _part_of(conf: Conf, theirs: Introduction, machine: str) -> Node:
    """Return which node this machine is beside the sender of `theirs`.

    Raises UserError when the two machines are not the pair of `conf`.
    """
    names = {Node.PRIMARY: conf.primary_name, Node.SECONDARY: conf.secondary_name}
    if {machine.lower(), theirs.name.lower()} != {name.lower() for name in names.values()}:
        raise UserError(
            f"The introduction is that of {theirs.name}, and this machine is {machine}; but the pair is "
            f"{conf.primary_name} (HAPRINODE) and {conf.secondary_name} (HASECNODE). Nothing was changed.",
            todo="Fill in the High Availability tab on one of the two, and take its introduction on the other first.",
        )
    return which_node(conf, machine)


def _refuse_other_keys(place: PairingFiles, theirs: Introduction, pinned: tuple[str, ...]) -> None:
    accepted = ssh_access.accepted_key(place.home)
    if pinned and not set(pinned) & set(theirs.host_keys):
        raise SyncProblem(
            Fault.OTHER,
            f"{theirs.name} is known here with other host keys. Nothing was changed. {_ANEW}",
        )
    if accepted and accepted != theirs.key:
        raise SyncProblem(
            Fault.OTHER,
            f"{theirs.name} is known here with another ssh key. Nothing was changed. {_ANEW}",
        )


_ANEW = "Was it installed again? Then 'asha introduction take --anew' as root believes the new ones."


def _peer_is_old(place: PairingFiles) -> bool:
    known = ssh_access.pinned(place.keys)
    return bool(known) and ssh_access.is_old(known)
