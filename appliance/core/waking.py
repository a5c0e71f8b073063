"""A machine that stood still with its power on, and goes on: a paused virtual machine, a suspend, a hung host.

While it stood still its peer has called it dead. If it goes on as before, the engines of both nodes hear a life that
was over, call that the end of a split, and let go of everything on both (docs/facts/heartbeat.md). A new life of the
engine is none that was over. So a node that wakes ends its own engine before that has said much, and starts it again:
the peer goes on.

That is right only when the engine stood still as well. An agent that hung alone, on a machine whose engine went on
beating, was never missed by anybody. Two things tell it apart, and a node that serves needs both of them: the engine
has not been given the processor while the agent was away, and the peer serves by now. For that the LAN is asked who
else answers for the cluster address, because the peer's own word comes later. Where a machine's clocks stand still
together with it, nothing here notices: then the peer's own word alone does (`core/pair_watch.py`).

Of Corosync it cannot be told whether it stood still: it runs in bursts when it goes on. There a node that stands by
does nothing, because Pacemaker takes it in again as it is. One that serves begins anew as with Heartbeat, when its
agent stood still and the peer serves: of two that serve Pacemaker stops one, and not always the one that stood still
(docs/facts/pacemaker.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.engine_traits import ENGINE
from appliance.core.reading import Reading, is_known
from appliance.core.timing import ENGINE_LOOK, SURELY_LATE

# The engine is given the processor at least once in each keepalive, and twice while it hears its peer (measured:
# docs/facts/heartbeat.md); fewer than this share of that is an engine that stood still.
_BEATS = 0.7


@dataclass(frozen=True, slots=True)
class Pulse:
    """How often the engine named `engine` had been given the processor at `at`, in seconds since boot.

    `beats` is None of an engine of which that says nothing.
    """

    engine: str
    beats: int | None
    at: float


@dataclass(frozen=True, slots=True)
class Woke:
    """The machine has just gone on.

    `seconds`: for how long the engine stood still, at the least; where it is not known that it did, because `engine` is
    False, for how long this agent had no turn. `at`: when that was noticed (monotonic seconds).
    `peer_alive`: the engine had its peer for alive before. `elsewhere`: another machine has the cluster address; asked
    for on a node that has it too.
    """

    seconds: float
    at: float
    peer_alive: bool
    elsewhere: Reading[bool]
    engine: bool = True


def stood_still(before: Pulse | None, after: Pulse | None, keepalive: float) -> float:
    """Return for how many seconds the engine did nothing between two looks, at the least; 0.0 when it went on.

    The looks are `ENGINE_LOOK` apart, so that the engine may have beaten for so long before it stood still. Of an
    engine whose beats say nothing: how long the second look was missing.
    """
    if before is None or after is None or before.engine != after.engine:
        return 0.0
    passed = after.at - before.at
    if before.beats is None or after.beats is None:
        return passed if passed >= SURELY_LATE else 0.0
    if after.beats - before.beats >= _BEATS * passed / keepalive:
        return 0.0
    return max(0.0, passed - ENGINE_LOOK)


def begins_anew(woke: Woke, *, deadtime: float, serves: bool, peer_serves: bool) -> bool:
    """Tell whether a node that woke is to end its engine and start it again, because its peer has called it dead.

    Args:
        woke: What is known of the time in which it stood still.
        deadtime: After how many seconds of silence the peer calls this node dead.
        serves: This node acts under a grant, or has not yet given it back.
        peer_serves: The peer says that it holds a grant.
    """
    if woke.seconds < deadtime or not woke.peer_alive:
        return False
    if not serves:
        return woke.engine
    return peer_serves or is_known(woke.elsewhere, True)


def says(woke: Woke, *, anew: bool, serves: bool) -> str:
    """Return what people are told of it, as a clause."""
    was = f"this node was frozen for {woke.seconds:.0f} s"
    if not anew:
        return f"{was}; {ENGINE} is left as it is here: the other node has not taken over"
    why = "the other node serves by now" if serves else "the other node has called it dead meanwhile"
    return f"{was}; {ENGINE} is started again here, because {why}"
