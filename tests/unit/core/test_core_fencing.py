"""Fencing: when the power of a silent peer is cut, and above all when not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import POLICY, SECONDARY, known, peer, seen
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import Conf
from appliance.config.check import timing_policy
from appliance.core import plan
from appliance.core.bound import BoundInputs, BoundPhase, bound_of
from appliance.core.fencing import (
    FENCE_PAUSE,
    FenceInputs,
    FenceOutcome,
    FencePolicy,
    FenceState,
    begun,
    follow,
    is_due,
)
from appliance.core.model import Line, Node
from appliance.core.reading import Unknown
from appliance.core.timing import (
    FENCE_DWELL,
    IDLE_PERIOD,
    LAN_ROUND,
    LEAST_FENCE_TIME,
    claim_noticed,
    least_wait,
)
from appliance.core.transfer import Aside, Goal, Seen, Witness

SET_UP = FencePolicy(True, 20.0)
SILENT = peer(alive=False, fit=None, line=None, granted=None, relay=None)
# The secondary was granted; the silent primary's last word was that it has the line.
KEPT = replace(seen(commanded=None, card=None, other=SILENT, address=True), lan=known(True))
HEARD = replace(KEPT, peer=peer(line=Line.CLEAR))
ACQUIRES = plan.begin(Goal.ACQUIRE, 1, "granted by Heartbeat", SECONDARY, 100.0)


class Node2:
    """The secondary's fencing, looked at ten times a second; `shots` are the times at which it fires."""

    def __init__(self, policy: FencePolicy = SET_UP) -> None:
        self.state, self.policy, self.now = FenceState(), policy, 100.0
        self.shots: list[float] = []

    def look(self, what: Seen, seconds: float, **inputs: object) -> None:
        for _ in range(round(seconds * 10)):
            self.now = round(self.now + 0.1, 1)
            given = FenceInputs(**inputs)  # type: ignore[arg-type]
            self.state = follow(self.state, given, what, ACQUIRES, self.now)
            if is_due(self.state, self.policy, Node.SECONDARY, self.now):
                self.state = begun(self.state, self.now)
                self.shots.append(self.now)


def test_a_silent_primary_that_keeps_the_line_is_shot_once_after_dwell_and_delay() -> None:
    node = Node2()
    node.look(HEARD, 1.0)
    node.look(KEPT, 600.0)
    assert node.shots == [pytest.approx(101.0 + 0.1 + FENCE_DWELL + SET_UP.wait)]
    assert node.state.under_way, "a command that never ends is not followed by another"


def test_only_a_confirmed_end_says_that_the_peer_is_off_and_it_is_not_shot_again() -> None:
    node = Node2()
    node.look(HEARD, 1.0)
    node.look(KEPT, 40.0)
    ended = FenceOutcome(node.now, True, "off")
    node.look(KEPT, 600.0, outcome=ended)
    assert node.state.off and len(node.shots) == 1
    node.look(HEARD, 1.0, outcome=ended)
    assert not node.state.off, "it was seen alive since"
    node.look(KEPT, 40.0, outcome=ended)
    assert len(node.shots) == 2 and not node.state.off


def test_a_confirmation_outlives_the_service_that_was_begun_by_it_for_a_moment_only() -> None:
    off = FenceState(off=True, ended=100.0)
    assert follow(off, FenceInputs(), KEPT, ACQUIRES, 9000.0).off, "it serves by that"
    assert follow(off, FenceInputs(), KEPT, None, 100.0 + FENCE_PAUSE).off, "it is about to be given service"
    assert not follow(off, FenceInputs(), KEPT, None, 100.1 + FENCE_PAUSE).off
    released = plan.begin(Goal.RELEASE, 1, "the engine stops", SECONDARY, 100.0)
    assert not follow(off, FenceInputs(), KEPT, released, 9000.0).off


def test_what_confirms_nothing_is_tried_again_after_a_pause() -> None:
    node = Node2()
    node.look(HEARD, 1.0)
    node.look(KEPT, 30.0)
    node.look(KEPT, 200.0, outcome=FenceOutcome(node.now, False, "a time-out"))
    assert len(node.shots) == 2 and node.shots[1] - node.shots[0] >= FENCE_PAUSE
    assert not node.state.off


