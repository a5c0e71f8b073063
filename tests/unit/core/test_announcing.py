"""When a node tells the LAN that the cluster address is here."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import POLICY, SERVING

from appliance.core.cluster_address import ANNOUNCED, Announcing
from appliance.core.controller import step
from appliance.core.controller_events import ControllerPolicy, Inputs, Tick
from appliance.core.decide import WatchPolicy
from appliance.core.effects import AnnounceAddress, Effect
from appliance.core.grant import Grant
from appliance.core.reading import Known
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState, first_state
from appliance.core.transfer import Seen

NOW = 100.0
RULES = ControllerPolicy(POLICY, WatchPolicy(False, 2.0, 1.0, 15.0), 5.0)
LIVES = replace(
    SERVING,
    address=Known(True, NOW),
    peer=replace(SERVING.peer, alive=Known(True, NOW), fit=Known(True, NOW)),
)


def serving() -> ServiceState:
    """A node that has served for long."""
    state = first_state(Grant(True, 1, 7.0, "9:9"), 0.0)
    return replace(state, role=Role.ACTIVE, announcing=Announcing(service=0.0), asked_at=0.0, peer_alive=True)


def turn(state: ServiceState, now: float, sight: Seen = LIVES) -> tuple[ServiceState, list[Effect]]:
    inputs = Inputs(sight, Known(True, now), "9:9")
    after, effects = step(state, Tick(inputs), RULES, now)
    return after, list(effects)


def announced(state: ServiceState, sight: Seen, seconds: float) -> list[float]:
    """Return when the address was announced, in seconds from `NOW`."""
    found = []
    for tenth in range(round(seconds * 10)):
        state, effects = turn(state, NOW + tenth / 10, sight)
        found += [tenth / 10 for one in effects if isinstance(one, AnnounceAddress)]
    return found


def test_the_address_is_announced_when_the_other_node_serves_no_longer_and_when_it_is_back() -> None:
    alone = replace(LIVES, peer=replace(LIVES.peer, serves=Known(False, NOW)))
    assert announced(serving(), alone, 6.0) == []
    assert announced(replace(serving(), announcing=Announcing(True, 0.0)), alone, 6.0) == pytest.approx(
        list(ANNOUNCED)
    )
    assert announced(replace(serving(), peer_alive=False), alone, 6.0) == pytest.approx(list(ANNOUNCED))
    assert announced(replace(serving(), announcing=Announcing()), alone, 6.0) == pytest.approx(
        list(ANNOUNCED)
    )
    gone = replace(alone, address=Known(False, NOW))
    assert announced(replace(serving(), announcing=Announcing(True, 0.0)), gone, 2.0) == []
