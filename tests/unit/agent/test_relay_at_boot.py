"""What an agent releases first is any relay that the conf names, and only on the node that has it."""

from __future__ import annotations

import pytest

from appliance.agent.this_node import ThisNode
from appliance.config import Conf
from appliance.core.model import Node
from appliance.core.relay_facts import RELAYS
from appliance.hw.drivers import RELAY_DRIVERS

CONFS = {"": Conf(card_installed=True), **{name: Conf(relay_driver=name) for name in RELAYS}}


@pytest.mark.parametrize("name", CONFS)
def test_every_relay_counts_as_one_that_is_to_be_released(name: str) -> None:
    """At boot and before a shutdown; tests/unit/core/test_controller_start.py says that it comes first."""
    assert ThisNode(CONFS[name], Node.PRIMARY).has_card
    assert not ThisNode(CONFS[name], Node.SECONDARY).has_card


def test_every_relay_has_a_driver_to_release_it() -> None:
    assert {driver.name for driver in RELAY_DRIVERS} == RELAYS.keys()
