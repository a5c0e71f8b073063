"""The rules for what an operator may do in which state.

They are the rules of asha 1.0.0-2; the agent applies them wherever a request comes from.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appliance.core.engine_traits import ENGINE
from appliance.core.model import Node
from appliance.core.reading import is_known
from appliance.core.roles import Role
from appliance.core.transfer import Peer, unknown_because


class OperatorAction(enum.Enum):
    """An action that an operator can ask for."""

    START_HA = "ha start"
    STOP_HA = "ha stop"
    START_PBX = "pbx start"
    STOP_PBX = "pbx stop"
    STANDBY = "standby"
    TAKEOVER = "takeover"
    RELEASE_LINE = "line release"
    FAILBACK = "failback"
    MAINTENANCE_ON = "maintenance on"
    MAINTENANCE_OFF = "maintenance off"
    CLEANUP = "cleanup"


@dataclass(frozen=True, slots=True)
class Permit:
    """The answer to a wish.

    `says` is the consequence when the wish is allowed, and the reason with the way out when it is not.
    """

    allowed: bool
    says: str = ""


@dataclass(frozen=True, slots=True)
class ActionContext:
    """The facts that a wish depends on beside the role and the peer.

    `not_there`: why service must not leave with data that the peer has not got; `not_home`: why service must
    not come here without the peer's data; both are "" when nothing is in the way. `peer_newer`: the peer has
    data that are not here; `mergeable`: they can be brought here now. `moved`: how often service has moved within
    an hour, as this node counts, and nobody has acknowledged it. `dropped_minutes`: for how many minutes the engine
    drops requests to move service; 0 when it is not known to. `unfit`: why this node could not serve; "" when it could.
    `doubts`: why it is not known to be ready all the same. `unready`: the operator has said that service may go to a
    node that is not known to be ready. `old_there`: that the peer's data are old; "" when they are not.
    """

    node: Node = Node.PRIMARY
    peer_role: str = ""
    peer_newer: bool = False
    mergeable: bool = False
    not_there: str = ""
    not_home: str = ""
    maintenance: bool = False
    moved: int = 0
    dropped_minutes: int = 0
    unfit: str = ""
    doubts: str = ""
    unready: bool = False
    old_there: str = ""


ORDINARY = ActionContext()
_SERVING = frozenset({Role.ACQUIRING.value, Role.ACTIVE.value})


def _yes(says: str = "") -> Permit:
    return Permit(True, says)


def _no(says: str) -> Permit:
    return Permit(False, says)


def _start_ha(role: Role, peer: Peer, case: ActionContext) -> Permit:
    if role is Role.OFF:
        return _yes(f"the line is let go and Asterisk stopped first; {ENGINE} starts it where it belongs")
    return _no(f"the HA engine runs already (this node is {role.value})")


def _stop_ha(role: Role, peer: Peer, case: ActionContext) -> Permit:
    if role is Role.OFF:
        return _no("the HA engine does not run here")
    if role.holds and is_known(peer.alive, True):
        return _yes("service moves to the other node")
    return _yes("service ends: no peer is there to take it" if role.holds else "")


def _start_pbx(role: Role, peer: Peer, case: ActionContext) -> Permit:
    if role is Role.OFF:
        return _yes("the HA engine is off: Asterisk starts plainly, and the relay stays released")
    if role.holds:
        return _yes()
    if role is Role.WAITING:
        return _no(
            "the HA engine waits for the other node and starts Asterisk itself, at the latest after HAINITDEAD"
        )
    return _no(
        "this node does not hold the service; Asterisk must never run on both. 'asha takeover' brings it here"
    )


def _stop_pbx(role: Role, peer: Peer, case: ActionContext) -> Permit:
    if not role.holds:
        return _yes() if role is Role.OFF else _no("Asterisk does not run on a node that does not serve")
    if not is_known(peer.alive, True) or is_known(peer.fit, False):
        return _no("no standby could take over, so calls would end: 'asha ha stop' ends service on purpose")
    if why := _peer_not_ready(peer, case):
        return _no(why)
    return _yes("this is a failover: the other node takes over")


def _standby(role: Role, peer: Peer, case: ActionContext) -> Permit:
    if not role.holds:
        return _no(f"this node does not hold the service (it is {role.value})")
    if not is_known(peer.alive, True):
        return _no("the other node is not there")
    if why := _peer_not_ready(peer, case):
        return _no(why)
    if case.dropped_minutes:
        return _no(_dropped(case, "'asha standby --force' does not wait"))
    if case.not_there:
        return _no(case.not_there)
    return _yes(
        f"the other node takes over, and {case.old_there}" if case.old_there else "the other node takes over"
    )


def _takeover(role: Role, peer: Peer, case: ActionContext) -> Permit:
    if role.holds:
        return _no("this node holds the service already")
    if role is not Role.STANDBY:
        return _no(f"only a standby can take over (this node is {role.value})")
    if why := _not_ready(case):
        return _no(why)
    if case.dropped_minutes:
        return _no(_dropped(case, "'asha takeover --force' does not wait"))
    return _no(case.not_home) if case.not_home else _yes("service moves here")


def _not_ready(case: ActionContext) -> str:
    """Return why service stays where it is; "" when this node is fit, or when nobody serves that could go on."""
    if case.peer_role not in _SERVING:
        return ""
    if case.unfit:
        way_out = "'asha ha stop' on the node that serves moves service here all the same"
        return f"this node is not fit: {case.unfit}. {way_out}"
    if case.doubts and not case.unready:
        return f"this node is not known to be ready: {case.doubts}. 'asha takeover --not-ready' does not mind"
    return ""


def _peer_not_ready(peer: Peer, case: ActionContext) -> str:
    """Return why service must not go to the peer on purpose; "" when it is known to be ready."""
    if is_known(peer.fit, False):
        return f"the other node is not fit: {peer.unfit_because or 'it gives no reason'}"
    doubts = unknown_because(peer.fit) or peer.doubts
    if not doubts or case.unready:
        return ""
    return f"the other node is not known to be ready: {doubts}. 'asha standby --not-ready' does not mind"


def _dropped(case: ActionContext, way_out: str) -> str:
    left = f"for up to {case.dropped_minutes} more min"
    return (
        f"{ENGINE} has lost a request to move service, and drops every other one {left}. The standby ends "
        f"that within HADEADTIME and some seconds: try again then. {way_out}"
    )


def _release_line(role: Role, peer: Peer, case: ActionContext) -> Permit:
    if not role.holds:
        return _yes()
    if not is_known(peer.alive, True):
        return _no("no peer is there to take the line: 'asha ha stop' ends service on purpose")
    if why := _peer_not_ready(peer, case):
        return _no(why)
    return _yes("the relay drops and the other node takes over")


def _failback(role: Role, peer: Peer, case: ActionContext) -> Permit:
    if case.node is not Node.PRIMARY:
        return _no("failback leads to the primary: ask for it there")
    if role.holds:
        newer = _yes("what the secondary has got while it served is brought here")
        return newer if case.peer_newer else _no("this node serves, and the other node has nothing newer")
    if role is not Role.STANDBY:
        return _no(f"only a primary on standby can take service back (this node is {role.value})")
    if not is_known(peer.alive, True) or case.peer_role not in _SERVING:
        return _no(f"the other node does not serve (it is {case.peer_role or 'not heard of'})")
    if why := _not_ready(case):
        return _no(why)
    blocked = case.not_home and not case.mergeable
    return _no(case.not_home) if blocked else _yes("first the data, then service, come back here")


def _maintenance_on(role: Role, peer: Peer, case: ActionContext) -> Permit:
    if role in (Role.OFF, Role.WAITING):
        return _no(f"nothing is watched here while the HA engine {'is off' if role is Role.OFF else 'waits'}")
    return _yes("this node neither hands over nor restarts Asterisk automatically, until it ends on its own")


def _maintenance_off(role: Role, peer: Peer, case: ActionContext) -> Permit:
    return (
        _yes("this node watches again") if case.maintenance else _no("there is no maintenance on this node")
    )


def _cleanup(role: Role, peer: Peer, case: ActionContext) -> Permit:
    if not case.moved:
        return _no("no move of service is counted here")
    return _yes(
        f"moves of service counted so far ({case.moved}) count no more: it may move automatically again"
    )


_RULES: Mapping[OperatorAction, Callable[[Role, Peer, ActionContext], Permit]] = MappingProxyType(
    {
        OperatorAction.START_HA: _start_ha,
        OperatorAction.STOP_HA: _stop_ha,
        OperatorAction.START_PBX: _start_pbx,
        OperatorAction.STOP_PBX: _stop_pbx,
        OperatorAction.STANDBY: _standby,
        OperatorAction.TAKEOVER: _takeover,
        OperatorAction.RELEASE_LINE: _release_line,
        OperatorAction.FAILBACK: _failback,
        OperatorAction.MAINTENANCE_ON: _maintenance_on,
        OperatorAction.MAINTENANCE_OFF: _maintenance_off,
        OperatorAction.CLEANUP: _cleanup,
    }
)


def permit_for(wish: OperatorAction, role: Role, peer: Peer, case: ActionContext = ORDINARY) -> Permit:
    """Return whether `wish` is safe now, with the sentence for the operator."""
    return _RULES[wish](role, peer, case)
