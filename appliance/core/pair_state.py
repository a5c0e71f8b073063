"""The state of the pair in the words in which people think of it: protected, running without protection, no service.

It is computed from one node's status, which has what the other node told of itself. Headline, page, exit codes, metrics
and the monitoring plugin all say this one thing, and only a pair that is *protected* has nothing wrong.

What is not known is said to be so: a node that cannot see whether anybody serves does not call that "no service".
"""

from __future__ import annotations

import enum

from appliance.core.engine_traits import ENGINE
from appliance.core.model import Pbx
from appliance.core.roles import Role
from appliance.core.status import StateStatus, Status
from appliance.core.text import format_duration
from appliance.core.transfer import Goal, Phase


class PairState(enum.Enum):
    """How the pair is; the value is how it is called everywhere."""

    PROTECTED = "protected"  # one node serves, and the other is known to be ready
    ON_SECONDARY = "running on the secondary"  # as after a failover; the primary may be ready or not
    UNPROTECTED = "running without protection"  # the primary serves, and nobody could take over
    DEGRADED = "degraded"  # one node serves, the other is ready, and something is to be seen to
    MOVING = "failing over"  # service is on its way
    NO_SERVICE = "no service"
    TWO_ACTIVE = "two active"
    UNKNOWN = "not known"  # this node cannot see whether anybody serves
    NOT_SET_UP = "not set up"


class Health(enum.IntEnum):
    """How a program is told of it: the exit code of `asha status` and of the monitoring plugin."""

    OK = 0
    DEGRADED = 1
    NO_SERVICE = 2
    UNKNOWN = 3


_HEALTH = {
    PairState.PROTECTED: Health.OK,
    PairState.NO_SERVICE: Health.NO_SERVICE,
    PairState.TWO_ACTIVE: Health.NO_SERVICE,
    PairState.UNKNOWN: Health.UNKNOWN,
    PairState.NOT_SET_UP: Health.UNKNOWN,
}
_ON_ITS_WAY = frozenset({Role.ACQUIRING.value, Role.RELEASING.value, Role.LEAVING.value})
_HOLDS = frozenset({Role.ACQUIRING.value, Role.ACTIVE.value})

_IDLE = {
    Role.OFF.value: f"{ENGINE} is off there",
    Role.WAITING.value: f"{ENGINE} waits for the other node there",
    Role.STANDBY.value: "it is on standby",
}


def pair_state(status: Status) -> StateStatus:
    """Return the state of the pair, as the node sees it whose status this is."""
    state, says = _state(status)
    return StateStatus(state.value, says, _HEALTH.get(state, Health.DEGRADED).value)


def _state(status: Status) -> tuple[PairState, str]:
    if not status.set_up:
        return PairState.NOT_SET_UP, "This node is not set up: fill in the High Availability tab."
    if _both_serve(status):
        return PairState.TWO_ACTIVE, "Both nodes are active: calls and messages go to one or the other."
    if moving := _moving(status):
        return PairState.MOVING, f"Failing over: {moving}."
    serving = _serving(status)
    return _served(status, serving) if serving else _nobody_seen(status)


def _both_serve(status: Status) -> bool:
    peer = status.peer
    both = status.role in _HOLDS and peer.alive.value is True and peer.granted.value is True
    return both or bool(
        status.role == Role.ACTIVE.value and status.address.duplicate and not _peer_role(status)
    )


def _peer_role(status: Status) -> str:
    """Return the role that the other node has by its own word; "" when it is not heard, or is dead."""
    peer = status.peer
    return peer.role if peer.granted.value is not None and peer.alive.value is not False else ""


def _moving(status: Status) -> str:
    """Return where service is on its way, in words; "" when it is not, or cannot get on."""
    transfer = status.transfer
    if status.role in _ON_ITS_WAY:
        if transfer is None or transfer.phase == Phase.BLOCKED.value:
            return ""
        does = "is taking over" if transfer.goal == Goal.ACQUIRE.value else "is letting go"
        note = transfer.note or transfer.phase
        return f"{_called(status, status.node)} {does}: {note} (for {format_duration(transfer.began)})"
    role = _peer_role(status)
    if role in _ON_ITS_WAY:
        does = "is taking over" if role == Role.ACQUIRING.value else "is letting go"
        return f"{_called(status, status.peer.node)} {does}"
    return ""


