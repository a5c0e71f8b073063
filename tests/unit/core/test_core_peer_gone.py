"""Is the peer surely gone? What is evidence, what HAFENCE adds, and that everything else is a no."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import known, peer, seen
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.fencing import FENCE_PAUSE, FencePolicy, FenceState
from appliance.core.model import Line, Node, Relay
from appliance.core.peer_gone import (
    LINE_MAX_AGE,
    SAME_QUESTION,
    GoneInputs,
    GoneVerdict,
    Judgement,
    PeerQuestion,
    ask,
    follow,
    judge,
    longest_answer,
)
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.timing import FENCE_DWELL, LEAST_TOKENS
from appliance.core.transfer import Peer, Seen

SILENT = peer(alive=False, fit=None, line=None, granted=None, relay=None)
SET_UP, BLANK = FencePolicy(True, 20.0), FencePolicy()
NOW = 1000.0


def looks(line: Line | None = Line.ABSENT, other: Peer = SILENT, **more: object) -> Seen:
    value: Reading[Line] = Unknown("not looked", NOW) if line is None else Known(line, NOW)
    return replace(seen(other=other), line=value, lan=known(True), **more)  # type: ignore[arg-type]


def inputs(what: Seen, node: Node = Node.SECONDARY, **more: object) -> GoneInputs:
    standing = GoneInputs(what, node, switched=True, granted=False, fence=FenceState(), policy=BLANK)
    return replace(standing, **more)  # type: ignore[arg-type]


def after(
    given: GoneInputs, seconds: float = 0.0, asked: PeerQuestion | None = None
) -> tuple[PeerQuestion, Judgement]:
    """Ask, and look for so many seconds; the line is seen anew in each look."""
    asked, now = asked or ask(None, NOW), NOW
    for step in range(round(seconds * 2) + 1):
        now = NOW + step / 2
        line = given.seen.line
        again = replace(given.seen, line=Known(line.value, now)) if isinstance(line, Known) else given.seen
        asked = follow(asked, replace(given, seen=again), now)
        answer = judge(asked, replace(given, seen=again), now)
    return asked, answer


def verdict(given: GoneInputs, seconds: float = 0.0) -> GoneVerdict:
    return after(given, seconds)[1].verdict


@pytest.mark.parametrize("line", [Line.CLEAR, Line.SETTLING])
def test_to_the_secondary_an_arrived_line_is_a_yes_at_once(line: Line) -> None:
    assert verdict(inputs(looks(line))) is GoneVerdict.GONE


@pytest.mark.parametrize("line", [Line.ABSENT, Line.UNVERIFIABLE, None])
def test_any_other_line_is_none_however_long_it_is_asked(line: Line | None) -> None:
    assert verdict(inputs(looks(line)), 600.0) is GoneVerdict.WAIT


def test_a_look_at_the_line_must_be_younger_than_any_silence() -> None:
    assert LINE_MAX_AGE < LEAST_TOKENS
    old = replace(looks(), line=Known(Line.CLEAR, NOW - LINE_MAX_AGE - 0.1))
    asked = follow(ask(None, NOW), inputs(old), NOW)
    assert judge(asked, inputs(old), NOW).verdict is GoneVerdict.WAIT


def test_the_primary_knows_only_while_its_own_relay_holds_the_line_under_a_grant() -> None:
    holds = looks(Line.CLEAR, commanded=Known(Relay.ENERGISED, NOW))
    assert verdict(inputs(holds, Node.PRIMARY, granted=True)) is GoneVerdict.GONE
    assert verdict(inputs(holds, Node.PRIMARY)) is GoneVerdict.WAIT, "without a grant it holds nothing"
    for commanded in (Known(Relay.RELEASED, NOW), Unknown("not commanded", NOW)):
        there = looks(Line.CLEAR, commanded=commanded)
        assert verdict(inputs(there, Node.PRIMARY, granted=True)) is GoneVerdict.WAIT
    assert verdict(inputs(looks(Line.ABSENT), Node.PRIMARY), 600.0) is GoneVerdict.WAIT, "its blind spot"


def test_a_line_that_no_relay_switches_says_nothing() -> None:
    assert verdict(inputs(looks(Line.CLEAR), switched=False)) is GoneVerdict.WAIT


@given(
    line=st.sampled_from(Line),
    primary_granted=st.booleans(),
    energised=st.booleans(),
    settled=st.booleans(),
)
def test_of_two_that_hear_nothing_of_each_other_at_most_one_is_told_yes(
    line: Line, primary_granted: bool, energised: bool, settled: bool
) -> None:
    """A line is at the node to which the relay leads: where one sees it, the other does not."""
    here, away = (Line.CLEAR if settled else Line.SETTLING), Line.ABSENT
    relay = Known(Relay.ENERGISED if energised else Relay.RELEASED, NOW)
    at_primary, at_secondary = (here, away) if energised else (away, here)
    if line is Line.ABSENT:  # the provider's line is dead
        at_primary = at_secondary = away
    answers = [
        verdict(inputs(looks(at_primary, commanded=relay), Node.PRIMARY, granted=primary_granted)),
        verdict(inputs(looks(at_secondary))),
    ]
    assert answers.count(GoneVerdict.GONE) <= 1


def test_whether_it_lives_must_be_known() -> None:
    unsure = peer(alive=None, fit=None, line=None, granted=None, relay=None)
    assert verdict(inputs(looks(Line.CLEAR, unsure), policy=SET_UP), 600.0) is GoneVerdict.WAIT


def test_hafence_is_used_after_dwell_and_by_the_secondary_later() -> None:
    assert verdict(inputs(looks(), Node.PRIMARY, policy=SET_UP), FENCE_DWELL - 0.5) is GoneVerdict.WAIT
    assert verdict(inputs(looks(), Node.PRIMARY, policy=SET_UP), FENCE_DWELL) is GoneVerdict.CUT
    assert verdict(inputs(looks(), policy=SET_UP), FENCE_DWELL + SET_UP.wait - 0.5) is GoneVerdict.WAIT
    assert verdict(inputs(looks(), policy=SET_UP), FENCE_DWELL + SET_UP.wait) is GoneVerdict.CUT
    assert longest_answer(SET_UP.wait) >= FENCE_DWELL + SET_UP.wait + SET_UP.wait


def test_the_line_comes_before_hafence() -> None:
    assert verdict(inputs(looks(Line.CLEAR), policy=SET_UP), 600.0) is GoneVerdict.GONE


@pytest.mark.parametrize(
    ("what", "more", "why"),
    [
        (looks(maintenance=True), {}, "maintenance"),
        (looks(), {"drilling": True}, "drill"),
        (replace(looks(), lan=known(False)), {}, "reaches the LAN"),
        (replace(looks(), lan=Unknown("not asked", NOW)), {}, "reaches the LAN"),
        (looks(calls=known(True)), {}, "telephones find an Asterisk"),
        (looks(), {"policy": BLANK}, "HAFENCE is blank"),
    ],
)
def test_when_hafence_is_never_used(what: Seen, more: dict[str, object], why: str) -> None:
    _, answer = after(inputs(what, **{"policy": SET_UP, **more}), 120.0)
    assert answer.verdict is GoneVerdict.WAIT and why in answer.why


def test_what_hafence_has_confirmed_is_a_yes_and_what_it_has_not_is_tried_again_after_a_pause() -> None:
    assert verdict(inputs(looks(), fence=FenceState(off=True, ended=NOW))) is GoneVerdict.GONE
    failed = inputs(looks(), policy=SET_UP, cut_failed_at=NOW, cut_says="it did not end")
    assert after(failed, FENCE_PAUSE - 1)[1].why.endswith("it did not end")
    assert verdict(failed, FENCE_PAUSE + FENCE_DWELL + SET_UP.wait + 1) is GoneVerdict.CUT


@pytest.mark.parametrize("node", Node)
def test_a_confirmation_of_old_is_none_because_the_peer_may_have_been_switched_on_since(node: Node) -> None:
    old = FenceState(off=True, ended=NOW - FENCE_PAUSE - 0.1)
    assert verdict(inputs(looks(), node, fence=old), 600.0) is GoneVerdict.WAIT
    assert (
        verdict(inputs(looks(), node, fence=old, policy=SET_UP), FENCE_DWELL + SET_UP.wait) is GoneVerdict.CUT
    )
    assert verdict(inputs(looks(Line.CLEAR), fence=old)) is GoneVerdict.GONE, "by the line"


def test_a_peer_that_is_heard_again_while_the_question_stands_is_never_shot() -> None:
    asked, _ = after(inputs(looks(), policy=SET_UP), 3.0)
    for word in (peer(), peer(granted=True), replace(peer(granted=False), serves=known(False))):
        asked, answer = after(inputs(looks(other=word), policy=SET_UP), 60.0, asked)
        assert answer == Judgement(GoneVerdict.NO, "it is heard again")


def test_a_living_peer_that_serves_is_a_no() -> None:
    serves = replace(peer(granted=True), serves=known(True))
    assert verdict(inputs(looks(Line.CLEAR, serves), policy=SET_UP), 600.0) is GoneVerdict.NO


def test_a_living_peer_that_disowns_service_is_gone_when_the_line_has_come_and_shot_when_it_keeps_it() -> (
    None
):
    disowns = replace(peer(granted=False), serves=known(False))
    assert verdict(inputs(looks(Line.CLEAR, disowns)), FENCE_DWELL - 0.5) is GoneVerdict.WAIT
    assert verdict(inputs(looks(Line.CLEAR, disowns)), FENCE_DWELL) is GoneVerdict.GONE
    assert verdict(inputs(looks(Line.ABSENT, disowns)), 600.0) is GoneVerdict.WAIT, "it keeps the line"
    assert verdict(inputs(looks(Line.ABSENT, disowns), policy=SET_UP), FENCE_DWELL) is GoneVerdict.CUT


def test_a_question_stands_until_it_has_not_been_asked_for_a_while() -> None:
    first = ask(None, NOW)
    assert ask(first, NOW + SAME_QUESTION).since == NOW
    assert ask(first, NOW + SAME_QUESTION + 1).since == NOW + SAME_QUESTION + 1


def test_a_line_that_a_relays_own_watchdog_may_have_moved_proves_nothing() -> None:
    """It takes the line from a primary that only stands still, and that may go on."""
    arrived = inputs(looks(Line.CLEAR))
    assert verdict(arrived) is GoneVerdict.GONE
    _, answer = after(replace(arrived, relay_watchdog=True))
    assert answer.verdict is GoneVerdict.WAIT and "only stands still" in answer.why
    holds = looks(Line.CLEAR, commanded=known(Relay.ENERGISED))
    assert verdict(inputs(holds, Node.PRIMARY, granted=True, relay_watchdog=True)) is GoneVerdict.GONE
