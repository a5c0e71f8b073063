"""What an agent that starts concludes from the grant on file and the engine's word, before its first turn."""

from __future__ import annotations

from appliance.core.controller_events import Inputs
from appliance.core.effects import ForgetRelay
from appliance.core.engine_traits import ENGINE
from appliance.core.grant import Grant, valid
from appliance.core.reading import is_known
from appliance.core.roles import Role
from appliance.core.service_state import Transition

WORKED_ALONE = "a resource script that found no agent has worked alone"


def compare_with_engine(transition: Transition, inputs: Inputs, *, grant_lost: bool) -> None:
    """Compare the grant on file with the engine's word, which restores one that was lost and ends an old one.

    While the engine does not say, or is about to move service, nothing is concluded: the turns go on looking.
    """
    if not is_known(inputs.engine, True) or inputs.engine_moving:
        return
    if grant_lost and is_known(inputs.engine_serves, True):
        transition.confirm(inputs.engine_id, f"the grant on file was lost while {ENGINE} has this node serve")
    elif is_known(inputs.engine_serves, False):
        transition.void(f"a grant was on file, and {ENGINE} says that this node holds nothing")


def grant_stands(grant: Grant, inputs: Inputs) -> bool:
    """Tell whether the grant is held, and not by the word of a master that another one has replaced."""
    return valid(grant, inputs.engine_id) if is_known(inputs.engine, True) else grant.held


def take_first_role(transition: Transition, inputs: Inputs, grant: Grant) -> None:
    """Take the first role, by the grant on file and what the engine is.

    A script that found no agent may have worked alone since this one has seen to the relay, and have moved it.
    """
    if grant.generation > transition.state.grant.generation:
        transition.effects.append(ForgetRelay(WORKED_ALONE))
    transition.set(grant=grant)
    held = grant_stands(grant, inputs)
    if not held:
        transition.void(f"the run of {ENGINE} that gave the grant is over")
    gone = is_known(inputs.engine, False)
    reason = f"{ENGINE} is gone" if gone else "the agent was restarted"
    role = _first_role(inputs, stands=held, clearing=transition.state.grant.clearing)
    transition.start(role, reason, inputs.seen)


def _first_role(inputs: Inputs, *, stands: bool, clearing: bool) -> Role:
    if stands and not is_known(inputs.engine, False):
        return Role.ACQUIRING  # an engine that cannot be seen is not known to be gone
    if stands or clearing:
        return Role.LEAVING
    if not is_known(inputs.engine, True):
        return Role.OFF
    return Role.STANDBY if inputs.peer_seen else Role.WAITING