def _serving(status: Status) -> str:
    """Return which node serves, "primary" or "secondary"; "" when neither is seen to."""
    if status.role == Role.ACTIVE.value or (
        status.role == Role.ACQUIRING.value and status.pbx.state.value == "running"
    ):
        return status.node
    return status.peer.node if _peer_role(status) == Role.ACTIVE.value else ""


def _nobody_seen(status: Status) -> tuple[PairState, str]:
    """Return what is true when this node does not serve, and the other one is not heard to."""
    other = _called(status, status.peer.node)
    if status.lan.calls.value is True:
        return (
            PairState.UNPROTECTED,
            f"Running without protection: telephones can call, and {other} is not heard by this node.",
        )
    if status.transfer is not None and status.transfer.phase == Phase.BLOCKED.value:
        return PairState.NO_SERVICE, f"No service: {status.transfer.note}."
    if _peer_role(status) or status.peer.alive.value is False:
        here = "; ".join(status.unfit_because) or _IDLE.get(status.role, f"this node is {status.role}")
        there = "is gone" if status.peer.alive.value is False else f"is {_peer_role(status)}"
        return PairState.NO_SERVICE, f"No service: {other} {there}, and here: {here}."
    return (
        PairState.UNKNOWN,
        f"Not known whether anybody serves: this node does not, and {other} is not heard.",
    )


def _served(status: Status, serving: str) -> tuple[PairState, str]:
    standby = "secondary" if serving == "primary" else "primary"
    who, other = _called(status, serving), _called(status, standby)
    lacks = _not_ready(status, own=standby == status.node)
    ready = f"{other} is ready to take over" if not lacks else f"{other} is not ready: {lacks}"
    if serving == status.node and (unserved := _unserved(status)):
        return PairState.NO_SERVICE, f"No service: {unserved} on {who}, and {ready}."
    if serving == "secondary":
        return PairState.ON_SECONDARY, f"Running on {who}{_since(status)}. {ready[0].upper()}{ready[1:]}."
    if lacks:
        return PairState.UNPROTECTED, f"Running without protection: {who} is active, and {ready}."
    if status.problems:
        more = f" (and {len(status.problems) - 1} more)" if status.problems[1:] else ""
        return PairState.DEGRADED, f"Degraded: {status.problems[0]}{more}."
    return PairState.PROTECTED, f"Protected: {who} is active, and {ready}."


def _unserved(status: Status) -> str:
    """Return why the telephones are not served though this node has the service; "" when nothing is known of that."""
    if status.lan.reached.value is False:
        return f"the LAN is not reached ({status.lan.reached.why})"
    pbx = status.pbx.state.value
    return f"Asterisk is {pbx}" if pbx in (Pbx.DEAD.value, Pbx.HUNG.value) else ""


def _not_ready(status: Status, *, own: bool) -> str:
    """Return why the node that does not serve is not known to be ready to take over; "" when it is."""
    if own:
        if status.role != Role.STANDBY.value:
            return _IDLE.get(status.role, f"it is {status.role}")
        return "; ".join(status.unfit_because or status.doubts)
    peer = status.peer
    if peer.alive.value is False:
        return "it is gone"
    if peer.alive.value is None or peer.fit.value is None:
        return peer.alive.why if peer.alive.value is None else peer.fit.why
    if not peer.fit.value:
        return peer.unfit_because or "it gives no reason"
    return peer.doubts


def _since(status: Status) -> str:
    """Return for how long the secondary serves and why, as far as this node knows."""
    transfer = status.transfer
    wanted = Goal.ACQUIRE.value if status.node == "secondary" else Goal.RELEASE.value
    if transfer is None or transfer.goal != wanted:
        return ""
    why = f" ({transfer.reason})" if transfer.goal == Goal.RELEASE.value and transfer.reason else ""
    return f" for {format_duration(transfer.began)}{why}"


def _called(status: Status, node: str) -> str:
    name = status.names.of(node)
    return f"the {node} ({name})" if name else f"the {node}"
