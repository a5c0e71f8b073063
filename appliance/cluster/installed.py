"""The choice of the cluster engine of this machine.

A pair that has run is never changed by itself: its two nodes would choose at different times, and an engine that has
lost its peer to another engine takes the peer for dead. So with `auto` what runs counts first, then what this node was
set up with, whose program may be gone: its start says so then. Only a node that is neither takes Pacemaker where both
are installed and the conf has nothing that it cannot do. Both nodes find the same, because they look at the same keys
of a conf that is alike on both; a node that is set up anew asks the other one besides
(agent/components/engine_change.py).
"""

from __future__ import annotations

from typing import NamedTuple

from appliance.cluster.engine import ClusterEngine
from appliance.cluster.heartbeat.engine import HeartbeatEngine
from appliance.cluster.pacemaker.engine import PacemakerEngine
from appliance.config import Conf
from appliance.config.check import clashes_with
from appliance.config.keys_cluster import EngineChoice
from appliance.core.errors import HostError

_WORDS: dict[str, EngineChoice] = {"Pacemaker": "pacemaker", "Heartbeat": "heartbeat"}
NONE_INSTALLED = "no cluster engine is installed"
# In the order of preference for a new pair.
_ENGINES: tuple[type[PacemakerEngine] | type[HeartbeatEngine], ...] = (PacemakerEngine, HeartbeatEngine)


class Choice(NamedTuple):
    """The engine of this node, and why it is this one, as a clause."""

    engine: ClusterEngine
    why: str


def engine_of(conf: Conf) -> ClusterEngine:
    """Return the cluster engine of this node, as `chosen_engine` has it."""
    return chosen_engine(conf.engine, conf).engine


def installed_engine(choice: str) -> ClusterEngine:
    """Return the cluster engine that is named, or with `auto` the one that runs or was set up, as `chosen_engine`."""
    return chosen_engine(choice).engine


def chosen_engine(choice: str, conf: Conf | None = None) -> Choice:
    """Return the cluster engine of this node.

    One that is named is returned whether it is installed or not, which shows when one of its methods is called.

    Args:
        choice: The engine's name, or `auto` for the one that runs, else the one that this node was set up with last,
            else the first that is installed and can do what is in `conf`.
        conf: What a new pair is to be started with; None when that does not matter.
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
        return _for_new_pair(there, conf)
    if there:
        return Choice(there[0], "no other is installed")
    return Choice(known[-1], NONE_INSTALLED)  # what every host can have had


def _for_new_pair(there: list[ClusterEngine], conf: Conf | None) -> Choice:
    """Return the first that can do what is in `conf`; else the first of all, whose start says what it cannot do."""
    why = "both are installed, and this node is new"
    left_out = ""
    for engine in there:
        clashes = clashes_with(conf, _WORDS[engine.traits.title]) if conf is not None else ()
        if not clashes:
            return Choice(engine, why + left_out)
        wants = "; ".join(f"{clash.key} would have to be {clash.want}" for clash in clashes)
        left_out += f", and {engine.traits.title} cannot do what the conf file has ({wants})"
    return Choice(there[0], why + left_out)


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
