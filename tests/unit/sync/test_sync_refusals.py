"""When a source is taken for sick, and whose duty the data is."""

from __future__ import annotations

import pytest

from appliance.core.data_policy import DataSeen, Duty, TreeSigns, data_duty, refusal
from appliance.core.model import Node, Pbx
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.roles import Role


@pytest.mark.parametrize(
    ("there", "empty", "known", "gone", "says"),
    [
        (True, False, 1000, 0, ""),
        (False, True, 0, 0, ""),
        (False, True, 5, 0, "is missing there"),
        (True, True, 5, 0, "is empty there"),
        (True, False, 1000, 500, ""),
        (True, False, 1000, 501, "501 of 1000 files"),
        (True, False, 12, 10, ""),
    ],
)
def test_a_sick_source_is_named(there: bool, empty: bool, known: int, gone: int, says: str) -> None:
    why = refusal(TreeSigns("VOICEMAIL", "/vm", there, empty, known, gone), 50)
    assert (says in why) if says else not why


def test_a_loss_of_everything_may_be_allowed() -> None:
    assert refusal(TreeSigns("OTHER1", "/x", True, False, 1000, 999), 100) == ""


ASTERISK_DEAD = Known(Pbx.DEAD, 0.0)


def seen(
    node: Node,
    role: Role,
    pbx: Reading[Pbx] = ASTERISK_DEAD,
    *,
    synch: bool = True,
    served: bool = False,
    peer_role: str = "standby",
    peer_served: bool = False,
    last: bool = False,
) -> DataSeen:
    return DataSeen(node, role, pbx, synch, served, peer_role, Known(peer_served, 0.0), last)


@pytest.mark.parametrize(
    ("given", "duty"),
    [
        (seen(Node.SECONDARY, Role.STANDBY), Duty.PULL),
        (seen(Node.SECONDARY, Role.OFF), Duty.PULL),
        (seen(Node.SECONDARY, Role.STANDBY, synch=False), Duty.NONE),
        (seen(Node.SECONDARY, Role.STANDBY, Known(Pbx.RUNNING, 0.0)), Duty.NONE),
        (seen(Node.SECONDARY, Role.STANDBY, Known(Pbx.HUNG, 0.0)), Duty.NONE),
        (seen(Node.SECONDARY, Role.STANDBY, Unknown("nobody answers", 0.0)), Duty.NONE),
        (seen(Node.SECONDARY, Role.ACTIVE), Duty.NONE),
        (seen(Node.SECONDARY, Role.RELEASING), Duty.NONE),
        (seen(Node.SECONDARY, Role.STANDBY, served=True), Duty.NONE),
        (seen(Node.PRIMARY, Role.STANDBY, peer_role="active"), Duty.MERGE),
        (seen(Node.PRIMARY, Role.STANDBY), Duty.NONE),
        (seen(Node.PRIMARY, Role.ACTIVE), Duty.NONE),
        (seen(Node.PRIMARY, Role.ACTIVE, peer_served=True), Duty.MERGE),
        (seen(Node.PRIMARY, Role.ACTIVE, peer_served=True, peer_role="active"), Duty.NONE),
        (seen(Node.PRIMARY, Role.STANDBY, Known(Pbx.RUNNING, 0.0), peer_role="active"), Duty.NONE),
        (seen(Node.PRIMARY, Role.STANDBY, Unknown("nobody answers", 0.0), peer_role="active"), Duty.NONE),
        (seen(Node.PRIMARY, Role.ACQUIRING, peer_served=True), Duty.NONE),
        (seen(Node.PRIMARY, Role.ACQUIRING, peer_served=True, last=True), Duty.MERGE),
        (seen(Node.PRIMARY, Role.ACQUIRING, peer_served=True, peer_role="active", last=True), Duty.NONE),
        (seen(Node.PRIMARY, Role.ACQUIRING, Known(Pbx.RUNNING, 0.0), peer_served=True, last=True), Duty.NONE),
    ],
)
def test_whose_duty_the_data_is(given: DataSeen, duty: Duty) -> None:
    found = data_duty(given)
    assert found.duty is duty
    assert bool(found.why) is (duty is Duty.NONE)
