"""Deafness in one direction: what one node sends does not arrive at the other, and the other way round it does.

A node hears whether its peer is there; whether the peer hears it, only the peer can say. The deaf node takes its peer
for dead and serves, while the one that hears sees nothing wrong at all. So each tells the other what it hears, and the
one that hears says it to people: the remedy (a firewall, a cable, a port) is mostly not where the alarm is.
"""

from __future__ import annotations

from appliance.core.engine_traits import ENGINE
from appliance.core.status import PeerStatus


def one_way(peer: PeerStatus) -> tuple[str, ...]:
    """Return what goes only one way between this node and `peer`, in sentences for people."""
    if peer.hears_us.value is False:
        return (
            f"the {peer.node} is heard here and says that it does not hear this node: what goes there is lost on the "
            "way. Look for a firewall on either node (UDP, HAUDPPORT), and for a cable or a switch port that works one "
            "way",
        )
    return tuple(
        f"link {name} of {ENGINE} works one way only: the {peer.node} hears nothing of this node over it. Look for a "
        "firewall on either node, and for a cable or switch port that works one way"
        for name in deaf_here(peer)
    )


def deaf_here(peer: PeerStatus) -> tuple[str, ...]:
    """Return the links over which only this node hears the other."""
    if peer.hears_us.value is False:
        return ()
    return tuple(name for name in peer.deaf_links if peer.links.get(name, "up") == "up")
