"""The choice of the cluster engine of this machine.

A pair that has run is never changed by itself: its two nodes would choose at different times, and an engine that has
lost its peer to another engine takes the peer for dead. So with `auto` what runs counts first, then what this node was
set up with, whose program may be gone: its start says so then. Only a node that is neither takes Pacemaker where both
are installed.
"""

from __future__ import annotations

from typing import NamedTuple

from appliance.cluster.engine import ClusterEngine
from appliance.cluster.heartbeat.engine import HeartbeatEngine
from appliance.cluster.pacemaker.engine import PacemakerEngine
from appliance.core.errors import HostError

NONE_INSTALLED = "no cluster engine is installed"
# In the order of preference for a new pair.
_ENGINES: tuple[type[PacemakerEngine] | type[HeartbeatEngine], ...] = (PacemakerEngine, HeartbeatEngine)


class Choice(NamedTuple):
    """The engine of this node, and why it is this one, as a clause."""

    engine: ClusterEngine
    why: str


def installed_engine(choice: str) -> ClusterEngine:
    """Return the cluster engine of this node, as `chosen_engine` has it."""
    return chosen_engine(choice).engine


def chosen_engine(choice: str) -> Choice:
    """Return the cluster engine of this node.

    One that is named is returned whether it is installed or not, which shows when one of its methods is called.

    Args:
        choice: The engine's name, or `auto` for the one that runs, else the one that this node was set up with last,
            else the first that is installed.
    """
    known = engines()
    for engine in known:
        if engine.traits.title.casefold() == choice.casefold():
            return Choice(engine, f"HAENGINE={choice} names it")
    for engine in known:
        if engine.identity():
            return Choice(engine, "it runs")
    before = max(known, key=lambda engine: engine.set_up_at())
    if before.set_up_at():
        return Choice(before, "this node was set up with it before")
    there = [engine for engine in known if _is_installed(engine)]
    if len(there) > 1:
        return Choice(there[0], "both are installed, and this node is new")
    if there:
        return Choice(there[0], "no other is installed")
    return Choice(known[-1], NONE_INSTALLED)  # what every host can have had


def _is_installed(engine: ClusterEngine) -> bool:
    try:
        engine.place()
    except HostError:
        return False
    return True


def engines() -> tuple[ClusterEngine, ...]:
    """Return every engine that asha knows, installed or not."""
    return tuple(engine() for engine in _ENGINES)


def engine_identity() -> str:
    """Return the identity of the master that runs now, of whichever engine; "" when none does.

    The resource script needs this when it has no agent to ask, and before the conf file is read.
    """
    return next((identity for engine in _ENGINES if (identity := engine().identity())), "")


def other_engines(engine: ClusterEngine) -> tuple[ClusterEngine, ...]:
    """Return the engines that asha knows besides `engine`."""
    return tuple(other for other in engines() if other.traits.title != engine.traits.title)
