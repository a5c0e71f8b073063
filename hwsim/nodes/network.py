"""The rack's network: a service LAN, a direct cable between the nodes, and a host outside.

    eth0  service LAN   primary 10.77.0.1, secondary .2, outside host .50; the cluster address .100
                        belongs to the engine and is never set here
    eth1  direct cable  primary 10.78.0.1, secondary .2

Guests are further machines on the LAN alone, "guest1" at .11 and so on.

With `ipv6` each has an address of IPv6 too: fd00:77::1, ::2 and ::50 on the LAN, where the cluster's is ::100, and
fd00:78::1 and ::2 on the cable.

LAN and cable are bridges in a namespace of their own, the switch, so that a link is cut where the node cannot
see it: at the far side of the wire.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
from typing import Literal

from hwsim.nodes import remains
from hwsim.nodes.netns import ip_batch, socket_in

Link = Literal["eth0", "eth1"]
LAN: Link = "eth0"
CABLE: Link = "eth1"
LINKS: tuple[Link, ...] = (LAN, CABLE)
CLUSTER_ADDRESS = "10.77.0.100"
CLUSTER_ADDRESS6 = "fd00:77::100"
CLUSTER_NAMES = ("primary", "secondary")

MOST_GUESTS = 4
_HOST_NUMBER = {
    "primary": 1,
    "secondary": 2,
    "outside": 50,
    **{f"guest{number}": 10 + number for number in range(1, MOST_GUESTS + 1)},
}
_BRIDGE: dict[Link, str] = {LAN: "lan", CABLE: "cable"}
_SUBNET: dict[Link, str] = {LAN: "10.77.0", CABLE: "10.78.0"}
_SUBNET6: dict[Link, str] = {LAN: "fd00:77:", CABLE: "fd00:78:"}
_BRIDGE_OPTIONS = "type bridge forward_delay 0 stp_state 0 mcast_snooping 0"

# <linux/sockios.h>, <linux/if.h>
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_SIOCBRADDIF, _SIOCBRDELIF = 0x89A2, 0x89A3
_IFF_UP = 1


class Network:
    """The namespaces `PREFIX-primary`, `-secondary`, `-outside` and `-switch`, wired together.

    Nodes here are named by their place, "primary" and "secondary". A port forwards while its link is whole
    (`cut`/`heal`), its node has power (`unplug`/`plug`) and the node is not hung (`mute`/`unmute`). `guests`: how many
    further machines there are on the LAN.
    """

    def __init__(self, prefix: str, *, ipv6: bool = False, guests: int = 0) -> None:
        self.prefix = prefix
        self.guests = tuple(f"guest{number}" for number in range(1, guests + 1))
        self._ipv6 = ipv6
        self._switch: socket.socket | None = None
        self._cut: set[tuple[str, Link]] = set()
        self._unplugged: set[str] = set()
        self._mute: set[str] = set()

    def namespace(self, node: str) -> str:
        """Return the network namespace of a node, of "outside", or of "switch"."""
        return f"{self.prefix}-{node}"

    @staticmethod
    def address(node: str, link: Link = LAN) -> str:
        """Return the node's own address on `link`, without prefix length."""
        return f"{_SUBNET[link]}.{_HOST_NUMBER[node]}"

    @staticmethod
    def address6(node: str, link: Link = LAN) -> str:
        """Return the node's own address of IPv6 on `link`, without prefix length."""
        return f"{_SUBNET6[link]}:{_HOST_NUMBER[node]}"

    @staticmethod
    def mac(node: str, link: Link = LAN) -> str:
        """Return the node's hardware address on `link`."""
        return f"02:00:00:00:{_HOST_NUMBER[node]:02x}:{LINKS.index(link):02x}"

    async def up(self) -> None:
        """Build the network, after removing what a killed run with this prefix left. Raises RackError."""
        await self.down()
        await asyncio.to_thread(remains.remove, self.prefix, keep_disks=True)
        names = ("switch", "outside", *self.guests, *CLUSTER_NAMES)
        await ip_batch([f"netns add {self.namespace(name)}" for name in names])
        await ip_batch(self._wiring(), namespace=self.namespace("switch"))
        await self.reset("outside")
        self._switch = socket_in(self.namespace("switch"))

    async def down(self) -> None:
        """Remove the network. Nodes must be off. Harmless when the network is not up."""
        if self._switch is None:
            return
        self._switch.close()
        self._switch = None
        self._cut.clear()
        self._unplugged.clear()
        self._mute.clear()
        await ip_batch(
            [
                f"netns del {self.namespace(name)}"
                for name in (*CLUSTER_NAMES, *self.guests, "outside", "switch")
            ],
            force=True,
        )

    async def reset(self, node: str) -> None:
        """Give the node its own addresses only, as a booting kernel does: no neighbours, no cluster address."""
        lines = ["link set lo up"]
        for link in self._links(node):
            lines += [
                f"addr flush dev {link}",
                f"neigh flush dev {link}",
                f"addr add {self.address(node, link)}/24 brd + dev {link}",
                f"link set {link} up",
            ]
            if self._ipv6:
                lines.append(f"addr add {self.address6(node, link)}/64 dev {link} nodad")
        await ip_batch(lines, namespace=self.namespace(node))

    def cut(self, node: str, link: Link) -> None:
        """Pull the cable out of the switch: both ends lose carrier at once."""
        self._cut.add((node, link))
        self._settle(node, link)

    def heal(self, node: str, link: Link) -> None:
        """Put the cable back."""
        self._cut.discard((node, link))
        self._settle(node, link)

    def unplug(self, node: str) -> None:
        """Darken all ports of a node that has lost power."""
        self._unplugged.add(node)
        for link in self._links(node):
            self._settle(node, link)

    def plug(self, node: str) -> None:
        """Bring up the ports of a node that has power, except those that were cut."""
        self._unplugged.discard(node)
        for link in self._links(node):
            self._settle(node, link)

    def whole(self, link: Link, *nodes: str) -> bool:
        """Tell whether the link's ports of all `nodes` pass frames."""
        dark = self._unplugged | self._mute | {node for node, cut in self._cut if cut == link}
        return not dark & set(nodes)

    def mute(self, node: str) -> None:
        """Pass no frame to or from a node that hangs, but keep its carrier.

        A frozen namespace would still answer ARP.
        """
        self._mute.add(node)
        self._bridge_ports(node, _SIOCBRDELIF)

    def unmute(self, node: str) -> None:
        """Pass the node's frames again."""
        self._mute.discard(node)
        self._bridge_ports(node, _SIOCBRADDIF)

    def _wiring(self) -> list[str]:
        lines = [
            line
            for bridge in _BRIDGE.values()
            for line in (f"link add {bridge} {_BRIDGE_OPTIONS}", f"link set {bridge} up")
        ]
        for node in (*CLUSTER_NAMES, *self.guests, "outside"):
            for link in self._links(node):
                peer = f"peer name {link} address {self.mac(node, link)} netns {self.namespace(node)}"
                lines.append(f"link add {_port(node, link)} type veth {peer}")
                lines.append(f"link set {_port(node, link)} master {_BRIDGE[link]} up")
        return lines

    @staticmethod
    def _links(node: str) -> tuple[Link, ...]:
        return LINKS if node in CLUSTER_NAMES else (LAN,)

    def _settle(self, node: str, link: Link) -> None:
        """Set the port's state from the cut cables and the power of the node."""
        up = node not in self._unplugged and (node, link) not in self._cut
        if self._switch is None:
            return
        name = _port(node, link).encode()
        answer = fcntl.ioctl(self._switch, _SIOCGIFFLAGS, struct.pack("16sh22x", name, 0))
        flags = struct.unpack("16sh22x", answer)[1]
        flags = flags | _IFF_UP if up else flags & ~_IFF_UP
        fcntl.ioctl(self._switch, _SIOCSIFFLAGS, struct.pack("16sh22x", name, flags))

    def _bridge_ports(self, node: str, request: int) -> None:
        if self._switch is None:
            return
        for link in self._links(node):
            ifreq = struct.pack("16si20x", _BRIDGE[link].encode(), self._port_index(node, link))
            with contextlib.suppress(OSError):  # the port is already in the bridge, or already out
                fcntl.ioctl(self._switch, request, ifreq)

    def _port_index(self, node: str, link: Link) -> int:
        assert self._switch is not None
        siocgifindex = 0x8933
        answer = fcntl.ioctl(
            self._switch, siocgifindex, struct.pack("16si20x", _port(node, link).encode(), 0)
        )
        index: int = struct.unpack("16si20x", answer)[1]
        return index


def _port(node: str, link: Link) -> str:
    """Return the switch's name of the port (at most 15 characters)."""
    return f"{link}-{node}"
