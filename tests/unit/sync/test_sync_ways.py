"""How the other node is reached: by name, by either family of addresses, and over every path that the conf knows."""

from __future__ import annotations

import pytest

from appliance.config import Conf, Medium
from appliance.core.model import Node
from appliance.sync.ssh import Ssh, way_to_peer, ways_to_peer


@pytest.mark.parametrize(
    ("host", "in_rsync"),
    [("pbx2", "pbx2"), ("192.0.2.7", "192.0.2.7"), ("2001:db8::7", "[2001:db8::7]")],
)
def test_rsync_has_an_address_of_ipv6_in_brackets_and_ssh_has_it_as_it_is(host: str, in_rsync: str) -> None:
    way = Ssh(host, 22)
    assert way.rsync_host == in_rsync and way.argv("true")[-2:] == (host, "true")


def test_every_path_that_the_conf_knows_is_tried_once() -> None:
    media = (
        Medium("ucast", "eth0", "192.0.2.2"),
        Medium("ucast", "eth1", "2001:db8::2"),
        Medium("serial", "/dev/ttyS0"),
        Medium("bcast", "eth2"),
    )
    conf = Conf(secondary_addr="192.0.2.2", media=media)
    ways = ways_to_peer(conf, Node.PRIMARY)
    assert ways[0] == way_to_peer(conf, Node.PRIMARY)
    assert [way.host for way in ways] == ["192.0.2.2", "2001:db8::2"]
