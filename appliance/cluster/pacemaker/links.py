"""The links between the nodes as Corosync's transport, knet, sees them: each is up while its probes are answered."""

from __future__ import annotations

import re
from typing import NamedTuple

from appliance.cluster.pacemaker.installation import PacemakerPaths
from appliance.core.errors import HostError
from appliance.host.process import run

_DEADLINE = 5.0
# A key of Corosync's map, such as `stats.knet.node2.link0.connected (u8) = 1`. Source: corosync_overview, cmap_keys(7).
_CONNECTED = re.compile(r"^stats\.knet\.node(\d+)\.link(\d+)\.connected \(u8\) = (\d+)$", re.MULTILINE)
_ADDRESS = re.compile(r"^nodelist\.node\.(\d+)\.ring(\d+)_addr \(str\) = (\S+)$", re.MULTILINE)
_NUMBER = re.compile(r"^nodelist\.node\.(\d+)\.nodeid \(u32\) = (\d+)$", re.MULTILINE)


class LinkState(NamedTuple):
    """A link: its number, the peer's address on it, and whether it is up."""

    number: int
    address: str
    up: bool


def parse(nodes: str, stats: str, peer_id: int) -> tuple[LinkState, ...]:
    """Return the links to the node `peer_id`, from the map's keys `nodelist.` and `stats.knet.`."""
    places = {place for place, number in _NUMBER.findall(nodes) if int(number) == peer_id}
    addresses = {int(link): address for place, link, address in _ADDRESS.findall(nodes) if place in places}
    return tuple(
        LinkState(int(link), addresses.get(int(link), ""), connected == "1")
        for node, link, connected in _CONNECTED.findall(stats)
        if int(node) == peer_id and int(link) in addresses
    )


def ask(paths: PacemakerPaths, peer_id: int) -> tuple[LinkState, ...]:
    """Return the links to the node `peer_id`, none while Corosync does not tell; blocks for some 20 ms."""
    try:
        nodes = run([paths.corosync_cmapctl, "nodelist."], deadline=_DEADLINE)
        stats = run([paths.corosync_cmapctl, "-m", "stats", f"stats.knet.node{peer_id}."], deadline=_DEADLINE)
    except HostError:
        return ()
    return parse(nodes.output, stats.output, peer_id) if nodes.ok and stats.ok else ()