NEVER = {
    "not set up": (KEPT, {}, FencePolicy(False)),
    "the other node is heard": (HEARD, {}, SET_UP),
    "nobody knows whether the other node lives": (
        replace(KEPT, peer=replace(SILENT, alive=Unknown("the engine does not say", 0.0))),
        {},
        SET_UP,
    ),
    "this node is cut off": (replace(KEPT, lan=known(False)), {}, SET_UP),
    "it does not know that it reaches the LAN": (replace(KEPT, lan=known(None)), {}, SET_UP),
    "the line is here": (replace(KEPT, line=known(Line.CLEAR)), {}, SET_UP),
    "the line cannot be seen": (replace(KEPT, line=known(None)), {}, SET_UP),
    "telephones find an Asterisk": (replace(KEPT, calls=known(True)), {}, SET_UP),
    "maintenance": (replace(KEPT, maintenance=True), {}, SET_UP),
    "a drill": (KEPT, {"drilling": True}, SET_UP),
}


@pytest.mark.parametrize("why", NEVER)
def test_never(why: str) -> None:
    what, inputs, policy = NEVER[why]
    node = Node2(policy)
    node.look(HEARD, 1.0)
    node.look(what, 300.0, **inputs)
    assert node.shots == []


@pytest.mark.parametrize("last_word", [Line.ABSENT, None])
def test_a_peer_that_had_no_line_when_it_fell_silent_keeps_none(last_word: Line | None) -> None:
    """The provider's line is dead, or this node has never heard the peer."""
    node = Node2()
    if last_word is not None:
        node.look(replace(KEPT, peer=peer(line=last_word)), 1.0)
    node.look(KEPT, 300.0)
    assert node.shots == []


def test_an_address_that_answers_from_the_peer_is_reason_enough_unless_it_was_left_to_the_peer() -> None:
    here = replace(KEPT, line=known(Line.CLEAR))
    state = follow(FenceState(), FenceInputs(address_at_peer=True), here, ACQUIRES, 100.0)
    assert "still answers from its hardware address" in state.because
    left = replace(ACQUIRES, aside=Aside(since=90.0, because="held back"))
    assert follow(state, FenceInputs(address_at_peer=True), here, left, 101.0).because == ""


@given(rise=st.integers(1, 9), late=st.floats(0.0, 1.0), longer=st.floats(0.0, 60.0))
def test_of_two_that_live_the_primarys_command_has_ended_before_the_secondary_begins(
    rise: int, late: float, longer: float
) -> None:
    """Both hold the address in a split; the primary may notice it late by any part of `claim_noticed`."""
    policy = FencePolicy(True, least_wait(rise) + longer, rise)
    noticed = 100.0 + late * claim_noticed(rise)
    double = FenceInputs(address_at_peer=True)
    primary = plan.begin(Goal.ACQUIRE, 1, "granted", POLICY, 100.0)
    first = follow(FenceState(), double, replace(KEPT, line=known(Line.CLEAR)), primary, noticed)
    other = follow(FenceState(), double, KEPT, ACQUIRES, 100.0)
    begins = noticed + FENCE_DWELL + 1e-6
    assert is_due(first, policy, Node.PRIMARY, begins)
    assert policy.deadline(Node.PRIMARY) >= LEAST_FENCE_TIME - 1e-6
    assert not is_due(other, policy, Node.SECONDARY, begins + policy.deadline(Node.PRIMARY) - 1e-5)
    assert policy.deadline(Node.SECONDARY) == policy.wait


def test_a_frozen_primary_is_shot_within_the_bound() -> None:
    """From the grant on: a round of the LAN in which the address's old holder still counts, and an idle turn."""
    bound = bound_of(
        BoundInputs(timing_policy(Conf()), Witness.OFF, True, True, True, True, SET_UP.wait),
        "frozen-fenced",
        Node.SECONDARY,
    )
    node = Node2()
    node.look(HEARD, 1.0)
    node.look(replace(KEPT, calls=known(True)), LAN_ROUND)
    node.look(KEPT, 60.0)
    latest = bound.of(BoundPhase.FENCE) - SET_UP.wait  # which its end may take
    assert node.shots[0] - 101.0 <= latest <= node.shots[0] - 101.0 + IDLE_PERIOD
