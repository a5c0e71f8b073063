"""Maintenance: always for a time, whatever the clock does; and what it keeps a node from."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from core_seen import peer, seen
from test_core_decide import POLICY, WATCH

from appliance.core.decide import Act, decide
from appliance.core.errors import UserError
from appliance.core.maintenance import LONGEST, SET_BACK, begin, pack, problem, unpack
from appliance.core.model import Line, Pbx, Relay
from appliance.core.reading import Known
from appliance.core.status import MaintenanceStatus
from appliance.core.transfer import Order, Seen

NOON = 1_764_000_000.0
TRI = (True, False, None)


def test_it_ends_by_itself() -> None:
    given = begin(3600, "root", "new cables", NOON)
    assert given.left(NOON) == 3600
    assert given.left(NOON + 3599) == 1
    assert given.left(NOON + 3600) == 0
    assert given.left(NOON + 10 * LONGEST) == 0


@pytest.mark.parametrize("back", [1.0, 60.0, SET_BACK, SET_BACK + 1, 3600.0, LONGEST, 1e9])
def test_a_clock_that_is_set_back_makes_it_no_longer(back: float) -> None:
    given = begin(3600, "root", "", NOON)
    left = given.left(NOON - back)
    assert left == (3600 if back <= SET_BACK else 0)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 59.0, LONGEST + 1, float("inf"), float("nan")])
def test_it_is_never_for_ever_nor_for_nothing(seconds: float) -> None:
    with pytest.raises(UserError, match="lasts from 60 s to 24 h"):
        begin(seconds, "root", "", NOON)


def test_it_is_kept_and_read() -> None:
    given = begin(600, "root\nand others", "x" * 1000, NOON)
    assert "\n" not in given.by and len(given.why) == 200
    assert unpack(pack(given)) == given


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        [],
        "maintenance",
        {},
        {"began": NOON, "until": NOON + 600},
        {"began": "soon", "until": NOON, "by": "", "why": ""},
        {"began": NOON, "until": NOON + LONGEST + 1, "by": "", "why": ""},
        {"began": NOON, "until": NOON - 1, "by": "", "why": ""},
        {"began": NOON, "until": float("nan"), "by": "", "why": ""},
        {"began": NOON, "until": float("inf"), "by": "", "why": ""},
        {"began": None, "until": None, "by": "", "why": ""},
    ],
)
def test_what_is_damaged_is_none(damaged: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        unpack(damaged)


def test_people_read_who_why_and_how_long() -> None:
    said = problem(MaintenanceStatus(NOON, 61.0, "root", "new cables"))
    assert said.startswith("maintenance for 1 min more (by root: new cables): this node neither hands over")
    assert "(by root)" in problem(MaintenanceStatus(NOON, 9.0, "root"))


@pytest.mark.parametrize(
    ("what", "would"),
    [
        (seen(pbx=Pbx.DEAD), "would hand over: Asterisk died"),
        (seen(pbx=Pbx.HUNG), "would hand over: Asterisk hangs"),
        (seen(pbx=Pbx.DEAD, other=peer(alive=False)), "would restart Asterisk: Asterisk died and no standby"),
        (
            seen(pbx=Pbx.RUNNING, line=Line.ABSENT, other=peer(line=Line.CLEAR, relay=Relay.ENERGISED)),
            "would hand over: the line is at the other node",
        ),
    ],
)
def test_nothing_is_moved_and_what_would_be_is_said(what: Seen, would: str) -> None:
    watch, policy = replace(WATCH, line_absent_since=0.0), replace(POLICY, restart_allowed=True)
    freely = decide(policy, watch, what, 1000.0)
    assert freely.act is not Act.STAY
    held = decide(policy, watch, replace(what, maintenance=True), 1000.0)
    assert held.act is Act.STAY
    assert held.reason.startswith(would) and held.reason.endswith("(maintenance)")
    assert held.evidence == freely.evidence


def test_it_still_gives_way() -> None:
    dead = replace(WATCH, engine=Known(False, 0.0))
    assert decide(POLICY, dead, seen(maintenance=True), 1000.0).act is Act.LET_GO
    taken = seen(other=peer(granted=Known(True, 990.0)), maintenance=True)
    assert decide(POLICY, replace(WATCH, gap=99.0), taken, 1000.0).act is Act.LET_GO


def test_nothing_wrong_stays_nothing_wrong() -> None:
    well = seen(commanded=Relay.ENERGISED, line=Line.CLEAR, pbx=Pbx.RUNNING, maintenance=True)
    assert decide(POLICY, WATCH, well, 1000.0).reason == ""


def test_whatever_is_seen_it_never_acts_on_its_own() -> None:
    peers = [peer(alive=alive, fit=fit, line=line) for alive in TRI for fit in TRI for line in (*Line, None)]
    told = {Act.STAY: 0, Act.HAND_OVER: 0, Act.RESTART_PBX: 0}
    for pbx, line, other, served in itertools.product((*Pbx, None), (*Line, None), peers, (True, False)):
        what = seen(pbx=pbx, line=line, other=other, failed={Order.START_PBX: "no modules"})
        watch = replace(WATCH, was_serving=served, line_absent_since=0.0, line_at_peer_since=0.0)
        policy = replace(POLICY, restart_allowed=True)
        freely, held = decide(policy, watch, what, 1000.0), decide(policy, watch, held_back(what), 1000.0)
        told[freely.act] += 1
        assert held.act is Act.STAY
        assert freely.reason in held.reason
    assert all(told.values()), "every act is among what was tried"


def held_back(what: Seen) -> Seen:
    return replace(what, maintenance=True)
