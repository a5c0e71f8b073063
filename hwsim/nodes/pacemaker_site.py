"""A node's disk as a fresh installation of Corosync and Pacemaker leaves it: no cluster, no CIB, no history yet.

corosync.conf, authkey and the first CIB are not made here: that is asha's work (or a test's own).
"""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.nodes.node import Node

# What the daemons write into. Both packages make these directories, with their owners.
_STATE = (
    "/var/lib/corosync",
    *(f"/var/lib/pacemaker/{name}" for name in ("cib", "pengine", "blackbox", "cores")),
    "/var/log/corosync",
    "/var/log/pacemaker",
)
_CLUSTER_FILES = ("/etc/corosync/corosync.conf", "/etc/corosync/authkey")


def install(node: Node, hosts: Mapping[str, str]) -> None:
    """Prepare the disk of a node that is off; `hosts` maps names to addresses for /etc/hosts.

    The host's own cluster, if it ever ran one, is hidden, and so is Debian's corosync.conf of a single node, which is
    no part of an installation elsewhere.
    """
    names = "".join(f"{address} {name}\n" for name, address in hosts.items())
    node.prepare(
        empty=_STATE,
        absent=_CLUSTER_FILES,
        files={"/etc/hosts": f"127.0.0.1 localhost\n{names}"},
    )
