"""What a serving node does about what it sees: each rule, and its silence on what is Unknown."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from core_seen import SERVING, known, peer, seen

from appliance.core.decide import STAY, Act, Decision, Watch, WatchPolicy, decide, may_move
from appliance.core.model import Line, Pbx, Relay
from appliance.core.reading import Known
from appliance.core.transfer import Order, Peer, Seen

POLICY = WatchPolicy(restart_allowed=False, deadtime=2.0, line_dwell=1.0, move_dwell=15.0)
RESTART = replace(POLICY, restart_allowed=True)
WATCH = Watch(known(True), granted_at=0.0, was_serving=True, line_absent_since=None, gap=0.0)
NOW = 100.0
GONE = peer(alive=False, fit=None, line=None, granted=None)
UNFIT = peer(fit=False, unfit_because="Asterisk is not installed")
MUTE = peer(fit=None, line=None, granted=None)


def with_pbx(state: Pbx | None, other: Peer | None = None, **more: object) -> Seen:
    return replace(SERVING, pbx=known(state), peer=other or peer(), **more)  # type: ignore[arg-type]


def judged(what: Seen, watch: Watch = WATCH, policy: WatchPolicy = POLICY, now: float = NOW) -> Decision:
    return decide(policy, watch, what, now)


def test_all_well() -> None:
    assert judged(SERVING) is STAY


# -- Heartbeat and the other owner ------------------------------------------------------------------------


def test_a_dead_heartbeat_lets_go_at_once() -> None:
    decision = judged(SERVING, replace(WATCH, engine=known(False)))
    assert (decision.act, decision.evidence) == (Act.LET_GO, ("engine",))


def test_a_heartbeat_that_cannot_be_seen_does_not() -> None:
    assert judged(SERVING, replace(WATCH, engine=known(None))) is STAY


def test_after_standing_still_a_node_lets_go_for_the_peer_that_took_over() -> None:
    thawed = replace(WATCH, gap=2.0)
    decision = judged(replace(SERVING, peer=peer(granted=True)), thawed)
    assert decision.act is Act.LET_GO
    assert "was frozen for up to 2.0 s" in decision.reason
    both = replace(peer(granted=True), stood_still=True)
    assert judged(replace(SERVING, peer=both), thawed) is STAY, "or nobody would serve"


@pytest.mark.parametrize(
    ("watch", "granted"),
    [
        (replace(WATCH, gap=1.9), known(True)),
        (replace(WATCH, gap=9.0), known(False)),
        (replace(WATCH, gap=9.0), known(None)),
        (
            replace(WATCH, gap=9.0, granted_at=50.0),
            known(True, 49.0),
        ),  # it served before us, and said so then
    ],
)
def test_else_it_stays(watch: Watch, granted: object) -> None:
    assert judged(replace(SERVING, peer=replace(peer(), granted=granted)), watch) is STAY  # type: ignore[arg-type]


# -- a peer that has lost the line's card -------------------------------------------------------------------

CARDLESS = replace(UNFIT, fit_for_lan=known(True), unfit_because="the relay card is not there")


def test_telephones_without_the_line_are_better_than_nobody() -> None:
    decision = judged(with_pbx(Pbx.DEAD, CARDLESS))
    assert (decision.act, decision.evidence) == (Act.HAND_OVER, ("pbx", "peer fit for the LAN"))
    assert judged(with_pbx(Pbx.DEAD, CARDLESS), policy=RESTART).act is Act.RESTART_PBX, "the line is here"
    assert judged(with_pbx(Pbx.DEAD, replace(CARDLESS, fit_for_lan=known(False)))).act is Act.STAY
    assert judged(with_pbx(Pbx.DEAD, replace(CARDLESS, fit_for_lan=known(None)))).act is Act.STAY
    moved = replace(WATCH, granted_at=NOW - 1.0, moves=(NOW - 1.0,))
    assert judged(with_pbx(Pbx.DEAD, CARDLESS), moved).act is Act.STAY, "it waits MOVEDWELL"


def test_an_asterisk_that_does_not_start_is_better_started_without_the_line() -> None:
    fresh = replace(WATCH, was_serving=False)
    failed = with_pbx(Pbx.DEAD, CARDLESS, failed={Order.START_PBX: "it ended while it booted"})
    for policy in (POLICY, RESTART):
        assert judged(failed, fresh, policy).act is Act.HAND_OVER


# -- Asterisk ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [Pbx.DEAD, Pbx.HUNG])
@pytest.mark.parametrize("other", [peer(), MUTE])
def test_a_dead_or_hung_asterisk_is_handed_over(state: Pbx, other: Peer) -> None:
    decision = judged(with_pbx(state, other))
    assert (decision.act, decision.evidence) == (Act.HAND_OVER, ("pbx", "peer alive"))


@pytest.mark.parametrize("state", [Pbx.DEAD, Pbx.HUNG])
@pytest.mark.parametrize(
    ("other", "why"),
    [
        (GONE, "no standby is there"),
        (peer(alive=None), "no standby is there"),
        (UNFIT, "the standby is not fit: Asterisk is not installed"),
    ],
)
def test_restart_is_for_when_no_standby_could_take_over(state: Pbx, other: Peer, why: str) -> None:
    stays = judged(with_pbx(state, other))
    assert stays.act is Act.STAY
    assert f"{why}; RESTART=NO" in stays.reason
    restarts = judged(with_pbx(state, other), policy=RESTART)
    assert restarts.act is Act.RESTART_PBX
    assert why in restarts.reason


@pytest.mark.parametrize("other", [peer(), MUTE])
def test_restart_yes_still_prefers_a_standby(other: Peer) -> None:
    assert judged(with_pbx(Pbx.DEAD, other), policy=RESTART).act is Act.HAND_OVER


def test_service_that_moved_too_often_is_restarted_where_it_is() -> None:
    watch = replace(WATCH, granted_at=90.0, moves=(60.0, 80.0))
    decision = judged(with_pbx(Pbx.DEAD), watch)
    assert (decision.act, decision.reason) == (
        Act.RESTART_PBX,
        "Asterisk died and service has moved too often just now",
    )


@pytest.mark.parametrize("state", [Pbx.STARTING, Pbx.RUNNING, None])
def test_other_states_are_no_reason(state: Pbx | None) -> None:
    assert judged(with_pbx(state)) is STAY


def test_an_asterisk_that_did_not_serve_yet_has_not_died() -> None:
    assert judged(with_pbx(Pbx.DEAD), replace(WATCH, was_serving=False)) is STAY


@pytest.mark.parametrize("order", [Order.STOP_PBX, Order.KILL_PBX, Order.RESTART_PBX])
@pytest.mark.parametrize("state", [Pbx.DEAD, Pbx.HUNG])
def test_what_this_node_ends_itself_is_no_death(order: Order, state: Pbx) -> None:
    """Above all: the restart that a stuck D-channel gets must not become a failover."""
    assert judged(with_pbx(state, busy=frozenset({order}))) is STAY


def test_a_hung_asterisk_that_never_served_is_for_the_plan_to_kill() -> None:
    fresh = replace(WATCH, was_serving=False)
    assert judged(with_pbx(Pbx.HUNG), fresh) is STAY
    stuck = with_pbx(Pbx.HUNG, failed={Order.KILL_PBX: "the kernel holds it"})
    decision = judged(stuck, fresh)
    assert decision.act is Act.HAND_OVER
    assert "the kernel holds it" in decision.reason


# -- a start that fails -----------------------------------------------------------------------------------

STARTS = replace(WATCH, was_serving=False)
FAILED = {Order.START_PBX: "no modules"}


@pytest.mark.parametrize("state", [Pbx.DEAD, Pbx.STARTING])
def test_a_start_that_fails_is_handed_to_a_fit_peer(state: Pbx) -> None:
    decision = judged(with_pbx(state, failed=FAILED), STARTS)
    assert (decision.act, decision.evidence) == (Act.HAND_OVER, ("pbx", "peer fit"))
    assert "no modules" in decision.reason


@pytest.mark.parametrize("other", [GONE, UNFIT, MUTE, peer(alive=False), peer(alive=None)])
def test_only_to_a_peer_that_is_there_and_says_that_it_is_fit(other: Peer) -> None:
    decision = judged(with_pbx(Pbx.DEAD, other, failed=FAILED), STARTS)
    assert decision.act is Act.STAY
    assert decision.reason.startswith("Asterisk does not start here (no modules) and ")


@pytest.mark.parametrize("watch", [STARTS, WATCH])
@pytest.mark.parametrize("state", [Pbx.RUNNING, None])
def test_a_failure_that_was_overcome_or_cannot_be_seen_moves_nothing(watch: Watch, state: Pbx | None) -> None:
    """A boot that took longer than PBXSTARTDEADLINE has 'failed', and runs all the same."""
    assert judged(with_pbx(state, failed=FAILED), watch) is STAY


def test_an_old_start_failure_is_not_the_reason_of_a_later_death() -> None:
    assert judged(with_pbx(Pbx.STARTING, failed=FAILED)) is STAY
    assert judged(with_pbx(Pbx.DEAD, failed=FAILED)).reason == "Asterisk died"


# -- the line ---------------------------------------------------------------------------------------------

LOST = replace(SERVING, line=known(Line.ABSENT), peer=peer(line=Line.CLEAR, relay=None))
ABSENT = replace(WATCH, line_absent_since=NOW - 1.0)


def test_asterisk_follows_a_line_that_fell_to_the_peer() -> None:
    decision = judged(LOST, ABSENT)
    assert decision.act is Act.HAND_OVER
    assert decision.reason == "the line is at the other node: Asterisk follows it"
    assert decision.evidence == ("line", "peer line", "peer fit")
    assert "relay card is gone" in judged(replace(LOST, card=known(False)), ABSENT).reason


def test_with_halinefail_stay_service_stays_and_says_where_the_line_is() -> None:
    decision = judged(LOST, ABSENT, replace(POLICY, follows_line=False))
    assert decision == Decision(
        Act.STAY, "the line is at the other node; HALINEFAIL=STAY, so service stays here"
    )


def test_the_line_dwell_is_respected() -> None:
    assert judged(LOST, replace(WATCH, line_absent_since=NOW - 0.99)) is STAY
    assert judged(LOST, WATCH) is STAY


@pytest.mark.parametrize("line", [Line.CLEAR, Line.SETTLING, Line.UNVERIFIABLE, None])
def test_only_a_line_that_is_known_to_be_absent_is_gone(line: Line | None) -> None:
    assert judged(replace(LOST, line=known(line)), ABSENT) is STAY


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (peer(line=Line.ABSENT), "neither node receives the line; failing over would not help"),
        (peer(line=None), "the line is gone, and it is not known to be at the other node"),
        (peer(line=Line.UNVERIFIABLE), "the line is gone, and it is not known to be at the other node"),
        (
            peer(line=Line.CLEAR, fit=False, unfit_because="no modules"),
            "the line is at the other node, but the standby is not fit: no modules",
        ),
        (peer(line=Line.CLEAR, fit=None), "the line is at the other node, but the standby's agent is silent"),
        (
            peer(line=Line.CLEAR, granted=True),
            "the line is at the other node, which serves too: the HA engine settles who goes on",
        ),
        (peer(line=Line.CLEAR, alive=False), "the line is at the other node, but no standby is there"),
    ],
)
def test_else_it_stays_and_says_why(other: Peer, says: str) -> None:
    assert judged(replace(LOST, peer=other), ABSENT) == Decision(Act.STAY, says)


def test_a_line_that_the_peer_has_only_just_reported_is_not_followed_yet() -> None:
    """A primary that thaws and lets go still says for a moment that the line is there."""
    assert judged(LOST, replace(ABSENT, line_at_peer_since=NOW - 0.9)) is STAY
    assert judged(LOST, replace(ABSENT, line_at_peer_since=NOW - 1.0)).act is Act.HAND_OVER


def test_a_peer_that_has_let_go_is_believed_to_have_the_line_only_when_it_keeps_saying_so() -> None:
    """Its span may raise the alarm seconds after its relay has moved: the line is on its way here."""
    let_go = replace(LOST, peer=peer(line=Line.CLEAR, relay=Relay.RELEASED))
    assert judged(let_go, replace(ABSENT, line_at_peer_since=NOW - 14.9)) is STAY
    assert judged(let_go, replace(ABSENT, line_at_peer_since=NOW - 15.0)).act is Act.HAND_OVER
    holds = replace(LOST, peer=peer(line=Line.CLEAR, relay=Relay.ENERGISED))
    assert judged(holds, replace(ABSENT, line_at_peer_since=NOW - 1.0)).act is Act.HAND_OVER


def test_following_the_line_waits_move_dwell_after_the_grant() -> None:
    just_granted = replace(ABSENT, granted_at=NOW - 14.9)
    assert judged(LOST, just_granted).act is Act.STAY
    assert judged(LOST, replace(ABSENT, granted_at=NOW - 15.0)).act is Act.HAND_OVER


# -- dwell ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("moves", "wait"), [(0, 0.0), (1, 15.0), (2, 30.0), (3, 60.0), (4, 120.0)])
def test_each_recent_move_doubles_the_wait(moves: int, wait: float) -> None:
    watch = replace(WATCH, granted_at=NOW - wait, moves=tuple(NOW - 300 - n for n in range(moves)))
    assert may_move(POLICY, watch, NOW)
    if wait:
        assert not may_move(POLICY, replace(watch, granted_at=NOW - wait + 0.1), NOW)


def test_old_moves_are_forgotten() -> None:
    watch = replace(WATCH, granted_at=NOW, moves=(NOW - 600.1,))
    assert may_move(POLICY, watch, NOW)
    assert not may_move(POLICY, replace(watch, moves=(NOW - 600.0,)), NOW)


# -- Unknown ----------------------------------------------------------------------------------------------


def test_unknown_alone_never_moves_anything() -> None:
    """Every reading of this node Unknown, whatever is remembered and whatever the peer says."""
    blind = seen(commanded=None, card=None, line=None, dchannel=None, pbx=None, address=None, failed=FAILED)
    peers = (peer(), GONE, UNFIT, MUTE, peer(line=Line.CLEAR, granted=True))
    watches = (ABSENT, WATCH, STARTS, replace(ABSENT, granted_at=0.0))
    for other, watch, policy in itertools.product(peers, watches, (POLICY, RESTART)):
        assert judged(replace(blind, peer=other), watch, policy).act is Act.STAY


def test_every_act_has_a_reason_and_evidence() -> None:
    lines, states, others = (
        (Line.ABSENT, Line.CLEAR),
        list(Pbx),
        (peer(), GONE, UNFIT, MUTE, peer(line=Line.CLEAR)),
    )
    for line, state, other, failed in itertools.product(lines, states, others, ({}, FAILED)):
        what = replace(with_pbx(state, other, failed=failed), line=known(line))
        for watch, policy in itertools.product((ABSENT, STARTS), (POLICY, RESTART)):
            decision = judged(what, watch, policy)
            if decision.act is not Act.STAY:
                assert decision.reason
                assert decision.evidence


# -- the LAN ----------------------------------------------------------------------------------------------

CUT_OFF = Known(False, 0.0, "eth0 has no carrier")


def on_lan(here: bool | None, there: bool | None, **more: object) -> Seen:
    """`here` and `there`: whether this node and its peer reach the LAN."""
    lan = CUT_OFF if here is False else known(here)
    return replace(SERVING, lan=lan, peer=replace(peer(), lan=known(there)), **more)  # type: ignore[arg-type]


def test_service_goes_to_where_the_lan_is() -> None:
    decision = judged(on_lan(False, True))
    assert decision.act is Act.HAND_OVER
    assert (
        decision.reason
        == "this node is cut off from the LAN (eth0 has no carrier), and the other node reaches it"
    )


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (on_lan(False, False), "so is the other node: moving would not help"),
        (on_lan(False, None), "it is not known whether the other node reaches it"),
        (replace(on_lan(False, True), peer=replace(UNFIT, lan=known(True))), "the standby is not fit"),
        (replace(on_lan(False, True), peer=GONE), "no standby is there"),
        (replace(on_lan(False, True), peer=replace(MUTE, lan=known(True))), "the standby's agent is silent"),
        (
            replace(on_lan(False, True), peer=replace(peer(granted=True), lan=known(True))),
            "the other node serves too",
        ),
    ],
)
def test_it_never_goes_to_where_it_is_not_known_to_be(what: Seen, says: str) -> None:
    decision = judged(what)
    assert decision.act is Act.STAY
    assert says in decision.reason


@pytest.mark.parametrize("there", [True, False, None])
@pytest.mark.parametrize("here", [True, None])
def test_a_lan_that_is_well_or_unknown_here_moves_nothing(here: bool | None, there: bool | None) -> None:
    assert judged(on_lan(here, there)) is STAY


def test_after_a_move_the_lan_waits_for_the_dwell() -> None:
    watch = replace(WATCH, granted_at=NOW - 1.0, moves=(NOW - 1.0,))
    assert judged(on_lan(False, True), watch).act is Act.STAY


@pytest.mark.parametrize("here", [True, False, None])
def test_asterisk_is_restarted_here_rather_than_handed_to_a_cut_off_peer(here: bool | None) -> None:
    """RESTART=NO is for a site whose standby could take over; this one could not be reached by anybody."""
    for fit in (True, False):
        other = replace(peer(fit=fit), lan=known(False))
        decision = judged(replace(on_lan(here, False), pbx=known(Pbx.DEAD), peer=other))
        assert decision.act is Act.RESTART_PBX


def test_the_line_is_not_followed_to_a_cut_off_peer() -> None:
    other = replace(peer(line=Line.CLEAR), lan=known(False))
    what = replace(SERVING, line=known(Line.ABSENT), peer=other)
    decision = judged(what, replace(WATCH, line_absent_since=NOW - 5.0))
    assert decision.act is Act.STAY
    assert "the standby is cut off from the LAN" in decision.reason


def test_a_cut_that_cannot_be_mended_hides_no_move_that_can() -> None:
    what = replace(on_lan(False, None), line=known(Line.ABSENT))
    what = replace(what, peer=replace(what.peer, line=known(Line.CLEAR)))
    assert judged(what, replace(WATCH, line_absent_since=NOW - 5.0)).act is Act.HAND_OVER


def test_a_peer_that_lacks_only_the_line_is_better_than_a_node_without_the_lan() -> None:
    other = replace(UNFIT, lan=known(True), fit_for_lan=known(True))
    assert judged(replace(on_lan(False, True), peer=other)).act is Act.HAND_OVER
    cut_off = replace(other, lan=known(False))
    assert judged(replace(on_lan(False, False), peer=cut_off)).act is Act.STAY
    assert judged(replace(on_lan(True, False), peer=cut_off, pbx=known(Pbx.DEAD))).act is Act.RESTART_PBX
