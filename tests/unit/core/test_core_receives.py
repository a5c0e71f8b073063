"""Whether what is written into a node's data now would be lost to the peer's."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from appliance.core.data_policy import DataSeen, Duty, data_duty, receives
from appliance.core.model import Node, Pbx
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.roles import Role

UNKNOWN: Unknown = Unknown("nobody has looked", 0.0)
SEEN = DataSeen(
    node=Node.SECONDARY,
    role=Role.STANDBY,
    pbx=Known(Pbx.DEAD, 0.0),
    synch=True,
    own_served=False,
    peer_role=Role.ACTIVE.value,
    peer_served=Known(False, 0.0),
)
PRIMARY = replace(SEEN, node=Node.PRIMARY, role=Role.ACTIVE, pbx=Known(Pbx.RUNNING, 0.0), peer_role="standby")


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (SEEN, "come from the active node"),
        (replace(SEEN, role=Role.OFF), "come from the active node"),
        (replace(SEEN, pbx=UNKNOWN), "not known whether Asterisk runs"),
        (
            replace(PRIMARY, role=Role.STANDBY, pbx=Known(Pbx.DEAD, 0.0), peer_role="active"),
            "until they are merged",
        ),
        (replace(PRIMARY, peer_served=Known(True, 0.0)), "until they are merged"),
    ],
)
def test_it_is_said_why(seen: DataSeen, word: str) -> None:
    assert word in receives(seen)


@pytest.mark.parametrize(
    "seen",
    [
        replace(SEEN, synch=False),
        replace(SEEN, role=Role.ACTIVE, pbx=UNKNOWN),
        replace(SEEN, own_served=True, pbx=UNKNOWN),
        replace(SEEN, pbx=Known(Pbx.RUNNING, 0.0)),
        PRIMARY,
        replace(PRIMARY, pbx=UNKNOWN),
        replace(PRIMARY, role=Role.OFF, pbx=Known(Pbx.DEAD, 0.0), peer_role=""),
    ],
)
def test_a_node_whose_data_are_its_own_may_be_written(seen: DataSeen) -> None:
    assert receives(seen) == ""


def test_a_node_that_fetches_is_never_written() -> None:
    readings: tuple[Reading[Pbx], ...] = (Known(Pbx.RUNNING, 0.0), Known(Pbx.DEAD, 0.0), UNKNOWN)
    served: tuple[Reading[bool], ...] = (Known(True, 0.0), Known(False, 0.0), UNKNOWN)
    for node, role, pbx, own, newer in product(Node, Role, readings, (True, False), served):
        seen = replace(SEEN, node=node, role=role, pbx=pbx, own_served=own, peer_served=newer)
        if data_duty(seen).duty is not Duty.NONE:
            assert receives(seen)
