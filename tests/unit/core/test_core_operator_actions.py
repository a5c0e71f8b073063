"""What an operator may do: the states of asha 1.0.0-2, as a table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import peer

from appliance.core.model import Node
from appliance.core.operator_actions import ActionContext, OperatorAction, permit_for
from appliance.core.roles import Role
from appliance.core.transfer import Peer

THERE = peer()
GONE = peer(alive=False, fit=None)
UNSEEN = peer(alive=None, fit=None)
UNFIT = peer(fit=False, unfit_because="no modules")
MUTE = peer(fit=None)
DOUBTFUL = replace(peer(), doubts="/var/log has 0 MiB free")

# Which buttons there are in each state; asha 1.0.0-2 says: "The initial system state ...", "Initial Start Up".
ALLOWED = {
    # both off: the engine can be started, and Asterisk plainly
    Role.OFF: {
        OperatorAction.START_HA,
        OperatorAction.START_PBX,
        OperatorAction.STOP_PBX,
        OperatorAction.RELEASE_LINE,
    },
    # "the start buttons have disappeared and all you now have is a stop button for HA"
    Role.WAITING: {OperatorAction.STOP_HA, OperatorAction.RELEASE_LINE},
    # "on the standby node there is no longer a start/stop button for Asterisk"
    Role.STANDBY: {OperatorAction.STOP_HA, OperatorAction.TAKEOVER, OperatorAction.RELEASE_LINE},
    # "the option to stop either the HA engine or Asterisk (two STOP buttons)"
    Role.ACTIVE: {
        OperatorAction.STOP_HA,
        OperatorAction.STOP_PBX,
        OperatorAction.START_PBX,
        OperatorAction.STANDBY,
        OperatorAction.RELEASE_LINE,
    },
    Role.ACQUIRING: {
        OperatorAction.STOP_HA,
        OperatorAction.STOP_PBX,
        OperatorAction.START_PBX,
        OperatorAction.STANDBY,
        OperatorAction.RELEASE_LINE,
    },
    Role.RELEASING: {OperatorAction.STOP_HA, OperatorAction.RELEASE_LINE},
    Role.LEAVING: {OperatorAction.STOP_HA, OperatorAction.RELEASE_LINE},
}


def test_moves_are_acknowledged_where_some_are_counted() -> None:
    none = permit_for(OperatorAction.CLEANUP, Role.ACTIVE, THERE)
    some = permit_for(OperatorAction.CLEANUP, Role.STANDBY, GONE, ActionContext(moved=6))
    assert not none.allowed and "no move of service is counted" in none.says
    assert some.allowed and "(6) count no more" in some.says


NOTHING_TO_WATCH = {Role.OFF, Role.WAITING}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("wish", list(OperatorAction))
def test_the_table_of_the_seed(role: Role, wish: OperatorAction) -> None:
    permit = permit_for(wish, role, THERE)
    watched = set() if role in NOTHING_TO_WATCH else {OperatorAction.MAINTENANCE_ON}
    assert permit.allowed is (wish in ALLOWED[role] | watched)
    assert permit.allowed or permit.says, "a refusal says why"


@pytest.mark.parametrize("role", [Role.ACTIVE, Role.ACQUIRING])
@pytest.mark.parametrize(
    ("wish", "other", "allowed", "says"),
    [
        (OperatorAction.STOP_PBX, THERE, True, "this is a failover: the other node takes over"),
        (OperatorAction.STOP_PBX, MUTE, False, "not known to be ready: "),
        (OperatorAction.STOP_PBX, DOUBTFUL, False, "not known to be ready: /var/log has 0 MiB free"),
        (OperatorAction.STOP_PBX, GONE, False, "'asha ha stop' ends service on purpose"),
        (OperatorAction.STOP_PBX, UNSEEN, False, "no standby could take over"),
        (OperatorAction.STOP_PBX, UNFIT, False, "no standby could take over"),
        (OperatorAction.STANDBY, THERE, True, "the other node takes over"),
        (OperatorAction.STANDBY, MUTE, False, "not known to be ready: "),
        (OperatorAction.STANDBY, DOUBTFUL, False, "'asha standby --not-ready' does not mind"),
        (OperatorAction.STANDBY, GONE, False, "the other node is not there"),
        (OperatorAction.STANDBY, UNSEEN, False, "the other node is not there"),
        (OperatorAction.STANDBY, UNFIT, False, "the other node is not fit: no modules"),
        (OperatorAction.STOP_HA, THERE, True, "service moves to the other node"),
        (OperatorAction.STOP_HA, GONE, True, "service ends: no peer is there to take it"),
        (OperatorAction.RELEASE_LINE, THERE, True, "the relay drops and the other node takes over"),
        (OperatorAction.RELEASE_LINE, GONE, False, "no peer is there to take the line"),
        (OperatorAction.RELEASE_LINE, UNFIT, False, "the other node is not fit: no modules"),
        (OperatorAction.RELEASE_LINE, DOUBTFUL, False, "not known to be ready"),
    ],
)
def test_what_it_says_on_a_node_that_serves(
    role: Role, wish: OperatorAction, other: Peer, allowed: bool, says: str
) -> None:
    permit = permit_for(wish, role, other)
    assert permit.allowed is allowed
    assert says in permit.says


@pytest.mark.parametrize(
    ("wish", "role", "says"),
    [
        (
            OperatorAction.START_PBX,
            Role.STANDBY,
            "Asterisk must never run on both. 'asha takeover' brings it here",
        ),
        (OperatorAction.START_PBX, Role.WAITING, "at the latest after HAINITDEAD"),
        (OperatorAction.START_PBX, Role.OFF, "the relay stays released"),
        (OperatorAction.START_HA, Role.OFF, "the line is let go and Asterisk stopped first"),
        (OperatorAction.START_HA, Role.ACTIVE, "the HA engine runs already (this node is active)"),
        (OperatorAction.STOP_HA, Role.OFF, "the HA engine does not run here"),
        (OperatorAction.STOP_PBX, Role.STANDBY, "Asterisk does not run on a node that does not serve"),
        (OperatorAction.TAKEOVER, Role.ACTIVE, "this node holds the service already"),
        (OperatorAction.TAKEOVER, Role.WAITING, "only a standby can take over"),
        (OperatorAction.STANDBY, Role.STANDBY, "this node does not hold the service (it is standby)"),
    ],
)
def test_the_sentences(wish: OperatorAction, role: Role, says: str) -> None:
    assert says in permit_for(wish, role, THERE).says


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in (Role.OFF, Role.ACQUIRING, Role.ACTIVE)]
)
@pytest.mark.parametrize("other", [THERE, GONE, UNSEEN, UNFIT, MUTE])
def test_asterisk_is_never_started_beside_a_running_engine_without_a_grant(role: Role, other: Peer) -> None:
    assert not permit_for(OperatorAction.START_PBX, role, other).allowed


BACK = ActionContext(peer_role="active", peer_newer=True, mergeable=True, not_home="not here yet")


@pytest.mark.parametrize(
    ("role", "other", "case", "allowed", "says"),
    [
        (Role.STANDBY, THERE, BACK, True, "first the data, then service"),
        (Role.STANDBY, UNFIT, BACK, True, "first the data"),  # it serves all the same
        (
            Role.STANDBY,
            THERE,
            replace(BACK, peer_role="acquiring"),
            True,
            "first the data",
        ),  # its line is blocked
        (Role.STANDBY, THERE, replace(BACK, mergeable=False, not_home=""), True, "first the data"),
        (Role.STANDBY, THERE, replace(BACK, mergeable=False), False, "not here yet"),
        (Role.STANDBY, THERE, replace(BACK, node=Node.SECONDARY), False, "leads to the primary"),
        (Role.STANDBY, THERE, replace(BACK, unfit="no card"), False, "this node is not fit: no card"),
        (Role.STANDBY, THERE, replace(BACK, doubts="no room"), False, "not known to be ready: no room"),
        (Role.STANDBY, THERE, replace(BACK, doubts="no room", unready=True), True, "first the data"),
        (Role.STANDBY, GONE, BACK, False, "the other node does not serve"),
        (Role.STANDBY, UNSEEN, BACK, False, "the other node does not serve"),
        (Role.STANDBY, THERE, replace(BACK, peer_role="standby"), False, "does not serve (it is standby)"),
        (Role.STANDBY, THERE, replace(BACK, peer_role=""), False, "does not serve (it is not heard of)"),
        (Role.ACTIVE, THERE, BACK, True, "is brought here"),
        (Role.ACQUIRING, GONE, replace(BACK, peer_newer=False), False, "the other node has nothing newer"),
        (Role.OFF, THERE, BACK, False, "this node is off"),
        (Role.WAITING, THERE, BACK, False, "this node is waiting"),
        (Role.RELEASING, THERE, BACK, False, "this node is releasing"),
    ],
)
def test_the_way_back(role: Role, other: Peer, case: ActionContext, allowed: bool, says: str) -> None:
    permit = permit_for(OperatorAction.FAILBACK, role, other, case)
    assert permit.allowed is allowed
    assert says in permit.says


def test_a_hand_over_to_old_data_says_so() -> None:
    permit = permit_for(
        OperatorAction.STANDBY, Role.ACTIVE, THERE, ActionContext(old_there="its data are old")
    )
    assert permit.allowed and permit.says == "the other node takes over, and its data are old"


@pytest.mark.parametrize("other", [MUTE, DOUBTFUL, THERE])
def test_service_goes_by_name_to_a_node_that_is_not_known_to_be_ready(other: Peer) -> None:
    by_name = ActionContext(peer_role="active", doubts="no room", unready=True)
    assert permit_for(OperatorAction.STANDBY, Role.ACTIVE, other, by_name).allowed
    assert permit_for(OperatorAction.TAKEOVER, Role.STANDBY, other, by_name).allowed
    assert not permit_for(OperatorAction.STANDBY, Role.ACTIVE, UNFIT, by_name).allowed
    unfit = replace(by_name, unfit="no card")
    assert not permit_for(OperatorAction.TAKEOVER, Role.STANDBY, other, unfit).allowed


@pytest.mark.parametrize("peer_role", ["", "standby", "off"])
def test_doubts_keep_nobody_from_taking_over_where_nobody_serves(peer_role: str) -> None:
    case = ActionContext(peer_role=peer_role, doubts="no room", unfit="no card")
    assert permit_for(OperatorAction.TAKEOVER, Role.STANDBY, THERE, case).allowed


@pytest.mark.parametrize("role", list(Role))
def test_maintenance_is_begun_where_something_is_watched_and_ended_while_it_lasts(role: Role) -> None:
    for case in (ActionContext(), ActionContext(maintenance=True)):
        assert permit_for(OperatorAction.MAINTENANCE_ON, role, GONE, case).allowed is (
            role not in NOTHING_TO_WATCH
        )
        assert permit_for(OperatorAction.MAINTENANCE_OFF, role, GONE, case).allowed is case.maintenance


def test_service_does_not_go_where_not_all_data_are() -> None:
    case = ActionContext(
        not_there="the primary has not got it", not_home="what the other node has got is not here"
    )
    assert permit_for(OperatorAction.STANDBY, Role.ACTIVE, THERE, case).says == "the primary has not got it"
    assert not permit_for(OperatorAction.STANDBY, Role.ACTIVE, THERE, case).allowed
    assert (
        permit_for(OperatorAction.TAKEOVER, Role.STANDBY, THERE, case).says
        == "what the other node has got is not here"
    )
    assert not permit_for(OperatorAction.TAKEOVER, Role.STANDBY, THERE, case).allowed


@pytest.mark.parametrize(
    ("peer_role", "refused"), [("active", True), ("acquiring", True), ("standby", False)]
)
def test_service_does_not_come_to_a_node_that_is_not_fit_while_another_serves(
    peer_role: str, refused: bool
) -> None:
    """Where nobody serves, a node that lacks its card is better than none."""
    case = ActionContext(peer_role=peer_role, unfit="the relay card is not there")
    permit = permit_for(OperatorAction.TAKEOVER, Role.STANDBY, THERE, case)
    assert permit.allowed is not refused
    if refused:
        assert "the relay card is not there" in permit.says and "'asha ha stop'" in permit.says
