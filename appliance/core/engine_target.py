"""Whether the engine of this node is to run: what must outlive agents and reboots to miss one that does not.

An agent that finds no engine cannot tell by itself whether one is missing. It may have died before this agent was
started, an operator may have stopped it, or nobody has ever started one, as on a node that is being installed. So the
last of "it was seen to run" and "an operator stopped it" is kept on file.
"""

from __future__ import annotations

import enum

from appliance.core.reading import Known, Reading


class EngineTarget(enum.Enum):
    """What the engine of this node is to be, as Pacemaker's target-role is for a resource."""

    UNSET = "unset"  # it was never seen to run here
    STARTED = "started"  # it has run, and no operator has stopped it since
    STOPPED = "stopped"  # an operator has stopped it, or is about to

    __hash__ = object.__hash__  # as for Node


def has_started(target: EngineTarget, engine: Reading[bool], *, was_down: bool) -> bool:
    """Tell whether the engine now runs although that is not its target: somebody has started it by hand.

    Args:
        target: Its target so far.
        engine: Whether it runs.
        was_down: It was not running when this agent last saw it, or this agent has not looked yet: that an operator has
            stopped it is on file only once it has stopped. One that runs on was told to stop, and has not stopped yet.
    """
    begun = target is EngineTarget.UNSET or (target is EngineTarget.STOPPED and was_down)
    return begun and isinstance(engine, Known) and engine.value


def is_missing(target: EngineTarget, engine: Reading[bool]) -> bool:
    """Tell whether the engine is known not to run, and nobody has stopped it."""
    return target is EngineTarget.STARTED and isinstance(engine, Known) and not engine.value
