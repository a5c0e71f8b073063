"""The field's nouns: nodes, roles, relay, line, PBX."""

from __future__ import annotations

import enum


class Node(enum.Enum):
    """Which of the pair: the primary carries the relay card."""

    PRIMARY = "primary"
    SECONDARY = "secondary"

    @property
    def other(self) -> Node:
        """The peer."""
        return Node.SECONDARY if self is Node.PRIMARY else Node.PRIMARY


class Relay(enum.Enum):
    """Where the relay sends the line. Energised (NO) is the primary, released (NC) the secondary."""

    ENERGISED = "energised"
    RELEASED = "released"


class Line(enum.Enum):
    """What this node's span says of the telephone line."""

    ABSENT = "absent"  # RED, LOS, BLUE: no usable signal reaches this node
    SETTLING = "settling"  # RECOVERING: bits flow, the driver holds its settle time
    CLEAR = "clear"  # no alarm, on a span that is known to raise one when the line is not here
    # No alarm, which tells nothing: hardware that raises none (Rhino analog), a kind of span that nobody knows, a span
    # that was never set up. The reading says which.
    UNVERIFIABLE = "unverifiable"

    @property
    def arrived(self) -> bool:
        """The signal reaches this node, settled or not."""
        return self in (Line.SETTLING, Line.CLEAR)


class DChannel(enum.Enum):
    """Q.921 as Asterisk reports it. NONE: the spans are analog and have no D-channel."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


class Pbx(enum.Enum):
    """Asterisk on this node."""

    DEAD = "dead"  # the kernel says there is no such process
    STARTING = "starting"  # process alive, not fully booted
    RUNNING = "running"  # fully booted and answering
    HUNG = "hung"  # process alive and once booted; every probe silent past fall and dwell

    @property
    def process_alive(self) -> bool:
        """A process exists and may hold the line, the address and the port."""
        return self is not Pbx.DEAD
