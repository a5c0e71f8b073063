"""What a node without a grant may still have: a stray Asterisk, an orphaned address, a relay not known to be released.

None of it is seen by the engine, which believes that this node holds nothing. Nor does it see a relay that is not where
this node has put it.
"""

from __future__ import annotations

from appliance.core import relay_position
from appliance.core.controller_events import Inputs
from appliance.core.effects import GiveOrder
from appliance.core.engine_target import EngineTarget
from appliance.core.engine_traits import ENGINE
from appliance.core.reading import Known, is_known
from appliance.core.relay_position import RelayDuty
from appliance.core.release import holds_relay
from appliance.core.roles import Role
from appliance.core.service_state import Transition
from appliance.core.stray import BESIDE_DWELL, STRAY_DWELL
from appliance.core.transfer import Goal, Order, Policy, Seen
from appliance.core.values import held_since

# An Asterisk that comes up by one of these orders was wanted until a moment ago.
_STARTING = frozenset({Order.START_PBX, Order.RESTART_PBX})
_UNCONFIRMED = "this node does not serve, and the relay card has not confirmed that it let the line go"
_ORPHANED = f"the cluster address is here, {ENGINE} is gone, and no grant is on file to say why"


def follow_stray(transition: Transition, inputs: Inputs, seen: Seen, now: float) -> None:
    """End an Asterisk that something else than asha has started on a node that does not serve.

    Args:
        transition: The step under way.
        inputs: What the turn looks at.
        seen: Its readings, as the step has them by now.
        now: Monotonic seconds.
    """
    state, transfer = transition.state, transition.state.transfer
    stray = (
        state.role in (Role.WAITING, Role.STANDBY)
        and state.prepared.since is None
        and (transfer is None or transfer.done)
        and not seen.maintenance
        and not seen.busy & _STARTING
        and not is_known(inputs.engine_serves, True)
        and isinstance(seen.pbx, Known)
        and seen.pbx.value.process_alive
    )
    since = held_since(state.stray_since, now, stray)
    transition.set(stray_since=since)
    dwell = BESIDE_DWELL if is_known(seen.peer.serves, True) else STRAY_DWELL
    if since is not None and now - since >= dwell:
        transition.end_stray(inputs.pbx_started_by)


def follow_orphan(transition: Transition, inputs: Inputs, seen: Seen) -> None:
    """Let go of the address and of Asterisk where an engine that has died left them, and the grant's file is lost too.

    A grant on file says that they are to be let go. Without it an agent that starts would take the node for one that
    was never asked to serve, while telephones go on calling it beside the peer. An engine that an operator has stopped
    is left alone: then the address was set by hand, by somebody who needs it.
    """
    state = transition.state
    if state.role is not Role.OFF:
        transition.set(grant_lost=False)  # the engine is back, and says what this node is to be
        return
    orphaned = (
        is_known(inputs.engine, False)
        and inputs.engine_target is not EngineTarget.STOPPED
        and not seen.maintenance
        and is_known(seen.address, True)
    )
    if state.grant_lost and orphaned:
        transition.set(grant_lost=False)
        transition.begin(Goal.LEAVE, _ORPHANED)


def follow_relay(transition: Transition, seen: Seen, policy: Policy, now: float) -> None:
    """Have the relay released again where nothing else does, until the card has taken the order.

    A card that did not answer the release, on a node that let the line go by the line's own witness or before it had a
    role, keeps the command of before. When it works again its relay follows that, and takes the line from the peer that
    serves. To release is always safe, so it is repeated under maintenance too.

    Args:
        transition: The step under way, after its plan was followed.
        seen: The readings of the turn.
        policy: What the conf file says of a transfer.
        now: Monotonic seconds.
    """
    transfer, asked = transition.state.transfer, transition.state.release_asked
    if transfer is not None:
        asked = max(
            asked, transfer.ordered.get(Order.RELEASE, asked)
        )  # it may be done by the line in the same step
    idle = transfer is None or (transfer.done and transfer.goal is not Goal.ACQUIRE)
    if not idle or not holds_relay(policy, seen) or Order.RELEASE in seen.busy or now - asked < policy.retry:
        return
    transition.set(release_asked=now)
    transition.effects.append(GiveOrder(Order.RELEASE, _UNCONFIRMED, transition.state.grant.generation, None))


def follow_position(transition: Transition, seen: Seen, policy: Policy, now: float) -> None:
    """Put right a relay whose register contradicts what it was told (see `core/relay_position.py`).

    Args:
        transition: The step under way.
        seen: The readings of the turn.
        policy: What the conf file says of a transfer.
        now: Monotonic seconds.
    """
    if not policy.has_card:
        return
    state, transfer = transition.state, transition.state.transfer
    acquires = state.role.holds and transfer is not None and transfer.goal is Goal.ACQUIRE
    duty = RelayDuty(state.role, acquires, state.grant.generation)
    record, remedy = relay_position.follow(state.position, seen, duty, now)
    transition.set(position=record)
    if remedy is not None:
        transition.note("card", says=remedy.says)
        if remedy.effect is not None:
            transition.effects.append(remedy.effect)
