"""The cables of a pair: one from each node to the LAN's switch, and one from node to node.

Each can be dead in one direction alone, as behind a firewall or with a broken pair of wires. Heartbeat speaks over
every cable; the telephones are at the switch.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from appliance.core.model import Node


class Cable(enum.Enum):
    """A cable of the pair."""

    LAN_OF_PRIMARY = "the LAN cable of the primary"
    LAN_OF_SECONDARY = "the LAN cable of the secondary"
    DIRECT = "the direct cable"


LAN_OF = {Node.PRIMARY: Cable.LAN_OF_PRIMARY, Node.SECONDARY: Cable.LAN_OF_SECONDARY}


@dataclass
class Links:
    """Which cables are dead, and towards which node.

    `switch`: the LAN's switch has power. `walled`: nodes that take nothing in from the other node, as behind a firewall
    that drops Heartbeat's packets; telephones reach them.
    """

    dead: set[tuple[Cable, Node]] = field(default_factory=set)
    walled: set[Node] = field(default_factory=set)
    switch: bool = True

    def cut(self, cable: Cable, *towards: Node) -> None:
        """Cut `cable` for what goes `towards` a node; for everything when none is named."""
        self.dead |= {(cable, node) for node in towards or tuple(Node)}

    def cut_all(self) -> None:
        """Cut every cable both ways."""
        for cable in Cable:
            self.cut(cable)

    def mend(self, cable: Cable) -> None:
        """Have `cable` carry again both ways."""
        self.dead -= {(cable, node) for node in Node}

    def heal(self) -> None:
        """Have everything carry again."""
        self.dead.clear()
        self.walled.clear()
        self.switch = True

    def carries(self, sender: Node) -> bool:
        """Tell whether what `sender` says reaches the other node over one cable at least."""
        to, dead = sender.other, self.dead
        if to in self.walled:
            return False
        if not dead and self.switch:
            return True
        if (Cable.DIRECT, to) not in dead:
            return True
        return self.switch and (LAN_OF[sender], to) not in dead and (LAN_OF[to], to) not in dead

    def phones_reach(self, node: Node) -> bool:
        """Tell whether a telephone on the LAN reaches `node` and hears its answer."""
        if not self.dead and self.switch:
            return True
        cable = LAN_OF[node]
        return self.switch and (cable, node) not in self.dead and (cable, node.other) not in self.dead
