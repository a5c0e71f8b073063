"""The D-channel: the wait for it, the ghost link, and what a moment of not seeing does not do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import SERVING, Walk, known, seen

from appliance.core.model import DChannel, Line, Pbx, Relay
from appliance.core.transfer import Order, Phase, Seen

ON = Relay.ENERGISED
LINKING = replace(SERVING, dchannel=seen(dchannel=DChannel.DOWN).dchannel)
AWAY = replace(SERVING, line=seen(line=Line.ABSENT).line)  # the D-channel still says Up
SETTLING = replace(SERVING, line=seen(line=Line.SETTLING).line)


def serving(until: float = 100.0) -> Walk:
    """In service since 100 s."""
    walk = Walk()
    for at in (100.0, until):
        walk.look(at, SERVING)
    assert walk.phase is Phase.DONE
    return walk


def run(walk: Walk, start: float, seconds: float, what: Seen) -> dict[float, tuple[Order, ...]]:
    """Ten looks a second; the orders by time."""
    times = [round(start + tenth / 10, 1) for tenth in range(round(seconds * 10))]
    given = {at: walk.look(at, what) for at in times}
    return {at: orders for at, orders in given.items() if orders}


# -- the wait; what is done then is in test_stuck_line.py --------------------------------------------------


def test_after_a_day_in_service_a_d_channel_that_drops_is_waited_for() -> None:
    """The time in service is no waiting time: nothing may be restarted at the first blink."""
    walk = serving(until=86_400.0)
    assert run(walk, 86_401.0, 16.0, LINKING) == {}
    assert walk.phase is Phase.LINKING
    assert run(walk, 86_417.0, 0.1, LINKING) == {86_417.0: (Order.RESTART_SPANS,)}
    assert walk.phase is Phase.LINKING


def test_recovery_waits_while_the_alarm_is_not_clear() -> None:
    walk = Walk()
    assert run(walk, 100.0, 15.0, LINKING) == {}
    assert run(walk, 115.0, 1.0, replace(SETTLING, dchannel=LINKING.dchannel)) == {}
    assert run(walk, 116.0, 16.0, LINKING) == {}
    assert run(walk, 132.0, 0.1, LINKING) == {132.0: (Order.RESTART_SPANS,)}


# -- the ghost link ---------------------------------------------------------------------------------------


def test_a_line_that_left_and_came_back_unnoticed_has_its_link_restarted() -> None:
    walk = serving()
    run(walk, 101.0, 2.0, AWAY)
    assert run(walk, 103.0, 5.0, SETTLING) == {}
    assert run(walk, 108.0, 0.1, SERVING) == {108.0: (Order.RESTART_SPANS,)}
    assert walk.phase is Phase.LINKING


def test_up_counts_only_when_it_was_said_after_the_restart() -> None:
    walk = serving()
    walk.look(101.0, AWAY)
    assert walk.look(102.0, SERVING) == (Order.RESTART_SPANS,)
    old = replace(SERVING, dchannel=known(DChannel.UP, 102.05))
    walk.look(102.1, replace(old, busy=frozenset({Order.RESTART_SPANS})))
    assert walk.phase is Phase.LINKING
    walk.look(103.0, old)
    assert walk.phase is Phase.LINKING
    walk.look(103.3, replace(SERVING, dchannel=known(DChannel.UP, 103.25)))
    assert walk.phase is Phase.DONE
    assert run(walk, 104.0, 60.0, SERVING) == {}


def test_a_d_channel_seen_down_and_up_again_is_trusted() -> None:
    walk = serving()
    walk.look(101.0, AWAY)
    walk.look(102.0, SERVING)
    walk.look(102.5, LINKING)
    assert walk.look(103.0, SERVING) == ()
    assert walk.phase is Phase.DONE


@pytest.mark.parametrize("noticed", [DChannel.DOWN, DChannel.NONE])
def test_an_absence_that_asterisk_noticed_leaves_no_ghost(noticed: DChannel) -> None:
    walk = serving()
    walk.look(101.0, AWAY)
    walk.look(108.0, replace(AWAY, dchannel=known(noticed)))
    walk.look(109.0, SETTLING)  # the D-channel may come up before the driver's settle time is over
    assert walk.look(114.0, SERVING) == ()
    assert walk.phase is Phase.DONE


@pytest.mark.parametrize("state", [Pbx.DEAD, Pbx.STARTING])
def test_a_new_asterisk_has_no_old_link(state: Pbx) -> None:
    walk = serving()
    walk.look(101.0, AWAY)
    walk.look(102.0, replace(AWAY, pbx=known(state), dchannel=known(None)))
    assert walk.look(103.0, SERVING) == ()
    assert walk.phase is Phase.DONE


def test_an_analog_line_that_came_back_needs_no_restart() -> None:
    walk = serving()
    analog = replace(SERVING, dchannel=known(DChannel.NONE))
    walk.look(101.0, replace(analog, line=AWAY.line))
    assert run(walk, 102.0, 30.0, analog) == {}
    assert walk.phase is Phase.DONE


def test_a_link_that_is_up_without_a_line_was_there_before_this_transfer() -> None:
    """An agent that was restarted while the line was away remembers nothing, but can see this."""
    walk = Walk()
    walk.look(100.0, AWAY)
    assert walk.look(101.0, SERVING) == (Order.RESTART_SPANS,)


def test_a_second_bounce_is_a_second_ghost() -> None:
    walk = serving()
    walk.look(101.0, AWAY)
    assert walk.look(102.0, SERVING) == (Order.RESTART_SPANS,)
    walk.look(103.0, AWAY)
    assert walk.look(104.0, SERVING) == (Order.RESTART_SPANS,)


def test_a_ghost_that_the_spans_restart_does_not_lay_ends_with_asterisks() -> None:
    walk = serving()
    walk.look(101.0, AWAY)
    failed = replace(SERVING, card=known(False), failed={Order.RESTART_SPANS: "no such command"})
    given = run(walk, 102.0, 30.0, failed)
    assert given == {102.0: (Order.RESTART_SPANS,), 110.0: (Order.RESTART_PBX,)}
    assert walk.phase is Phase.BLOCKED
    assert "cannot be trusted" in walk.note


# -- not seeing is not losing -----------------------------------------------------------------------------

BLINKS = {
    "line": replace(SERVING, line=known(None)),
    "d-channel": replace(SERVING, dchannel=known(None)),
    "asterisk": replace(SERVING, pbx=known(None)),
    "all": replace(SERVING, line=known(None), dchannel=known(None), pbx=known(None)),
}


@pytest.mark.parametrize("blink", BLINKS.values(), ids=BLINKS.keys())
def test_a_moment_of_not_seeing_changes_nothing(blink: Seen) -> None:
    walk = serving()
    assert run(walk, 101.0, 7.9, blink) == {}
    assert (walk.phase, walk.note) == (Phase.DONE, "the line is in service here")
    assert run(walk, 109.0, 60.0, SERVING) == {}
    assert walk.phase is Phase.DONE


@pytest.mark.parametrize("blink", BLINKS.values(), ids=BLINKS.keys())
def test_not_seeing_for_long_is_said_and_still_orders_nothing(blink: Seen) -> None:
    walk = serving()
    assert run(walk, 101.0, 90.0, blink) == {}
    assert walk.phase is Phase.BLOCKED
    assert "the probe got no answer" in walk.note


@pytest.mark.parametrize(
    "contrary",
    [
        replace(SERVING, line=known(None), pbx=known(Pbx.DEAD)),
        replace(SERVING, line=known(None), dchannel=known(DChannel.DOWN)),
        replace(SERVING, line=known(Line.ABSENT), dchannel=known(None)),
    ],
)
def test_what_is_known_to_be_wrong_is_not_covered_by_what_is_unknown(contrary: Seen) -> None:
    walk = serving()
    walk.look(101.0, contrary)
    assert walk.phase is not Phase.DONE


def test_unknown_never_completes_a_transfer() -> None:
    for blink in BLINKS.values():
        walk = Walk()
        run(walk, 100.0, 30.0, blink)
        assert walk.phase is not Phase.DONE


def test_a_blink_does_not_start_the_waiting_anew() -> None:
    walk = Walk()
    run(walk, 100.0, 4.0, LINKING)
    run(walk, 104.0, 0.5, replace(LINKING, line=known(None)))
    assert run(walk, 104.5, 12.0, LINKING) == {116.0: (Order.RESTART_SPANS,)}


def test_while_people_work_on_it_nothing_is_restarted_and_afterwards_its_time_begins_anew() -> None:
    walk = Walk()
    assert run(walk, 100.0, 100.0, replace(LINKING, maintenance=True)) == {}
    assert walk.phase is Phase.LINKING
    assert next(iter(run(walk, 200.0, 60.0, LINKING).items())) == (216.0, (Order.RESTART_SPANS,))
