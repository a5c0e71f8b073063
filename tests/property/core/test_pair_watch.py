"""What both nodes make of a fault of the pair: exactly one of them acts, and each of them knows which."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.model import Node
from appliance.core.pair_watch import (
    RULES,
    Claim,
    PairFault,
    PairView,
    Remedy,
    StandingFault,
    due,
    in_words,
    rule_of,
    serves_next,
    standing,
    tried,
    yields,
)
from appliance.core.reading import Known, Reading, Unknown

P, S = Node.PRIMARY, Node.SECONDARY
CLAIMS = st.builds(Claim, st.booleans(), st.integers(0, 3), st.booleans())
SAID: st.SearchStrategy[Reading[bool]] = st.sampled_from(
    [Known(True, 0.0), Known(False, 0.0), Unknown("dark", 0.0)]
)


def view(node: Node = P, **fields: object) -> PairView:
    """A node that stands by beside a peer that does, both fit."""
    known = {
        "engine": True,
        "peer_alive": Known(True, 0.0),
        "serves": False,
        "engine_serves": Unknown("moving", 0.0),
        "peer_serves": Known(False, 0.0),
        "peer_granted": Known(False, 0.0),
        "peer_hears": Known(True, 0.0),
        "has_let_go": False,
        "gives_up": False,
        "stands_by": True,
        "moving": False,
        "own": Claim(False, 1),
        "peer": Claim(False, 1),
        "fit": True,
        "peer_fit": Known(True, 0.0),
        "lost_request": False,
    }
    return PairView(node=node, **{**known, **fields})  # type: ignore[arg-type]


def both(node: Node = P, **fields: object) -> PairView:
    return view(
        node,
        **{
            "serves": True,
            "peer_serves": Known(True, 0.0),
            "peer_granted": Known(True, 0.0),
            "stands_by": False,
            **fields,
        },
    )


@given(CLAIMS, CLAIMS)
def test_of_two_that_serve_exactly_one_lets_go(primary: Claim, secondary: Claim) -> None:
    assert yields(P, primary, secondary) is not yields(S, secondary, primary)


def test_the_line_stays_then_the_longer_service_then_the_primary() -> None:
    assert yields(P, Claim(False, 1), Claim(True, 9))
    assert yields(P, Claim(True, 9), Claim(True, 1))
    assert yields(S, Claim(False, 5), Claim(False, 5))
    assert not yields(P, Claim(False, 5), Claim(False, 5))
    assert yields(P, Claim(True, 1, stood_still=True), Claim(False, 9)), (
        "the other node has taken over meanwhile"
    )
    assert yields(P, Claim(True, 1), Claim(False, None)), "an older version lets go for nobody"


@given(st.booleans(), st.booleans())
def test_when_nobody_serves_both_know_who_is_next(primary: bool, secondary: bool) -> None:
    told = (
        view(P, fit=primary, peer_fit=Known(secondary, 0.0)),
        view(S, fit=secondary, peer_fit=Known(primary, 0.0)),
    )
    assert serves_next(told[0]) is serves_next(told[1])
    assert (serves_next(told[0]) is None) is not (primary or secondary)


@given(SAID, SAID, SAID, st.booleans(), st.booleans())
def test_what_is_unknown_is_no_fault(
    alive: Reading[bool], granted: Reading[bool], fit: Reading[bool], serves: bool, lost: bool
) -> None:
    seen = view(
        serves=serves,
        stands_by=not serves,
        peer_alive=alive,
        peer_granted=granted,
        peer_serves=granted,
        peer_fit=fit,
        lost_request=lost,
    )
    faults = {one.fault for one in standing((), seen, 0.0)}
    if isinstance(alive, Unknown):
        assert not faults
    if isinstance(granted, Unknown) and alive == Known(True, 0.0):
        assert not faults - {PairFault.REQUEST_LOST}
    if serves:
        assert PairFault.NOBODY_SERVES not in faults


def test_a_fault_must_stand_for_its_dwell_and_is_given_time_after_each_remedy() -> None:
    (fault,) = standing((), view(), 100.0)
    rule = rule_of(PairFault.NOBODY_SERVES)
    assert fault == StandingFault(PairFault.NOBODY_SERVES, 100.0, 100.0, 100.0)
    assert due(fault, view(), 100.0 + rule.dwell - 0.1) is None
    assert due(fault, view(), 100.0 + rule.dwell) is Remedy.TAKE_OVER
    fault = tried(fault, 115.0)
    assert due(fault, view(), 115.0 + rule.patience - 0.1) is None
    assert due(fault, view(), 115.0 + rule.patience) is Remedy.RESTART_ENGINE
    assert due(fault, view(S), 115.0 + rule.patience) is None, "it is the primary's turn"
    fault = tried(fault, 135.0)
    assert due(fault, view(), 135.0 + rule.patience) is Remedy.TAKE_OVER, "from the first again"


def test_a_fault_that_comes_back_soon_is_the_same_one() -> None:
    (fault,) = standing((), view(), 0.0)
    fault = tried(fault, 15.0)
    (gone,) = standing((fault,), view(peer_granted=Known(True, 0.0)), 16.0)
    assert not gone.there and not gone.is_overdue(100.0) and due(gone, view(), 100.0) is None
    (again,) = standing((gone,), view(), 40.0)
    assert (again.first, again.since, again.tried) == (0.0, 40.0, 1)
    assert due(again, view(), 55.0) is not None, "the remedy had helped, so it is not waited for"
    assert not again.is_overdue(50.0), "it may be an ordinary move"
    assert again.is_overdue(55.0)
    assert standing((gone,), view(peer_granted=Known(True, 0.0)), 80.0) == ()


def test_an_engine_that_moves_something_is_given_time_but_not_for_ever() -> None:
    (fault,) = standing((), view(), 0.0)
    assert due(fault, view(moving=True), 20.0) is None
    assert due(fault, view(moving=True), 60.0) is Remedy.TAKE_OVER


def test_a_node_alone_that_its_engine_forgets_serves() -> None:
    alone = view(S, peer_alive=Known(False, 0.0), peer_granted=Unknown("silent", 0.0))
    (fault,) = standing((), alone, 0.0)
    assert due(fault, alone, 20.0) is Remedy.TAKE_OVER
    assert standing((), view(S, peer_alive=Unknown("dark", 0.0)), 0.0) == ()


def test_both_serve() -> None:
    (fault,) = standing((), both(), 0.0)
    assert fault.fault is PairFault.BOTH_SERVE
    assert due(fault, both(P), 30.0) is None
    assert due(fault, both(S), 30.0) is Remedy.YIELD


def test_the_node_that_hears_lets_go_of_two_that_serve() -> None:
    heard = both(P, peer_hears=Known(False, 0.0))
    (fault,) = standing((), heard, 0.0)
    assert fault.fault is PairFault.PEER_DEAF
    assert due(fault, heard, 30.0) is Remedy.LET_GO, "whoever has the line"
    deaf = both(S, peer_alive=Known(False, 0.0))
    assert standing((), deaf, 0.0) == ()


def test_a_grant_that_was_given_up_ends_when_the_engine_does_not_take_it_back() -> None:
    kept = view(
        S, stands_by=False, has_let_go=True, peer_serves=Known(True, 0.0), peer_granted=Known(True, 0.0)
    )
    (fault,) = standing((), kept, 0.0)
    assert fault.fault is PairFault.GRANT_KEPT
    assert due(fault, kept, 30.0) is Remedy.RESTART_ENGINE
    deaf = dataclasses.replace(kept, peer_hears=Known(False, 0.0))
    assert standing((), deaf, 0.0) == (), "a new engine would only begin to serve again"


@pytest.mark.parametrize(
    ("primary_fit", "secondary_fit", "next_one"),
    [(True, True, P), (True, False, P), (False, True, S), (False, False, None)],
)
def test_of_two_that_give_service_up_to_each_other_one_takes_it_back(
    primary_fit: bool, secondary_fit: bool, next_one: Node | None
) -> None:
    fit = {P: primary_fit, S: secondary_fit}
    for node in Node:
        gone = view(
            node,
            stands_by=False,
            gives_up=True,
            peer_granted=Known(True, 0.0),
            fit=fit[node],
            peer_fit=Known(fit[node.other], 0.0),
        )
        (fault,) = standing((), gone, 0.0)
        assert fault.fault is PairFault.BOTH_GAVE_UP
        assert due(fault, gone, 1.0) is None, "an engine that moves service on has not asked it to let go yet"
        assert due(fault, gone, 3.0) is (Remedy.TAKE_BACK_OR_RESTART if next_one else None)
        assert serves_next(gone) is next_one


def test_a_peer_that_takes_over_or_has_no_grant_has_not_given_up_too() -> None:
    for said in (Known(True, 0.0), Unknown("dark", 0.0)):
        taken = view(P, stands_by=False, gives_up=True, peer_granted=Known(True, 0.0), peer_serves=said)
        assert PairFault.BOTH_GAVE_UP not in [one.fault for one in standing((), taken, 0.0)]
    assert standing((), view(P, stands_by=False, gives_up=True), 0.0) == ()


@pytest.mark.parametrize(
    "kept",
    [
        {"gives_up": True, "stands_by": False},
        {"engine_serves": Known(True, 0.0)},
        {"address": True},
    ],
    ids=["it gives up", "the engine says so", "the address is here"],
)
def test_what_is_left_beside_a_peer_that_serves_is_let_go(kept: dict[str, object]) -> None:
    left = view(S, peer_serves=Known(True, 0.0), peer_granted=Known(True, 0.0), **kept)
    (fault,) = standing((), left, 0.0)
    assert fault.fault is PairFault.GRANT_KEPT
    assert due(fault, left, 4.0) is None
    assert due(fault, left, 6.0) is Remedy.RESTART_ENGINE


def test_a_remedy_that_helps_for_a_moment_again_and_again_is_given_its_patience() -> None:
    left = view(S, peer_serves=Known(True, 0.0), peer_granted=Known(True, 0.0), address=True)
    well = dataclasses.replace(left, address=False)
    faults: tuple[StandingFault, ...] = ()
    times = []
    for tenth in range(1200):
        now = tenth / 10
        helped = bool(times) and now - times[-1] < 1.0
        faults = standing(faults, well if helped else left, now)
        for fault in faults:
            if due(fault, left, now) is not None and not helped:
                times.append(now)
                faults = tuple(tried(one, now) for one in faults)
    assert len(times) <= 3 + 120 / 30, times


def test_a_node_that_serves_without_the_engine_is_made_its_owner() -> None:
    bare = view(P, serves=True, stands_by=False, engine_serves=Known(False, 0.0))
    (fault,) = standing((), bare, 0.0)
    assert fault.fault is PairFault.SERVES_UNGRANTED
    assert due(fault, bare, 30.0) is Remedy.TAKE_OVER
    assert {
        one.fault for one in standing((), dataclasses.replace(both(), engine_serves=Known(False, 0.0)), 0.0)
    } == {PairFault.BOTH_SERVE}, "of two, one lets go first"


def test_what_people_read_names_a_time_only_when_there_was_one() -> None:
    assert in_words("both serve", "Stop one.", 45.2) == "both serve, for 45 s. Stop one."
    assert in_words("a request was lost", "Wait.", 0.0) == "a request was lost. Wait."


def test_nobody_serves_while_the_engine_is_being_restarted() -> None:
    (fault,) = standing((), view(), 0.0)
    fault = tried(fault, 40.0)
    waiting = view(engine=False, stands_by=False)
    (still,) = standing((fault,), waiting, 46.0)
    assert still.is_overdue(46.0)
    (gone,) = standing((fault,), view(serves=True, stands_by=False), 46.0)
    assert not gone.there


def test_a_late_word_of_a_service_that_has_ended_makes_nobody_let_go() -> None:
    (fault,) = standing((), both(S, acknowledged=False), 0.0)
    assert due(fault, both(S, acknowledged=False), 30.0) is None
    assert due(fault, both(S), 0.0) is Remedy.YIELD, (
        "the other node has heard of this service, and serves all the same"
    )


def test_every_fault_has_its_rule() -> None:
    assert [rule.fault for rule in RULES] == list(PairFault)
    assert all(rule.says and rule.todo and rule.bound >= rule.dwell for rule in RULES)


def test_a_lost_request_is_ended_by_the_node_that_stands_by() -> None:
    rule = rule_of(PairFault.REQUEST_LOST)
    idle = view(peer_granted=Known(True, 0.0), peer_serves=Known(True, 0.0), lost_request=True)
    serving = both(peer_serves=Known(False, 0.0), lost_request=True)
    for seen, remedy in ((idle, Remedy.BE_CALLED_DEAD), (serving, None)):
        (fault,) = standing((), seen, 0.0)
        assert fault.fault is PairFault.REQUEST_LOST
        assert due(fault, seen, rule.dwell) is remedy
        assert not fault.is_overdue(rule.bound - 0.1) and fault.is_overdue(rule.bound)
