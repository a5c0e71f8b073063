"""Deafness in one direction is told by the node that hears, which alone sees nothing wrong."""

from __future__ import annotations

import pytest
from alert_documents import reading, status

from appliance.core.alert_rules import problems
from appliance.core.alerts import Severity
from appliance.core.peer_hearing import one_way
from appliance.core.status import Status

DEAF = {"hears_us": reading(False)}


def told(seen: Status) -> dict[str, Severity]:
    return {found.alert.key: found.alert.severity for found in problems(seen)}


@pytest.mark.parametrize("role", ["active", "acquiring", "standby"])
def test_a_peer_that_says_that_it_hears_nothing_is_told_of_in_any_role(role: str) -> None:
    """It is heard, and so alive and fit; its links are up as far as this node can see."""
    assert told(status(role, peer=DEAF)) == {"deaf peer": Severity.CRITICAL}
    (text,) = one_way(status(role, peer=DEAF).peer)
    assert "the secondary is heard here and says that it does not hear this node" in text
    assert "firewall" in text and "HAUDPPORT" in text


def test_nobody_is_told_where_the_engine_does_not_run_or_the_peer_does_not_say() -> None:
    assert told(status("off", peer=DEAF)) == {}
    assert told(status(peer={"hears_us": reading(None, "the other node does not say")})) == {}
    assert told(status(peer={"hears_us": reading(True)})) == {}


def test_a_link_that_works_one_way_is_lost_to_the_peer_alone() -> None:
    """The peer stands by, and so tells nobody that this link is lost."""
    seen = status(peer={"hears_us": reading(True), "deaf_links": ["eth1"]})
    assert told(seen) == {"link eth1": Severity.WARNING}
    (text,) = one_way(seen.peer)
    assert (
        "link eth1 of the HA engine works one way only: the secondary hears nothing of this node over it"
        in text
    )


def test_a_link_that_neither_hears_over_is_simply_lost() -> None:
    seen = status(peer={"deaf_links": ["eth1"], "links": {"eth0": "up", "eth1": "dead"}})
    assert told(seen) == {"link eth1": Severity.WARNING}
    assert one_way(seen.peer) == ()


def test_a_peer_that_hears_nothing_is_one_trouble_and_not_one_for_each_link() -> None:
    assert set(told(status(peer={**DEAF, "deaf_links": ["eth0", "eth1"]}))) == {"deaf peer"}
