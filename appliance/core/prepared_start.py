"""A prepared start: Asterisk is started on the node that is about to serve, while the engine still hands service over.

The engine takes half a second for a move it was asked for, and deadtime for a death; Asterisk takes as long again to
boot. Both need not be waited for one after the other. A node that stands by starts its Asterisk before it has a grant
when it knows that no other one runs, by one of two pieces of evidence:

- **The peer's word.** It has given service up, has let the line go, and its Asterisk is gone; or, in a move that was
  planned, is being stopped, which it says as it begins: what the word takes on its way the stop takes too (`offers`).
- **Its loss of power.** The line has arrived here, which a relay without power lets it do, and nothing has been heard
  since of the peer, which was heard before: neither alone says so, both do. Of two nodes that have just been started
  the line is with the secondary too, and the primary has not spoken yet. And a peer that has gone on speaking after the
  line had come here, or whose Asterisk has answered at the cluster address, has power: its card is out, and when its
  agent falls silent that is only started again. Nor is it a loss of power when this node has just asked for service.

Asterisk alone is started: without a grant asha neither moves the relay nor sets the address. The engine sets that just
before it grants, so telephones may be answered in the moment between the two. When no grant follows, Asterisk is ended
again, and not started once more for the same evidence. A node that wants service back after all waits for a moment
until the peer has ended its own (`core/acquire.py`, PREPARED_ENDS), so that there are never two by this.
"""

from __future__ import annotations

from appliance.core.controller_events import ControllerPolicy, Inputs
from appliance.core.effects import GiveOrder
from appliance.core.engine_requests import ANSWERED_WITHIN
from appliance.core.model import Node, Pbx
from appliance.core.progress import ENDING
from appliance.core.reading import Known, is_known
from appliance.core.release import line_is_free
from appliance.core.roles import Role
from appliance.core.service_state import NEVER, NOT_PREPARED, Evidence, Prepared, ServiceState, Transition
from appliance.core.timing import ENGINE_LAG, ENGINE_SCRIPTS, LINE_LOOK, PEER_MESSAGE_PERIOD
from appliance.core.transfer import Goal, Order, Peer, Policy, Seen, Transfer, arrived
from appliance.core.values import held_since

# For so long after it has given service up a node says that the peer may start, in seconds. What was prepared must have
# ended before it takes service back, which it does when its request is not answered.
OFFERED_FOR = ANSWERED_WITHIN - 4.0
# An Asterisk that takes longer to stop, in seconds, is not on its way out: how it is ended then may fail.
STOPS_WITHIN = 2.0
# A peer that has missed its turn to speak is silent.
SILENT_FOR = 1.5 * PEER_MESSAGE_PERIOD
# What the peer had said before its power went is heard within so many seconds after the line has come.
_ON_ITS_WAY = PEER_MESSAGE_PERIOD / 2
# A line that falls here is seen so many seconds later at the latest: the slowest driver, and a look.
_LINE_SEEN = 2.0 + LINE_LOOK
# The standby calls the cluster address when the line moves; an Asterisk that lives has answered by then, in seconds.
_CALL_ANSWERED = 0.3
# A node that stood still may have been granted service meanwhile, by its script alone: that is read first, in seconds.
_GRANT_READ = 0.5
# What the engine may take longer for than its times say, on a busy machine, in seconds.
_PATIENCE = 4.0

_IN_VAIN = "it was started ahead, and no grant has followed"


def offers(state: ServiceState, seen: Seen, now: float) -> bool:
    """Tell whether the peer may start its Asterisk: service was given up, and the Asterisk here is gone or going."""
    transfer = state.transfer
    if transfer is None or transfer.goal is Goal.ACQUIRE or now - state.given_up_at > OFFERED_FOR:
        return False
    gone = transfer.done and is_known(seen.pbx, Pbx.DEAD)
    return gone or (state.planned and _is_being_stopped(transfer, seen, now))


def _is_being_stopped(transfer: Transfer, seen: Seen, now: float) -> bool:
    """Tell whether the line is let go, and an Asterisk that worked has just been told to stop."""
    told = transfer.ordered.get(Order.STOP_PBX)
    works = is_known(seen.pbx, Pbx.RUNNING) and Order.KILL_PBX not in transfer.ordered
    return works and line_is_free(transfer, seen, now) and told is not None and now - told <= STOPS_WITHIN


