"""A node's disk as a fresh Heartbeat installation leaves it: no cluster, no identity, no history yet.

ha.cf, haresources and authkeys are not made here: that is asha's work (or a test's own).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hwsim.nodes.node import Node

STATE = Path("/var/lib/heartbeat")
_CLUSTER_FILES = ("/etc/ha.d/ha.cf", "/etc/ha.d/haresources", "/etc/ha.d/authkeys")


def install(node: Node, hosts: Mapping[str, str]) -> None:
    """Prepare the disk of a node that is off; `hosts` maps names to addresses for /etc/hosts.

    The host's own Heartbeat files, if it ever ran one, are hidden; its directories and scripts are
    kept. Heartbeat makes its uuid, generation and fifo at its first start.
    """
    history = [str(file) for file in STATE.iterdir() if not file.is_dir()]
    names = "".join(f"{address} {name}\n" for name, address in hosts.items())
    node.prepare(
        absent=(*_CLUSTER_FILES, *history),
        files={"/etc/hosts": f"127.0.0.1 localhost\n{names}"},
    )
