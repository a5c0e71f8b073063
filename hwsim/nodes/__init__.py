"""The machines and the network of a rack, isolated from each other by Linux namespaces.

A `Network` is a service LAN, a direct cable and a host outside; a `Node` is a machine on it that boots, loses
power, hangs and reboots; `SerialCable` joins two serial ports; `Outside` is the telephone's view of the
cluster address. Everything a rack makes carries its `prefix`, and `remains.remove(prefix)` takes away what a
killed rack left.
"""

from __future__ import annotations

from hwsim.nodes.errors import NodeError, RackError
from hwsim.nodes.inside import Result, Running
from hwsim.nodes.network import CABLE, CLUSTER_ADDRESS, CLUSTER_ADDRESS6, LAN, Network
from hwsim.nodes.node import Node, Power
from hwsim.nodes.outside import Outside, Sighting
from hwsim.nodes.pair import Pair, pair
from hwsim.nodes.prefix import new_prefix, rack_dir
from hwsim.nodes.serial_cable import SerialCable

__all__ = [
    "CABLE",
    "CLUSTER_ADDRESS",
    "CLUSTER_ADDRESS6",
    "LAN",
    "Network",
    "Node",
    "NodeError",
    "Outside",
    "Pair",
    "Power",
    "RackError",
    "Result",
    "Running",
    "SerialCable",
    "Sighting",
    "new_prefix",
    "pair",
    "rack_dir",
]
