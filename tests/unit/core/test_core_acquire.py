"""Acquiring: each phase, each sentence, each order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_seen import POLICY, SECONDARY, SERVING, Walk, peer, seen

from appliance.core.model import DChannel, Line, Pbx, Relay
from appliance.core.reading import Known, Unknown
from appliance.core.transfer import Goal, Order, Peer, Phase, Policy, Seen, Witness

ON = Relay.ENERGISED
AWAY = seen(commanded=ON, pbx=Pbx.RUNNING)
SETTLING = replace(SERVING, line=seen(line=Line.SETTLING).line)
LINKING = replace(SERVING, dchannel=seen(dchannel=DChannel.DOWN).dchannel)
SILENT_PEER = peer(alive=False, fit=None, line=None, granted=None, relay=None)


def after(wait: float, what: Seen, policy: Policy = POLICY) -> Walk:
    """A transfer that has seen `what` for `wait` seconds, ten times a second."""
    walk = Walk(policy=policy)
    for tenth in range(round(wait * 10) + 1):
        walk.look(100.0 + tenth / 10, what)
    return walk


# -- the straight way -------------------------------------------------------------------------------------


def test_relay_and_asterisk_are_ordered_in_parallel() -> None:
    walk = Walk()
    assert walk.look(100.0, seen()) == (Order.ENERGISE, Order.START_PBX)
    assert (walk.phase, walk.note) == (Phase.MOVING, "waiting for the line's signal")


def test_all_phases_in_their_order() -> None:
    walk = Walk()
    walk.look(100.0, seen())
    walk.look(100.1, seen(commanded=ON, line=Line.SETTLING, pbx=Pbx.STARTING))
    assert (walk.phase, walk.note) == (
        Phase.SETTLING,
        "signal received; waiting for the span to settle",
    )
    walk.look(105.0, seen(commanded=ON, line=Line.CLEAR, pbx=Pbx.STARTING))
    assert (walk.phase, walk.note) == (Phase.LINKING, "Asterisk is starting")
    walk.look(105.1, LINKING)
    assert (walk.phase, walk.note) == (Phase.LINKING, "the alarm is clear; waiting for the D-channel")
    assert walk.look(106.0, SERVING) == ()
    assert (walk.phase, walk.note) == (Phase.DONE, "the line is in service here")
    assert walk.transfer.done
    assert walk.transfer.since == 106.0


def test_the_first_arrival_of_the_line_is_no_ghost() -> None:
    walk = Walk()
    walk.look(100.0, seen())
    walk.look(100.1, SETTLING)
    assert walk.look(105.2, SERVING) == ()
    assert walk.phase is Phase.DONE


def test_a_command_is_never_success() -> None:
    assert after(7.9, AWAY).phase is Phase.MOVING
    assert after(8.0, AWAY).phase is Phase.BLOCKED


def test_the_secondary_orders_no_relay() -> None:
    walk = Walk(policy=SECONDARY)
    assert walk.look(100.0, seen(commanded=None, card=None)) == (Order.START_PBX,)


def test_a_card_that_is_gone_is_not_ordered_and_one_that_is_unknown_is() -> None:
    assert Walk().look(100.0, seen(card=False, commanded=None)) == (Order.START_PBX,)
    assert Order.ENERGISE in Walk().look(100.0, seen(card=None, commanded=None))


def test_a_card_that_comes_back_is_told_again() -> None:
    walk = Walk()
    walk.look(100.0, seen())
    walk.look(101.0, SERVING)
    assert (
        walk.look(102.0, replace(AWAY, card=seen(card=False).card, commanded=seen(commanded=None).card)) == ()
    )
    assert walk.look(103.0, seen(commanded=None, pbx=Pbx.RUNNING)) == (Order.ENERGISE,)


def test_an_order_under_way_is_not_given_again() -> None:
    busy = {Order.ENERGISE, Order.START_PBX}
    assert Walk().look(100.0, seen(busy=busy)) == ()


def test_an_order_that_failed_is_repeated_after_the_retry_time() -> None:
    walk = Walk()
    failed = seen(failed={Order.ENERGISE: "no answer", Order.START_PBX: "no modules"})
    given = {100.0 + tenth / 10: walk.look(100.0 + tenth / 10, failed) for tenth in range(31)}
    assert [at for at, orders in given.items() if orders] == [100.0, 101.0, 102.0, 103.0]


def test_a_line_without_d_channel_needs_only_its_alarm_clear() -> None:
    walk = Walk()
    assert walk.look(100.0, replace(SERVING, dchannel=seen(dchannel=DChannel.NONE).dchannel)) == ()
    assert walk.phase is Phase.DONE


def test_without_a_line_asterisk_is_all() -> None:
    policy = replace(POLICY, has_card=False, has_line=False)
    walk = Walk(policy=policy)
    assert walk.look(100.0, seen(line=None, commanded=None)) == (Order.START_PBX,)
    assert (walk.phase, walk.note) == (Phase.MOVING, "Asterisk is starting")
    runs = seen(line=None, dchannel=None, pbx=Pbx.RUNNING)
    for sip, says in (
        (Unknown("SIPPORT=0", 0.0), "Asterisk runs"),
        (Known(False, 0.0), "Asterisk runs, and does not answer by SIP"),
        (Known(True, 0.0), "Asterisk answers"),
    ):
        walk.look(101.0, replace(runs, sip=sip))
        assert (walk.phase, walk.note) == (Phase.DONE, f"{says}; this pair has no line to move")


def test_an_analog_card_is_never_called_done() -> None:
    walk = Walk()
    analog = seen(commanded=ON, line=Line.UNVERIFIABLE, dchannel=DChannel.NONE)
    walk.look(100.0, analog)
    assert (walk.phase, walk.note) == (Phase.MOVING, "Asterisk is starting")
    walk.look(101.0, replace(analog, pbx=seen(pbx=Pbx.RUNNING).pbx))
    assert walk.phase is Phase.UNVERIFIABLE
    assert "make a test call" in walk.note
    assert not walk.transfer.done


# -- why it is blocked, in a sentence ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "policy", "says"),
    [
        (
            replace(AWAY, line=seen(line=None).line),
            POLICY,
            "the line cannot be seen: the probe got no answer",
        ),
        (AWAY, POLICY, "neither node receives the line"),
        (replace(AWAY, peer=peer(line=None)), POLICY, "no signal arrives. Check the card and both cables"),
        (replace(AWAY, peer=peer(line=Line.CLEAR)), POLICY, "the relay is stuck"),
        (
            replace(AWAY, card=seen(card=False).card, peer=peer(line=Line.CLEAR)),
            POLICY,
            "the relay card is gone, so the line is at the secondary",
        ),
        (
            seen(
                commanded=None,
                pbx=Pbx.RUNNING,
                failed={Order.ENERGISE: "it says ERR"},
                other=peer(line=Line.CLEAR),
            ),
            POLICY,
            "the relay could not be energised: it says ERR",
        ),
        (
            replace(AWAY, peer=peer(line=Line.CLEAR)),
            SECONDARY,
            "the primary is up but the line does not arrive",
        ),
        (replace(AWAY, peer=SILENT_PEER), SECONDARY, "the line is held by the primary, which is silent"),
        (replace(AWAY, peer=peer(line=Line.ABSENT)), SECONDARY, "neither node receives the line"),
    ],
)
def test_why_the_line_is_away(what: Seen, policy: Policy, says: str) -> None:
    walk = after(8.0, what, policy)
    assert walk.phase is Phase.BLOCKED
    assert says in walk.note


def test_a_disturbed_line() -> None:
    assert after(15.9, SETTLING).phase is Phase.SETTLING
    walk = after(16.0, SETTLING)
    assert (walk.phase, walk.note) == (
        Phase.BLOCKED,
        "signal received, but its alarm does not clear: the line is disturbed",
    )


def test_a_d_channel_that_stays_down() -> None:
    walk = after(60.0, LINKING)
    assert walk.phase is Phase.BLOCKED
    assert "its D-channel stays down. Tried in vain: the link of the span is restarted;" in walk.note
    assert "Ask the provider to reset layer 2" in walk.note


def test_a_d_channel_that_cannot_be_seen() -> None:
    walk = after(24.1, replace(SERVING, dchannel=seen(dchannel=None).dchannel))
    assert walk.phase is Phase.BLOCKED
    assert "the D-channel cannot be seen: the probe got no answer" in walk.note
    assert Order.RESTART_SPANS not in walk.transfer.ordered
    assert Order.RESTART_PBX not in walk.transfer.ordered


def test_asterisk_that_does_not_start() -> None:
    here = seen(commanded=ON, line=Line.CLEAR)
    walk = after(0.0, replace(here, failed={Order.START_PBX: "no modules"}))
    assert (walk.phase, walk.note) == (Phase.BLOCKED, "Asterisk does not start: no modules")
    booting = replace(here, pbx=seen(pbx=Pbx.STARTING).pbx)
    assert after(59.9, booting).phase is Phase.LINKING
    assert after(60.0, booting).note == "Asterisk does not start: it does not finish booting"


def test_an_asterisk_that_nobody_can_see_is_not_said_to_start() -> None:
    unseen = seen(commanded=ON, line=Line.CLEAR, pbx=None)
    walk = after(7.9, unseen)
    assert walk.phase is Phase.LINKING
    assert walk.note == "Asterisk cannot be seen, so it is not started: the probe got no answer"
    assert after(8.0, unseen).phase is Phase.BLOCKED
    assert Order.START_PBX not in walk.transfer.ordered


def test_an_asterisk_that_was_started_and_is_not_seen_any_more_is_waited_for() -> None:
    walk = Walk()
    walk.look(100.0, seen(commanded=ON, line=Line.CLEAR, pbx=Pbx.DEAD))
    unseen = seen(commanded=ON, line=Line.CLEAR, pbx=None)
    walk.look(159.0, unseen)
    assert (walk.phase, walk.note) == (Phase.LINKING, "Asterisk is starting")
    walk.look(160.0, unseen)
    assert walk.note == "Asterisk does not start: the probe got no answer"


@pytest.mark.parametrize("policy", [POLICY, SECONDARY])
def test_every_block_ends_when_the_world_heals(policy: Policy) -> None:
    for what in (AWAY, SETTLING, LINKING, seen(line=None), seen(failed={Order.START_PBX: "no modules"})):
        walk = after(60.0, what, policy)
        assert walk.phase is Phase.BLOCKED
        walk.look(170.0, LINKING)
        walk.look(171.0, SERVING)
        assert walk.phase is Phase.DONE


def test_a_line_that_is_lost_again_is_no_longer_done() -> None:
    walk = after(1.0, SERVING)
    walk.look(102.0, replace(SERVING, line=seen(line=Line.ABSENT).line))
    assert walk.phase is Phase.MOVING
    walk.look(103.0, SETTLING)
    assert walk.phase is Phase.SETTLING


# -- Asterisk ---------------------------------------------------------------------------------------------


def test_a_hung_asterisk_from_before_is_killed_and_then_started() -> None:
    walk = Walk()
    assert walk.look(100.0, seen(commanded=ON, pbx=Pbx.HUNG)) == (Order.KILL_PBX,)
    assert walk.look(100.1, seen(commanded=ON, pbx=Pbx.HUNG, busy={Order.KILL_PBX})) == ()
    assert walk.look(100.2, seen(commanded=ON)) == (Order.START_PBX,)


@pytest.mark.parametrize("ending", [Order.STOP_PBX, Order.KILL_PBX, Order.RESTART_PBX])
def test_no_start_while_asterisk_is_being_ended(ending: Order) -> None:
    walk = Walk()
    assert walk.look(100.0, seen(commanded=ON, busy={ending})) == ()
    assert walk.look(100.1, seen(commanded=ON)) == (Order.START_PBX,)


def test_an_asterisk_that_is_still_being_stopped_does_not_count_as_served() -> None:
    """Granted again while the stop of the release before is under way: it must be started once it is gone."""
    walk = Walk()
    walk.look(100.0, seen(commanded=ON, pbx=Pbx.RUNNING, busy={Order.STOP_PBX}))
    assert walk.look(101.0, seen(commanded=ON)) == (Order.START_PBX,)


def test_asterisk_that_dies_after_it_served_is_for_the_decision() -> None:
    walk = after(1.0, SERVING)
    assert walk.look(102.0, replace(SERVING, pbx=seen(pbx=Pbx.DEAD).pbx)) == ()
    assert (walk.phase, walk.note) == (
        Phase.BLOCKED,
        "Asterisk died after it had served; 'asha pbx start' starts it afresh",
    )
    assert walk.look(103.0, replace(SERVING, pbx=seen(pbx=Pbx.HUNG).pbx)) == ()
    assert walk.note == "Asterisk hangs after it had served; 'asha pbx start' starts it afresh"


def test_the_start_deadline_runs_from_when_asterisk_is_awaited() -> None:
    """Not from the grant: after a day of service a boot is not late in its first second."""
    walk = after(1.0, SERVING)
    walk.look(90_000.0, replace(SERVING, pbx=seen(pbx=Pbx.STARTING).pbx))
    assert (walk.phase, walk.note) == (Phase.LINKING, "Asterisk is starting")


# -- the witness ------------------------------------------------------------------------------------------


def held(witness: Witness) -> Policy:
    return replace(SECONDARY, witness=witness)


FROZEN = seen(commanded=None, card=None, other=SILENT_PEER)


def test_off_starts_at_once() -> None:
    assert Walk(policy=held(Witness.OFF)).look(100.0, FROZEN) == (Order.START_PBX,)


def test_prefer_waits_a_bounded_time() -> None:
    walk = Walk(policy=held(Witness.PREFER))
    assert walk.look(104.9, FROZEN) == ()
    assert walk.phase is Phase.MOVING
    assert "waiting HAWITNESSWAIT" in walk.note
    assert walk.look(105.0, FROZEN) == (Order.START_PBX,)


def test_require_waits_for_the_line() -> None:
    walk = Walk(policy=held(Witness.REQUIRE))
    assert walk.look(107.9, FROZEN) == ()
    assert walk.phase is Phase.MOVING
    assert walk.look(500.0, FROZEN) == ()
    assert walk.phase is Phase.BLOCKED  # an operator is needed now
    assert "HAWITNESS=REQUIRE keeps Asterisk stopped here until the line arrives" in walk.note
    assert walk.look(501.0, replace(FROZEN, line=seen(line=Line.CLEAR).line)) == (Order.START_PBX,)
    assert (walk.phase, walk.note) == (Phase.LINKING, "Asterisk is starting")


def test_require_cannot_be_fulfilled_by_analog_lines_and_says_so() -> None:
    walk = Walk(policy=held(Witness.REQUIRE))
    assert walk.look(120.0, replace(FROZEN, line=seen(line=Line.UNVERIFIABLE).line)) == ()
    assert "HAWITNESS=PREFER or OFF" in walk.note


NEVER_SET_UP = Known(Line.UNVERIFIABLE, 100.0, "span 1 (TE1/0): dahdi_cfg has not set it up; run dahdi_cfg")


@pytest.mark.parametrize("line", [NEVER_SET_UP, Unknown("DAHDI has no spans", 100.0)])
@pytest.mark.parametrize("witness", [Witness.PREFER, Witness.REQUIRE])
def test_a_line_of_which_nobody_can_say_anything_has_not_arrived_for_the_witness(
    witness: Witness, line: Known[Line] | Unknown
) -> None:
    walk = Walk(policy=held(witness))
    frozen = replace(FROZEN, line=line)
    assert walk.look(100.0, frozen) == ()
    said = line.why if isinstance(line, Known) else line.reason
    assert "nobody can say whether the line arrived" in walk.note
    assert said in walk.note
    # PREFER acts in bounded time; REQUIRE says so for as long as it lasts, and that it is an operator's to end.
    later = walk.look(500.0, frozen)
    assert later == ((Order.START_PBX,) if witness is Witness.PREFER else ())
    assert walk.phase is (Phase.MOVING if later and isinstance(line, Known) else Phase.BLOCKED)


def test_a_line_that_cannot_be_verified_ends_the_transfer_as_soon_as_asterisk_runs_and_says_what_to_do() -> (
    None
):
    walk = Walk()
    walk.look(100.0, replace(seen(commanded=ON, pbx=Pbx.RUNNING), line=NEVER_SET_UP))
    assert walk.phase is Phase.UNVERIFIABLE
    assert walk.note == (
        "Asterisk runs, but nobody can say whether the line is here: "
        "span 1 (TE1/0): dahdi_cfg has not set it up; run dahdi_cfg"
    )
    walk.look(101.0, seen(commanded=ON, line=Line.CLEAR, dchannel=DChannel.UP, pbx=Pbx.RUNNING))
    assert walk.phase is Phase.DONE  # dahdi_cfg has run


def test_what_else_may_be_behind_an_absent_line_is_said_with_it() -> None:
    walk = Walk()
    asleep = Known(Line.ABSENT, 100.0, "span 1 (B4/0/1): the exchange may let the line sleep")
    walk.look(500.0, replace(AWAY, line=asleep))
    assert walk.phase is Phase.BLOCKED
    assert walk.note.startswith("neither node receives the line")
    assert walk.note.endswith(". Or: span 1 (B4/0/1): the exchange may let the line sleep")


@pytest.mark.parametrize("witness", list(Witness))
def test_a_peer_that_is_there_or_a_line_that_came_needs_no_witness(witness: Witness) -> None:
    policy = held(witness)
    assert Walk(policy=policy).look(100.0, replace(FROZEN, peer=peer())) == (Order.START_PBX,)
    came = replace(FROZEN, line=seen(line=Line.SETTLING).line)
    assert Walk(policy=policy).look(100.0, came) == (Order.START_PBX,)
    primary = replace(POLICY, witness=witness)
    assert Order.START_PBX in Walk(policy=primary).look(100.0, FROZEN)
    lineless = replace(policy, has_line=False)
    assert Walk(policy=lineless).look(100.0, FROZEN) == (Order.START_PBX,)


@pytest.mark.parametrize("witness", [Witness.PREFER, Witness.REQUIRE])
def test_a_peer_that_cannot_be_seen_is_not_there(witness: Witness) -> None:
    unseen: Peer = replace(SILENT_PEER, alive=seen(card=None).card)
    assert Walk(policy=held(witness)).look(100.0, replace(FROZEN, peer=unseen)) == ()


# -- a relay that dropped by itself -----------------------------------------------------------------------


def test_a_relay_that_lost_its_order_is_told_again_slowly() -> None:
    walk = Walk()
    walk.look(100.0, SERVING)
    dropped = replace(AWAY, peer=peer(line=Line.CLEAR))
    given = [at for at in range(101, 131) if Order.ENERGISE in walk.look(float(at), dropped)]
    assert given == [109, 117, 125]
    assert Order.ENERGISE not in after(60.0, AWAY).transfer.ordered


def test_a_transfer_to_acquire_lets_go_of_nothing_but_for_a_stuck_link() -> None:
    wrong = {Order.RELEASE, Order.STOP_PBX, Order.REMOVE_ADDRESS}
    for what in (seen(), AWAY, SETTLING, LINKING, SERVING, FROZEN, seen(pbx=Pbx.HUNG)):
        assert not wrong & set(after(23.0, what).transfer.ordered)


def test_goal_is_kept() -> None:
    assert after(30.0, SERVING).transfer.goal is Goal.ACQUIRE


# -- a relay whose own watchdog takes the line from a primary that hangs ------------------------------------


def test_the_secondary_waits_for_the_relays_watchdog_and_says_when_it_did_not_come() -> None:
    guarded = replace(SECONDARY, frees_after=12.0)
    held = seen(pbx=Pbx.RUNNING, card=None, commanded=None, other=SILENT_PEER)
    awaited = after(12.0, held, guarded)
    assert awaited.phase is Phase.MOVING
    assert awaited.note.endswith("its relay's own watchdog gives it here within 12 s")
    late = after(12.0 + guarded.line_deadline, held, guarded)
    assert late.phase is Phase.BLOCKED
    assert "within 12 s its relay's own watchdog has not given it here" in late.note
    assert "still powered: its relay keeps the line" in after(8.0, held, SECONDARY).note


def test_nobody_waits_for_the_watchdog_of_a_primary_that_lives() -> None:
    guarded = replace(SECONDARY, frees_after=12.0)
    held = seen(pbx=Pbx.RUNNING, card=None, commanded=None, other=peer(alive=True))
    assert after(guarded.line_deadline, held, guarded).phase is Phase.BLOCKED
