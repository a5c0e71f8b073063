"""A peer that can never be heard: what is told of it, and which of the two nodes gives way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.engine_change import EngineChange, EngineReport
from appliance.core.unheard_peer import gives_way, why_unheard

OWN = EngineReport("primary", "alpha", "2.0", "heartbeat", "heartbeat", "active", secret="a")
PEER = EngineReport("secondary", "bravo", "2.0", "heartbeat", "heartbeat", "active", secret="a")


def test_what_keeps_two_nodes_apart_for_ever_is_named() -> None:
    assert why_unheard(OWN, PEER) == ""
    assert "bravo has Pacemaker and alpha has Heartbeat" in why_unheard(
        OWN, replace(PEER, running="pacemaker")
    )
    off = replace(PEER, engine="pacemaker", running="")
    assert "'asha conf set HAENGINE'" in why_unheard(OWN, off)
    assert "different secrets for Heartbeat" in why_unheard(OWN, replace(PEER, secret="b"))
    assert why_unheard(OWN, replace(PEER, secret="")) == "", "what cannot be read is not different"


def test_while_the_engine_changes_nothing_is_told() -> None:
    change = EngineChange("pacemaker", "heartbeat", "1")
    assert why_unheard(OWN, replace(PEER, running="pacemaker", change=change)) == ""
    assert why_unheard(replace(OWN, change=change), replace(PEER, running="pacemaker")) == ""


@pytest.mark.parametrize("own", ["active", "standby", "off"])
@pytest.mark.parametrize("peer", ["active", "standby", "off"])
def test_never_both_give_way_and_of_two_that_serve_exactly_one(own: str, peer: str) -> None:
    here, there = replace(OWN, role=own), replace(PEER, role=peer)
    ways = (gives_way(here, there), gives_way(there, here))
    wanted = {("active", "active"): (False, True)}
    if own != peer and "active" in (own, peer):
        wanted[own, peer] = (peer == "active", own == "active")
    assert ways == wanted.get((own, peer), (False, False))
