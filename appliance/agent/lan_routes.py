"""The routes by which this node speaks to the LAN from the cluster address, as the conf file has them (HASOURCE)."""

from __future__ import annotations

from appliance.config import Conf
from appliance.core.ip_address import is_ipv4
from appliance.net.address import own_address
from appliance.net.lan_source import prefer_source


def speak_from_cluster_address(conf: Conf, peer: str = "") -> bool:
    """Set the routes, where HASOURCE says so; return whether that was a change.

    The cluster address must be here. `peer`: the address that the other node tells as its own on the LAN, "" when it
    has told none. Raises HostError.
    """
    if not conf.cluster_ip or conf.lan_source != "route":
        return False
    own = own_address(conf.device, conf.cluster_ip, conf.prefix)
    return prefer_source(conf.device, conf.cluster_ip, own, _other_nodes(conf, peer) - {own})


def _other_nodes(conf: Conf, peer: str) -> set[str]:
    """Return the IPv4 addresses at which the other node is reached, by the conf file and its own word.

    Names are not looked up: a resolver that does not answer would hold up the telephones.
    """
    named = {medium.argument for medium in conf.media if medium.kind == "ucast"}
    named |= {conf.primary_addr, conf.secondary_addr, peer}
    return {ip for ip in named if is_ipv4(ip) and ip != conf.cluster_ip}
