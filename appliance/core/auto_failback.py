"""The automatic way back (HAAUTOFAILBACK=on): when a primary that stands by asks for service by itself.

Everything must have been in order for FAILBACKWAIT without a break, and for longer each time that service has come here
and left again (`core/move_limit.py`); from MOVELIMIT on a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.data_policy import Home, why_not
from appliance.core.engine_traits import ENGINE
from appliance.core.lost_request import is_lost
from appliance.core.move_limit import MoveRecord, reached
from appliance.core.service_state import ServiceState
from appliance.core.transfer import Peer
from appliance.core.values import changed

# The engine is not asked again sooner than this, in seconds.
ASKED_AGAIN = 60.0


@dataclass(frozen=True, slots=True)
class FailbackPolicy:
    """The keys of the conf file on which the automatic way back depends.

    Attributes:
        wanted: HAAUTOFAILBACK, while nothing has paused it.
        wait: FAILBACKWAIT, in seconds.
        move_limit: MOVELIMIT.
    """

    wanted: bool
    wait: float
    move_limit: int


@dataclass(frozen=True, slots=True)
class WayBack:
    """Since when nothing is in the way, None while something is; and when the engine was asked last.

    Times are monotonic seconds.
    """

    since: float | None = None
    asked_at: float = float("-inf")


def why_not_back(state: ServiceState, peer: Peer, home: Home, max_age: float, *, stands_down: bool) -> str:
    """Return what is in the way of service coming back here; "" when nothing is.

    Args:
        state: This node's.
        peer: What is known of the other node.
        home: What the way back depends on.
        max_age: How old the last merge of the data may be, in seconds.
        stands_down: Somebody works on one of the nodes.
    """
    if stands_down:
        return "somebody works on the pair (maintenance)"
    if is_lost(state, peer):
        return f"{ENGINE} drops requests to move service"
    return why_not(home, max_age)


def follow(
    way: WayBack, blocked: str, moves: MoveRecord, policy: FailbackPolicy, now: float
) -> tuple[WayBack, bool]:
    """Return how things stand after a look, and whether the engine is to be asked for service now.

    Args:
        way: As the look before left it.
        blocked: What is in the way (`why_not_back`).
        moves: How often service has moved.
        policy: What the conf file says.
        now: Monotonic seconds.
    """
    if not policy.wanted or blocked or reached(policy.move_limit, moves.count(now)):
        return changed(way, since=None), False
    since = now if way.since is None else way.since
    waited = now - since >= moves.failback_wait(policy.wait, now)
    due = waited and now - way.asked_at >= ASKED_AGAIN
    return WayBack(since, now if due else way.asked_at), due
