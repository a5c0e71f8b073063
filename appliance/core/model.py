"""The basic terms of the field: node, relay, line, D-channel, PBX."""

from __future__ import annotations

import enum


class Node(enum.Enum):
    """One of the two nodes of the pair; the primary carries the relay card."""

    PRIMARY = "primary"
    SECONDARY = "secondary"

    __hash__ = object.__hash__  # Enum's own is written in Python, and everything of a pair is kept by node

    @property
    def other(self) -> Node:
        """The other node of the pair."""
        return Node.SECONDARY if self is Node.PRIMARY else Node.PRIMARY


class Relay(enum.Enum):
    """The state of the relay, and so where the line is.

    Energised (NO contact) connects the primary, released (NC contact) the secondary.
    """

    ENERGISED = "energised"
    RELEASED = "released"


class Line(enum.Enum):
    """The telephone line as the span of this node reports it."""

    ABSENT = "absent"  # RED, LOS, BLUE: no usable signal reaches this node
    SETTLING = "settling"  # RECOVERING: bits flow, the driver holds its settle time
    CLEAR = "clear"  # no alarm, on a span that is known to raise one when the line is not here
    # No alarm, which tells nothing: hardware that raises none (Rhino analog), an unknown kind of span, or a
    # span that was never set up. The reading's `why` says which.
    UNVERIFIABLE = "unverifiable"

    @property
    def arrived(self) -> bool:
        """True when the signal reaches this node, settled or not."""
        return self in (Line.SETTLING, Line.CLEAR)


class DChannel(enum.Enum):
    """The Q.921 state as Asterisk reports it. NONE: the spans are analog and have no D-channel."""

    UP = "up"
    PARTLY = "partly up"  # of several spans, some are up and some are down
    DOWN = "down"
    NONE = "none"

    @property
    def is_down(self) -> bool:
        """True when the link of a span is down, be it of one among several."""
        return self in (DChannel.DOWN, DChannel.PARTLY)


class Pbx(enum.Enum):
    """The state of Asterisk on this node."""

    DEAD = "dead"  # the kernel says there is no such process
    STARTING = "starting"  # process alive, not fully booted
    RUNNING = "running"  # fully booted and answering
    HUNG = "hung"  # process alive and once booted; every probe silent past fall and dwell

    @property
    def process_alive(self) -> bool:
        """True when a process exists, which may hold the line, the address and the port."""
        return self is not Pbx.DEAD
