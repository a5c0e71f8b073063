"""Releasing: relay first, then Asterisk, then the address; and no claim that cannot be upheld."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from core_seen import POLICY, SECONDARY, SERVING, Walk, known, peer, seen

from appliance.core.model import Line, Pbx, Relay
from appliance.core.reading import Known, Unknown
from appliance.core.release import line_is_free, stop_fails
from appliance.core.transfer import Goal, Order, Phase, Policy, Seen

OFF = Relay.RELEASED
DEAF = replace(SERVING, commanded=known(None))


def letting_go(goal: Goal = Goal.RELEASE, policy: Policy = POLICY) -> Walk:
    return Walk(goal, policy)


def test_relay_first_then_asterisk_then_done() -> None:
    walk = letting_go()
    assert walk.look(100.0, SERVING) == (Order.RELEASE,)
    assert (walk.phase, walk.note) == (Phase.LETTING_GO, "the relay is being released")
    released = replace(SERVING, commanded=known(OFF))
    assert walk.look(100.1, released) == (Order.STOP_PBX,)
    assert (walk.phase, walk.note) == (Phase.STOPPING, "the line is let go; Asterisk is being stopped")
    assert walk.look(100.5, seen()) == ()
    assert (walk.phase, walk.note) == (Phase.DONE, "the line is let go and Asterisk is gone")


def test_once_done_it_stays_done() -> None:
    walk = letting_go()
    walk.look(100.0, seen())
    assert walk.phase is Phase.DONE
    assert walk.look(200.0, SERVING) == ()
    assert walk.phase is Phase.DONE


def test_a_card_that_does_not_answer_holds_asterisk_up_for_a_second_only() -> None:
    walk = letting_go()
    assert walk.look(100.9, DEAF) == (Order.RELEASE,)
    assert walk.look(101.0, DEAF) == (Order.STOP_PBX,)


def test_a_hung_asterisk_is_killed_at_once() -> None:
    assert letting_go().look(100.0, seen(pbx=Pbx.HUNG)) == (Order.KILL_PBX,)


def test_an_asterisk_that_does_not_stop_is_killed_by_its_deadline() -> None:
    walk = letting_go()
    stopping = seen(pbx=Pbx.RUNNING, busy={Order.STOP_PBX})
    assert walk.look(105.9, stopping) == ()
    assert walk.look(106.0, stopping) == (Order.KILL_PBX,)
    assert walk.look(106.1, replace(stopping, busy=frozenset({Order.STOP_PBX, Order.KILL_PBX}))) == ()


def test_no_stop_while_a_kill_is_under_way() -> None:
    assert letting_go().look(100.0, seen(pbx=Pbx.RUNNING, busy={Order.KILL_PBX})) == ()


def test_orders_are_repeated_at_the_retry_time_only() -> None:
    walk = letting_go()
    given = [
        tenth for tenth in range(45) if Order.STOP_PBX in walk.look(100 + tenth / 10, seen(pbx=Pbx.RUNNING))
    ]
    assert given == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("policy", [SECONDARY, replace(POLICY, has_card=False)])
def test_without_a_card_there_is_no_line_to_let_go(policy: Policy) -> None:
    walk = letting_go(policy=policy)
    assert walk.look(100.0, DEAF) == (Order.STOP_PBX,)


def test_a_card_that_is_gone_has_dropped_its_relay() -> None:
    walk = letting_go()
    assert walk.look(100.0, replace(DEAF, card=known(False))) == (Order.STOP_PBX,)


def test_asterisk_that_cannot_be_seen_is_not_gone() -> None:
    walk = letting_go()
    blind = seen(pbx=None)
    assert walk.look(100.0, blind) == (Order.STOP_PBX,)
    assert walk.phase is Phase.STOPPING
    walk.look(110.0, blind)
    assert (walk.phase, walk.note) == (Phase.BLOCKED, "Asterisk is not gone: the probe got no answer")


# -- what is under way from before ------------------------------------------------------------------------


def test_an_energise_under_way_is_released_behind_it() -> None:
    """Start and stop within one command of the card: the late ENERGISE must not have the last word."""
    walk = letting_go()
    under_way = seen(commanded=OFF, busy={Order.ENERGISE})
    assert walk.look(100.0, under_way) == (Order.RELEASE,)
    assert walk.phase is Phase.LETTING_GO
    assert not line_is_free(walk.transfer, under_way, 100.0)


@pytest.mark.parametrize("order", [Order.START_PBX, Order.RESTART_PBX])
def test_a_start_under_way_may_still_bring_asterisk_up(order: Order) -> None:
    walk = letting_go()
    walk.look(100.0, seen(busy={order}))
    assert walk.phase is Phase.STOPPING
    assert walk.look(100.1, seen(pbx=Pbx.STARTING, busy={order})) == (Order.STOP_PBX,)
    walk.look(110.0, seen(busy={order}))
    assert (walk.phase, walk.note) == (
        Phase.BLOCKED,
        "Asterisk may still come up: an order to start it from before has not ended",
    )
    walk.look(111.0, seen())
    assert walk.phase is Phase.DONE


# -- what the engine's stop is answered -------------------------------------------------------------------


def test_a_stop_fails_once_the_line_cannot_be_let_go_and_not_before() -> None:
    walk = letting_go()
    walk.look(100.0, DEAF)
    assert walk.phase is Phase.LETTING_GO and not stop_fails(walk.transfer, DEAF, 100.0)
    walk.look(110.0, DEAF)
    assert walk.phase is Phase.BLOCKED and stop_fails(walk.transfer, DEAF, 110.0)
    assert not stop_fails(walk.transfer, seen(commanded=OFF), 110.0), "the relay took the order after all"


def test_a_stop_does_not_fail_for_what_is_not_the_line() -> None:
    walk = letting_go()
    hangs = seen(commanded=OFF, pbx=Pbx.HUNG)
    walk.look(100.0, hangs)
    walk.look(110.0, hangs)
    assert walk.phase is Phase.BLOCKED and not stop_fails(walk.transfer, hangs, 110.0)


def test_a_stop_does_not_fail_where_a_start_has_come_after_it_nor_where_nothing_was_held() -> None:
    walk = letting_go()
    walk.look(110.0, DEAF)
    assert stop_fails(walk.transfer, DEAF, 110.0)
    assert not stop_fails(replace(walk.transfer, goal=Goal.ACQUIRE), DEAF, 110.0)
    assert not stop_fails(None, DEAF, 110.0)


# -- the line as a witness --------------------------------------------------------------------------------


def test_an_old_word_of_the_peer_does_not_spare_the_relay_its_order() -> None:
    """Five seconds ago the line was at the peer; it was brought here since, and now must be let go."""
    walk = letting_go()
    stale = replace(SERVING, peer=peer(line=known(Line.CLEAR, 99.0)))
    assert walk.look(100.0, stale) == (Order.RELEASE,)
    assert walk.phase is Phase.LETTING_GO
    assert not line_is_free(walk.transfer, stale, 100.0)


def deaf(line: Line | None, peers: float, what: Seen = DEAF) -> Seen:
    return replace(what, line=known(line), pbx=known(Pbx.DEAD), peer=peer(line=known(Line.SETTLING, peers)))


def test_a_deaf_card_is_believed_by_the_line_that_arrived_at_the_peer() -> None:
    walk = letting_go()
    walk.look(100.0, DEAF)
    walk.look(100.5, deaf(Line.ABSENT, peers=100.4))
    assert walk.phase is Phase.DONE


@pytest.mark.parametrize("line", [Line.CLEAR, Line.SETTLING])
def test_but_not_while_the_line_is_still_seen_here(line: Line) -> None:
    walk = letting_go()
    walk.look(100.0, DEAF)
    walk.look(100.5, deaf(line, peers=100.4))
    assert walk.phase is Phase.LETTING_GO


# -- leaving ----------------------------------------------------------------------------------------------


def test_leaving_takes_the_address_along() -> None:
    walk = letting_go(Goal.LEAVE)
    assert Order.REMOVE_ADDRESS in walk.look(100.0, replace(SERVING, address=known(True)))
    walk.look(100.5, seen(address=True))
    assert (walk.phase, walk.note) == (
        Phase.STOPPING,
        "Asterisk is gone; the cluster address is being removed",
    )
    walk.look(101.0, seen(address=False))
    assert walk.phase is Phase.DONE


def test_an_address_that_cannot_be_seen_is_removed_and_not_called_gone() -> None:
    walk = letting_go(Goal.LEAVE)
    assert walk.look(100.0, seen(address=None)) == (Order.REMOVE_ADDRESS,)
    walk.look(110.0, seen(address=None))
    assert walk.note == "whether the cluster address is gone cannot be seen: the probe got no answer"


def test_a_release_leaves_the_address_to_heartbeat() -> None:
    walk = letting_go()
    assert walk.look(100.0, seen(address=True)) == ()
    assert walk.phase is Phase.DONE


# -- why it is blocked ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "what", "says"),
    [
        (Goal.RELEASE, DEAF, "the line cannot be let go: the probe got no answer. Cut the card's power"),
        (Goal.RELEASE, SERVING, "the line cannot be let go: the card does not answer"),
        (
            Goal.RELEASE,
            replace(DEAF, failed={Order.RELEASE: "it says ERR"}),
            "the line cannot be let go: it says ERR",
        ),
        (Goal.RELEASE, seen(pbx=Pbx.HUNG), "Asterisk is not gone: hung"),
        (Goal.LEAVE, seen(address=True), "the cluster address is still here: it was not removed"),
        (
            Goal.LEAVE,
            seen(address=True, failed={Order.REMOVE_ADDRESS: "no such device"}),
            "the cluster address is still here: no such device",
        ),
    ],
)
def test_why_it_is_blocked_and_that_it_goes_on(goal: Goal, what: Seen, says: str) -> None:
    walk = letting_go(goal)
    walk.look(109.9, what)
    assert walk.phase is not Phase.BLOCKED
    assert walk.look(111.0, what)
    assert walk.phase is Phase.BLOCKED
    assert says in walk.note
    assert walk.look(112.0, seen(address=False)) == ()
    assert walk.phase is Phase.DONE


def test_letting_go_never_acquires() -> None:
    wrong = {Order.ENERGISE, Order.START_PBX, Order.RESTART_PBX, Order.RESTART_SPANS}
    for goal in (Goal.RELEASE, Goal.LEAVE):
        for what in (SERVING, DEAF, seen(pbx=Pbx.RUNNING), seen(pbx=None, card=None, line=None)):
            walk = letting_go(goal)
            for second in range(30):
                walk.look(100.0 + second, what)
            ordered: Mapping[Order, float] = walk.transfer.ordered
            assert not wrong & set(ordered)


def test_a_relay_that_cannot_be_told_has_released_by_its_own_watchdog() -> None:
    """It gets no food under a release; a try that failed says that it could not be told, and may be seconds old."""
    tried = replace(DEAF, commanded=Unknown("it does not answer", 107.3))
    for policy, free in ((POLICY, [False, False]), (replace(POLICY, frees_after=8.0), [False, True])):
        walk = letting_go(policy=policy)
        walk.look(100.0, SERVING)
        assert [line_is_free(walk.transfer, tried, now) for now in (108.9, 109.0)] == free
    assert not line_is_free(walk.transfer, replace(tried, busy=frozenset({Order.ENERGISE})), 109.0)
    before = replace(DEAF, commanded=Unknown("it did not answer before either", 99.0))
    assert not line_is_free(walk.transfer, before, 109.0), "it has not been told under this release"


def test_a_stop_does_not_fail_for_a_watchdog_that_runs_out_in_time() -> None:
    """Each try takes nearly two seconds, so that none ends between the watchdog's end and the deadline."""
    walk = letting_go(policy=replace(POLICY, frees_after=8.0))
    for now, tried_at in ((100.0, 99.0), (102.0, 101.9), (108.8, 108.5), (109.1, 108.5), (110.0, 108.5)):
        gone = Known(Pbx.DEAD, now)
        looked = replace(DEAF, commanded=Unknown("it does not answer", tried_at), pbx=gone)
        walk.look(now, looked)
        assert not stop_fails(walk.transfer, looked, now)
    assert walk.phase is Phase.DONE