def follow_prepared(
    transition: Transition, inputs: Inputs, seen: Seen, policy: ControllerPolicy, now: float
) -> None:
    """Start Asterisk ahead of the grant where that is right, and end it when no grant follows.

    Args:
        transition: The step under way.
        inputs: What the turn looks at.
        seen: Its readings, as the step has them by now.
        policy: What the conf file says.
        now: Monotonic seconds.
    """
    if is_known(seen.peer.serves, True):
        # It has taken what was offered. When it gives that up, nothing is offered here any more.
        transition.set(given_up_at=NEVER)
    stands_by = transition.state.role is Role.STANDBY
    heard = _heard(seen.peer, now) or transition.state.heard_standing_by
    transition.set(heard_standing_by=stands_by and heard)
    _follow_arrival(transition, seen, now)
    state, prepared = transition.state, transition.state.prepared
    if state.role.holds:
        transition.set(prepared=NOT_PREPARED)  # its transfer goes on with what was begun
    elif prepared.since is not None:
        wanted = _still_wanted(prepared.evidence, now - prepared.since, seen, policy, now)
        wanted = wanted or now - state.gap_at < _GRANT_READ
        if state.role is not Role.STANDBY or not wanted:
            transition.set(prepared=Prepared(spent=True))
            transition.begin(Goal.RELEASE, _IN_VAIN)
    elif prepared.spent:
        if _heard(seen.peer, now) and not seen.peer.offers:
            transition.set(prepared=NOT_PREPARED)
    elif _is_able(state, inputs, seen, policy, now) and (
        evidence := _evidence(state, inputs, seen, policy.transfer, now)
    ):
        transition.set(prepared=Prepared(now, evidence))
        transition.note("prepared", says=evidence.value)
        generation = state.grant.generation
        transition.effects.append(GiveOrder(Order.START_PBX, evidence.value, generation, generation))


def _follow_arrival(transition: Transition, seen: Seen, now: float) -> None:
    """Note since when the line has been here, and whether the peer has spoken, or answered, after it had come."""
    state, granted = transition.state, seen.peer.granted
    here = held_since(state.line_here_since, now, arrived(seen.line))
    spoke = here is not None and isinstance(granted, Known) and granted.at > here + _ON_ITS_WAY
    spoke = spoke or (here is not None and is_known(seen.calls, True) and seen.calls.at > here)
    transition.set(
        line_here_since=here, spoke_after_line=here is not None and (spoke or state.spoke_after_line)
    )


def _evidence(state: ServiceState, inputs: Inputs, seen: Seen, policy: Policy, now: float) -> Evidence | None:
    """Return what says that no other Asterisk runs; None when nothing does, or it is not asked for."""
    if not policy.prepares:
        return None
    if seen.peer.offers:
        return Evidence.GIVEN_UP
    asked = now - inputs.asked.takeover_at < ANSWERED_WITHIN  # then the line has come because of that
    known = state.heard_standing_by and not state.spoke_after_line and not asked
    return Evidence.NO_POWER if known and _has_no_power(state, seen, policy, now) else None


def _has_no_power(state: ServiceState, seen: Seen, policy: Policy, now: float) -> bool:
    """Tell whether the line has come here, and the peer, which had spoken until then, is silent since.

    One that had been silent before is a second witness of nothing: its agent is away, and its card may just be out.
    """
    falls_here = policy.node is Node.SECONDARY and policy.has_line
    here, granted = state.line_here_since, seen.peer.granted
    if here is None or not isinstance(granted, Known) or not arrived(seen.line):
        return False
    spoke = granted.at >= here - _LINE_SEEN - SILENT_FOR
    return falls_here and spoke and now - here >= _CALL_ANSWERED and not _heard(seen.peer, now)


def _heard(peer: Peer, now: float) -> bool:
    """Tell whether the peer has spoken when it was to, and the engine does not call it dead."""
    spoke = isinstance(peer.granted, Known) and now - peer.granted.at < SILENT_FOR
    return spoke and not is_known(peer.alive, False)


def _is_able(state: ServiceState, inputs: Inputs, seen: Seen, policy: ControllerPolicy, now: float) -> bool:
    # Of two that offer at the same time neither begins; what the peer has said may be so old.
    transfer, offered = state.transfer, OFFERED_FOR + policy.peer_max_age
    return (
        state.role is Role.STANDBY
        and inputs.fit
        and is_known(inputs.engine, True)
        and state.gap == 0.0  # the peer only seems silent to a node that stood still
        and not state.grant.held
        and now - state.given_up_at > offered
        and not seen.maintenance
        and is_known(seen.pbx, Pbx.DEAD)
        and not seen.busy & (ENDING | {Order.START_PBX})
        and (transfer is None or (transfer.done and transfer.goal is not Goal.ACQUIRE))
    )


def _still_wanted(
    evidence: Evidence | None, lasted: float, seen: Seen, policy: ControllerPolicy, now: float
) -> bool:
    heard = _heard(seen.peer, now)
    if evidence is Evidence.GIVEN_UP:
        return lasted < OFFERED_FOR and (seen.peer.offers or not heard)
    # An engine that does not call the peer dead in its time hears it, and so the peer has power.
    called = policy.watch.deadtime + ENGINE_LAG
    settled = called + (ENGINE_SCRIPTS + _PATIENCE if is_known(seen.peer.alive, False) else 0.0)
    return lasted < settled and arrived(seen.line) and not heard
