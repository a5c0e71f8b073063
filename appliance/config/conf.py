"""Values of `/etc/asha.conf`, and which node of the pair this machine is by them."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.config.keys_cluster import ClusterKeys
from appliance.config.keys_original import OriginalKeys
from appliance.config.keys_service import ServiceKeys
from appliance.core.errors import UserError
from appliance.core.model import Node


# A dataclass takes the fields of its last base first: so they have the order of the conf file.
@dataclass(frozen=True, kw_only=True)
class Conf(ServiceKeys, ClusterKeys, OriginalKeys):
    """Values of the whole conf file; times are in seconds. An empty text or tuple means: not there, or off.

    Each field declares its key (`appliance.config.key`).
    """


def which_node(conf: Conf, uname: str) -> Node:
    """Return the node whose name is exactly `uname`, as 'uname -n' prints it.

    Heartbeat finds its nodes in the same way.

    Raises UserError when neither node has that name, and tells when a name differs only in its domain or in
    upper and lower case.
    """
    if uname == conf.primary_name:
        return Node.PRIMARY
    if uname == conf.secondary_name:
        return Node.SECONDARY
    names = (("HAPRINODE", conf.primary_name), ("HASECNODE", conf.secondary_name))
    almost = [(key, name, how) for key, name in names if (how := _almost(uname, name))]
    if almost:
        raise _almost_error(uname, almost)
    raise UserError(
        f"This machine is '{uname}' (uname -n), which is neither HAPRINODE ({conf.primary_name}) nor "
        f"HASECNODE ({conf.secondary_name}).",
        todo="Give the name of each node as 'uname -n' prints it there, the same in both conf files.",
    )


def _almost(uname: str, name: str) -> str:
    """Return how the two names differ when they differ only in form, else ""."""
    ours, theirs = uname.casefold(), name.casefold()
    if ours == theirs:
        return "in upper and lower case"
    if ours.startswith(f"{theirs}.") or theirs.startswith(f"{ours}."):
        return "in the domain"
    return ""


def _almost_error(uname: str, almost: list[tuple[str, str, str]]) -> UserError:
    differences = "; ".join(f"it differs from {key} ({name}) only {how}" for key, name, how in almost)
    key = almost[0][0]
    return UserError(
        f"This machine is '{uname}' (uname -n), which is not exactly one of the two nodes: {differences}.",
        todo=f"Make the names equal: 'asha conf set {key} {uname}' on both nodes, or give this machine "
        f"the name {almost[0][1]}.",
    )
