"""The controller's part in what ends a state of the pair that the engine leaves as it is.

Which states these are, and whose turn it is, stands in `core/pair_watch.py`.
"""

from __future__ import annotations

from appliance.core import announcing
from appliance.core.controller_events import ControllerPolicy, Inputs
from appliance.core.effects import AnnounceAddress, AskTakeover, RestartEngine
from appliance.core.lost_request import is_lost
from appliance.core.model import Node
from appliance.core.pair_watch import (
    Claim,
    PairView,
    Remedy,
    StandingFault,
    due,
    rule_of,
    serves_next,
    standing,
    tried,
)
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState, Transition
from appliance.core.transfer import Goal, Seen, arrived
from appliance.core.waking import begins_anew, says


def watch_pair(transition: Transition, inputs: Inputs, seen: Seen, node: Node, now: float) -> None:
    """Follow the faults of the pair, and do what is this node's to do about them.

    Args:
        transition: The step under way.
        inputs: What the turn looks at.
        seen: Its readings, as the step has them by now.
        node: This node.
        now: Monotonic seconds.
    """
    _stamp_service(transition, inputs)
    view = _view(transition.state, inputs, seen, node, now)
    before = transition.state.faults
    faults = standing(before, view, now)
    if not before and not faults:
        return
    _note_changes(transition, before, faults)
    transition.set(faults=tuple(_mend(transition, one, view, now) for one in faults))


def follow_waking(transition: Transition, inputs: Inputs, policy: ControllerPolicy, now: float) -> None:
    """Start the engine afresh when the machine has stood still and its peer has called it dead.

    A peer that has taken over says so within `policy.peer_max_age` seconds; a node that stands by does not wait for it.
    """
    woke, state, peer = inputs.woke, transition.state, inputs.seen.peer
    if woke is None or woke.at <= state.woke_at:
        return
    serves = state.role.holds or state.grant.held
    took_over = is_known(peer.granted, True) and peer.granted.at >= state.granted_at
    peer_serves = took_over and not peer.stood_still
    anew = is_known(inputs.engine, True) and begins_anew(
        woke, deadtime=policy.watch.deadtime, serves=serves, peer_serves=peer_serves
    )
    if not anew and now - woke.at <= policy.peer_max_age:
        return
    what = says(woke, anew=anew, serves=serves)
    transition.set(woke_at=woke.at)
    if not anew and not woke.engine:
        return  # this agent had no turn for a while, which is all that is known
    transition.note("woke", seconds=round(woke.seconds, 1), restarts=anew, says=what)
    if anew:
        if state.role.holds:
            transition.let_go(what)
        transition.effects.append(RestartEngine(what))


def follow_announcements(transition: Transition, seen: Seen, now: float) -> None:
    """Have the address announced when telephones may look for it elsewhere (see `core/announcing.py`)."""
    state = transition.state
    told = announcing.follow(
        state.announcing,
        seen,
        serves_since=state.granted_at if state.role.holds and state.grant.held else None,
        peer_back=state.peer_alive is False and is_known(seen.peer.alive, True),
        now=now,
    )
    transition.set(announcing=told.after)
    if told.now:
        transition.effects.append(AnnounceAddress(told.why, state.grant.generation))


def _stamp_service(transition: Transition, inputs: Inputs) -> None:
    state = transition.state
    if state.role.holds and state.stamped != state.granted_at:
        transition.set(stamped=state.granted_at, served_since=int(inputs.wall))


def _view(state: ServiceState, inputs: Inputs, seen: Seen, node: Node, now: float) -> PairView:
    peer = seen.peer
    quiet = state.handing_over_since is None and not state.releasing and not seen.maintenance
    gave_up = state.handing_over_since is not None and not state.releasing
    return PairView(
        node=node,
        engine=is_known(inputs.engine, True),
        peer_alive=peer.alive,
        serves=state.role.holds,
        engine_serves=inputs.engine_serves,
        peer_serves=_said_under_this_service(peer.serves, state),
        peer_granted=peer.granted,
        peer_hears=peer.hears_us,
        has_let_go=state.peer_has_it and gave_up,
        gives_up=not state.peer_has_it and gave_up,
        stands_by=state.role in (Role.STANDBY, Role.WAITING) and quiet and not state.grant.held,
        moving=inputs.engine_moving,
        own=Claim(arrived(seen.line), state.served_since, bool(state.gap)),
        peer=Claim(arrived(peer.line), peer.served_since, peer.stood_still),
        fit=inputs.fit,
        peer_fit=peer.fit,
        lost_request=is_lost(state, peer),
        acknowledged=peer.heard_since in (None, state.served_since),
        address=is_known(seen.address, True),
        asked=inputs.fence.asked,
    )


def _said_under_this_service(serves: Reading[bool], state: ServiceState) -> Reading[bool]:
    """Return what the peer says, Unknown if it said so before this node began to serve: then it may well have."""
    if state.role.holds and isinstance(serves, Known) and serves.at < state.granted_at:
        return Unknown("the other node has not spoken since this node began to serve", serves.at)
    return serves


def _note_changes(
    transition: Transition, before: tuple[StandingFault, ...], faults: tuple[StandingFault, ...]
) -> None:
    had, has = ({one.fault for one in some if one.there} for some in (before, faults))
    for fault in sorted(had ^ has, key=lambda one: one.value):
        transition.note("pair", fault=fault.value, there=fault in has)


def _mend(transition: Transition, fault: StandingFault, view: PairView, now: float) -> StandingFault:
    remedy = due(fault, view, now)
    if remedy is None:
        return fault
    says = rule_of(fault.fault).says
    transition.note("pair", fault=fault.fault.value, remedy=remedy.value, tried=fault.tried)
    if remedy is Remedy.TAKE_OVER:
        transition.effects.append(AskTakeover())
        return tried(fault, now)
    if remedy is Remedy.TAKE_BACK_OR_RESTART and serves_next(view) is view.node:
        transition.take_back(says)
        return tried(fault, now)
    if remedy is Remedy.LET_GO:
        transition.let_go(says, address=True)
        return tried(fault, now)
    if remedy is Remedy.YIELD and transition.state.role.holds:
        transition.let_go(says)
    elif view.stands_by and view.address:
        transition.begin(
            Goal.LEAVE, says
        )  # an engine that is replaced knows nothing of an address that it had set
    transition.effects.append(RestartEngine(says, until_dead=remedy is Remedy.BE_CALLED_DEAD))
    return tried(fault, now)
