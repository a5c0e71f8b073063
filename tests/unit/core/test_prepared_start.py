"""Asterisk is started ahead of a grant where no other one runs, and ended when no grant follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from core_seen import POLICY, SECONDARY, peer, seen

from appliance.core.acquire import PREPARED_ENDS
from appliance.core.controller import step
from appliance.core.controller_events import (
    ControllerEvent,
    ControllerPolicy,
    HandOver,
    Inputs,
    ScriptSpoke,
    Tick,
)
from appliance.core.decide import WatchPolicy
from appliance.core.effects import Effect, GiveOrder, WriteEntry
from appliance.core.engine_requests import ANSWERED_WITHIN, NOTHING_ASKED, Asked
from appliance.core.grant import Grant, Verb, Verdict
from appliance.core.model import Line, Pbx, Relay
from appliance.core.plan import begin
from appliance.core.prepared_start import OFFERED_FOR, SILENT_FOR, STOPS_WITHIN, offers
from appliance.core.reading import Known, Unknown
from appliance.core.roles import Role
from appliance.core.service_state import Prepared, ServiceState, first_state
from appliance.core.transfer import Goal, Order, Peer, Phase, Policy, Seen

NOW = 100.0
DEADTIME = 2.0
STANDS_BY = replace(
    first_state(Grant(generation=4), NOW),
    role=Role.STANDBY,
    engine_down=False,
    peer_alive=True,
    turned_at=NOW,
    heard_standing_by=True,
    line_here_since=NOW - 1.0,
)
SERVES = replace(STANDS_BY, role=Role.ACTIVE, grant=Grant(held=True, generation=4, engine="7:99"))


def at(now: float, said: Peer | None = None, **fields: object) -> Peer:
    """Return the peer as it was heard at `now`."""
    return replace(said or peer(granted=Known(True, now)), granted=Known(True, now), **fields)


def turned(
    state: ServiceState,
    looked: Seen,
    now: float = NOW,
    policy: Policy = SECONDARY,
    *,
    fit: bool = True,
    asked: Asked = NOTHING_ASKED,
    event: ControllerEvent | None = None,
) -> tuple[ServiceState, list[Order]]:
    """Take one turn, a tenth of a second after the last; return the state, and the orders that were given."""
    inputs = Inputs(
        seen=looked,
        engine=Known(True, now),
        engine_id="7:99",
        engine_serves=Known(state.grant.held, now),
        peer_seen=True,
        fit=fit,
        asked=asked,
    )
    watch = WatchPolicy(False, deadtime=DEADTIME, line_dwell=1.0, move_dwell=15.0)
    state = replace(state, turned_at=now - 0.1)
    state, effects = step(state, event or Tick(inputs), ControllerPolicy(policy, watch, 5.0), now)
    return state, orders(effects)


def orders(effects: Iterable[Effect]) -> list[Order]:
    return [effect.order for effect in effects if isinstance(effect, GiveOrder)]


OFFERED = seen(other=at(NOW, offers=True))
POWER_IS_GONE = seen(line=Line.SETTLING, other=at(NOW - SILENT_FOR))


@pytest.mark.parametrize(
    "evidence", [OFFERED, POWER_IS_GONE], ids=["the other node's word", "the line and silence"]
)
def test_asterisk_is_started_once_while_the_grant_is_awaited(evidence: Seen) -> None:
    state, first = turned(STANDS_BY, evidence)
    assert first == [Order.START_PBX] and state.wants(4), (
        "the order is carried out although nothing is granted"
    )
    starting = replace(evidence, pbx=Known(Pbx.STARTING, NOW))
    state, more = turned(state, starting, NOW + 0.1)
    assert more == [] and state.prepared.since == NOW


@pytest.mark.parametrize(
    ("looked", "policy"),
    [
        (seen(other=at(NOW)), SECONDARY),
        (seen(other=at(NOW, offers=True), maintenance=True), SECONDARY),
        (seen(other=at(NOW, offers=True), pbx=Pbx.RUNNING), SECONDARY),
        (seen(other=at(NOW, offers=True), pbx=None), SECONDARY),
        (seen(other=at(NOW, offers=True), busy={Order.STOP_PBX}), SECONDARY),
        (seen(other=at(NOW, offers=True)), replace(SECONDARY, prepares=False)),
        (seen(line=Line.SETTLING, other=at(NOW)), SECONDARY),
        (seen(line=Line.ABSENT, other=at(NOW - SILENT_FOR)), SECONDARY),
        (seen(line=None, other=at(NOW - SILENT_FOR)), SECONDARY),
        (seen(line=Line.SETTLING, other=at(NOW - SILENT_FOR)), POLICY),
        (seen(line=Line.SETTLING, other=at(NOW - SILENT_FOR)), replace(SECONDARY, has_line=False)),
    ],
    ids=[
        "no evidence",
        "maintenance",
        "one runs here",
        "it cannot be seen whether one runs here",
        "one is being ended here",
        "switched off",
        "the line has come, the other node is heard",
        "silence alone",
        "silence, and a line that cannot be seen",
        "the line does not fall to the primary",
        "there is no line",
    ],
)
def test_nothing_is_started(looked: Seen, policy: Policy) -> None:
    assert Order.START_PBX not in turned(STANDS_BY, looked, policy=policy)[1]


def test_silence_says_nothing_of_a_peer_that_has_not_been_heard_since_this_node_stands_by() -> None:
    """The line is with the secondary of two nodes that have just been started, and the primary has power."""
    started = replace(STANDS_BY, heard_standing_by=False, line_here_since=None)
    state, given = turned(started, POWER_IS_GONE)
    assert given == [] and state.prepared == Prepared()
    state, given = turned(started, seen(line=Line.SETTLING, other=at(NOW)))
    assert given == []
    later = NOW + SILENT_FOR
    assert turned(state, POWER_IS_GONE, later)[1] == [Order.START_PBX]


def test_silence_says_nothing_of_a_peer_that_has_spoken_after_the_line_had_come() -> None:
    """Its card is out, so it serves without the line, and its agent is started again: it has power."""
    state = STANDS_BY
    for tick in range(30):
        now = NOW + tick / 10
        state, given = turned(state, seen(line=Line.SETTLING, other=at(now)), now)
        assert given == []
    silent = now + SILENT_FOR
    state, given = turned(state, seen(line=Line.SETTLING, other=at(now)), silent)
    assert given == [] and state.prepared == Prepared()
    # The card is mended, and later the power is cut.
    state, given = turned(state, seen(line=Line.ABSENT, other=at(silent + 1)), silent + 1)
    cut = seen(line=Line.SETTLING, other=at(silent + 1))
    state, given = turned(state, cut, silent + 2)
    state, given = turned(state, cut, silent + 1 + SILENT_FOR)
    assert given == [Order.START_PBX]


def test_a_peer_that_was_silent_before_the_line_came_is_no_second_witness() -> None:
    """Its agent is being started again, and meanwhile its card is pulled out."""
    silent = seen(line=Line.SETTLING, other=at(NOW - 10.0))
    state = replace(STANDS_BY, line_here_since=None)
    for tick in range(30):
        state, given = turned(state, silent, NOW + tick / 10)
        assert given == []


def test_a_line_that_has_only_just_come_is_called_through_first() -> None:
    """A driver may see the line two seconds late, so the peer's silence can be older than the line is here."""
    state = replace(STANDS_BY, line_here_since=None)
    silent = seen(line=Line.SETTLING, other=at(NOW - 3.0))
    state, given = turned(state, silent, NOW)
    assert given == [], "whether the peer's Asterisk still answers is not known yet"
    assert turned(state, silent, NOW + 0.4)[1] == [Order.START_PBX]


def called(now: float, answered: float) -> Seen:
    """Return what is seen `now`: the line is here, the peer's agent is silent, SIP answered last at `answered`."""
    silent = seen(line=Line.SETTLING, other=at(NOW - SILENT_FOR))
    return replace(silent, calls=Known(True, answered, "SIP answers"))


def test_silence_says_nothing_of_a_peer_whose_asterisk_answers_after_the_line_has_come() -> None:
    """Its agent was killed in the moment in which its card was pulled out: it serves on."""
    state = turned(STANDS_BY, seen(line=Line.SETTLING, other=at(NOW)))[0]
    for tick in range(1, 40):
        now = NOW + tick / 10
        state, given = turned(state, called(now, now - 0.05), now)
        assert given == []


def test_an_answer_from_before_the_line_came_holds_up_nothing() -> None:
    state = turned(replace(STANDS_BY, line_here_since=None), seen(line=Line.SETTLING, other=at(NOW)))[0]
    later = NOW + SILENT_FOR
    assert turned(state, called(later, NOW - 1.5), later)[1] == [Order.START_PBX]


def test_the_line_that_comes_because_service_was_asked_for_is_no_loss_of_power() -> None:
    """The peer's agent is away, and its script alone has let the line go: Asterisk is still stopping there."""
    asked = Asked(takeover_at=NOW - 1.0)
    assert turned(STANDS_BY, POWER_IS_GONE, asked=asked)[1] == []
    long_ago = Asked(takeover_at=NOW - ANSWERED_WITHIN)
    assert turned(STANDS_BY, POWER_IS_GONE, asked=long_ago)[1] == [Order.START_PBX]


def test_a_node_that_is_not_fit_or_has_a_grant_or_stood_still_starts_nothing_ahead() -> None:
    assert turned(STANDS_BY, OFFERED, fit=False)[1] == []
    held = replace(
        STANDS_BY, grant=Grant(held=True, generation=4, engine="7:99"), handing_over_since=NOW - 1.0
    )
    assert Order.START_PBX not in turned(held, OFFERED)[1], "it has just given service up itself"
    given_up = replace(STANDS_BY, given_up_at=NOW - 1.0)
    assert turned(given_up, OFFERED)[1] == [], "both offer, and both would begin"
    assert turned(replace(STANDS_BY, gap=3.0, gap_at=NOW), POWER_IS_GONE)[1] == []


@pytest.mark.parametrize(
    "evidence", [OFFERED, POWER_IS_GONE], ids=["the other node's word", "the line and silence"]
)
def test_it_is_ended_when_no_grant_follows_and_not_tried_again_for_the_same_reason(evidence: Seen) -> None:
    state, _ = turned(STANDS_BY, evidence)
    running = replace(evidence, pbx=Known(Pbx.RUNNING, NOW))
    now, ended = NOW, []
    while not ended and now < NOW + 60.0:
        now += 0.1
        state, ended = turned(state, running, now)
        still = evidence.peer.offers
        running = replace(
            running, peer=replace(running.peer, granted=Known(True, now if still else NOW - SILENT_FOR))
        )
    assert Order.STOP_PBX in ended and now - NOW <= OFFERED_FOR + 0.2
    gone = replace(running, pbx=Known(Pbx.DEAD, now))
    for tenth in range(100):
        state, more = turned(state, gone, now + tenth / 10)
        assert more == []
    assert state.prepared == Prepared(spent=True)
    state, _ = turned(state, seen(other=at(now + 11.0)), now + 11.0)
    assert turned(state, seen(other=at(now + 11.1, offers=True)), now + 11.1)[1] == [Order.START_PBX]


def test_it_is_ended_at_once_when_the_peer_takes_service_back_and_not_for_its_silence() -> None:
    state, _ = turned(STANDS_BY, OFFERED)
    silent = seen(pbx=Pbx.STARTING, other=Peer(*[Unknown("silent", NOW)] * 5))
    assert turned(state, silent, NOW + 0.1)[1] == []
    assert turned(state, seen(pbx=Pbx.STARTING, other=at(NOW + 0.1)), NOW + 0.1)[1] == [Order.STOP_PBX]


def test_a_node_that_stood_still_ends_nothing_before_it_has_looked_for_a_grant() -> None:
    """Its resource script may have worked alone, and its Asterisk serve by now (real campaign, seed 5)."""
    state, _ = turned(STANDS_BY, OFFERED)
    late = NOW + OFFERED_FOR + 1.0
    running = seen(pbx=Pbx.RUNNING, other=at(late))
    assert turned(replace(state, gap=11.9, gap_at=late), running, late)[1] == []
    assert turned(replace(state, gap=11.9, gap_at=late - 0.6), running, late)[1] == [Order.STOP_PBX]


@pytest.mark.parametrize("heard", [True, False])
def test_a_start_for_silence_ends_when_the_peer_is_heard_or_the_line_goes(heard: bool) -> None:
    state, _ = turned(STANDS_BY, POWER_IS_GONE)
    looked = replace(POWER_IS_GONE, pbx=Known(Pbx.STARTING, NOW))
    over = replace(looked, peer=at(NOW + 0.1)) if heard else replace(looked, line=Known(Line.ABSENT, NOW))
    assert turned(state, over, NOW + 0.1)[1] == [Order.STOP_PBX]


def test_the_grant_finds_asterisk_running_and_starts_no_second_one() -> None:
    state, _ = turned(STANDS_BY, OFFERED)
    grant = Grant(held=True, generation=5, engine="7:99")
    state, _ = turned(state, OFFERED, event=ScriptSpoke(Verb.START, grant, Verdict.ACCEPTED))
    assert state.role is Role.ACQUIRING and state.prepared == Prepared()
    starting = seen(pbx=Pbx.STARTING, busy={Order.START_PBX}, other=at(NOW))
    assert Order.START_PBX not in turned(state, starting, NOW + 0.1)[1]


def test_service_is_offered_once_it_is_let_go_and_asterisk_is_gone() -> None:
    state, _ = turned(SERVES, seen(pbx=Pbx.RUNNING), event=HandOver("an operator asked"), policy=POLICY)
    assert not offers(state, seen(pbx=Pbx.DEAD), NOW), "the line is not let go yet"
    done = replace(state, transfer=replace(begin(Goal.RELEASE, 4, "", POLICY, NOW), phase=Phase.DONE))
    assert offers(done, seen(pbx=Pbx.DEAD), NOW)
    assert not offers(done, seen(pbx=Pbx.RUNNING), NOW) and not offers(done, seen(pbx=None), NOW)
    taken, _ = turned(
        replace(done, role=Role.STANDBY), seen(other=at(NOW, serves=Known(True, NOW))), policy=POLICY
    )
    assert not offers(taken, seen(), NOW), (
        "the other node has taken it, and what it gives up later is not offered here"
    )
    assert not offers(done, seen(), NOW + OFFERED_FOR + 0.1)
    stopped, _ = turned(SERVES, seen(), event=ScriptSpoke(Verb.STOP, Grant(generation=5), Verdict.ACCEPTED))
    done = replace(stopped, transfer=replace(begin(Goal.RELEASE, 5, "", POLICY, NOW), phase=Phase.DONE))
    assert offers(done, seen(), NOW), "the engine took it"


def stopping(event: ControllerEvent, policy: Policy = POLICY) -> ServiceState:
    """Return the state of a node whose Asterisk runs, with its line let go and the order to stop given at NOW."""
    runs = seen(pbx=Pbx.RUNNING, commanded=Relay.RELEASED)
    state, given = turned(SERVES, runs, event=event, policy=policy)
    if Order.STOP_PBX not in given:
        state, given = turned(state, runs, policy=policy)
    assert Order.STOP_PBX in given
    return state


BY_THE_ENGINE = ScriptSpoke(Verb.STOP, Grant(generation=5), Verdict.ACCEPTED)


@pytest.mark.parametrize("event", [HandOver("an operator asked"), BY_THE_ENGINE])
def test_a_planned_move_offers_service_as_soon_as_asterisk_is_being_stopped(event: ControllerEvent) -> None:
    state = stopping(event)
    runs = seen(pbx=Pbx.RUNNING, commanded=Relay.RELEASED, busy={Order.STOP_PBX})
    assert offers(state, runs, NOW)
    assert not offers(state, replace(runs, commanded=Known(Relay.ENERGISED, NOW)), NOW), "the line is here"
    assert not offers(state, replace(runs, pbx=Unknown("no answer", NOW)), NOW)
    assert not offers(state, replace(runs, pbx=Known(Pbx.HUNG, NOW)), NOW)
    assert not offers(state, runs, NOW + STOPS_WITHIN + 0.1), "it does not stop as it should"


def test_a_move_that_was_not_planned_offers_service_only_when_asterisk_is_gone() -> None:
    state = stopping(HandOver("an operator asked"))
    runs = seen(pbx=Pbx.RUNNING, commanded=Relay.RELEASED, busy={Order.STOP_PBX})
    assert not offers(replace(state, planned=False), runs, NOW)


def test_a_standby_that_was_told_to_stop_offers_nothing() -> None:
    state, _ = turned(STANDS_BY, seen(), event=ScriptSpoke(Verb.STOP, Grant(generation=5), Verdict.ACCEPTED))
    done = replace(state, transfer=replace(begin(Goal.RELEASE, 5, "", POLICY, NOW), phase=Phase.DONE))
    assert not offers(done, seen(), NOW)


def test_service_that_comes_back_waits_for_the_peers_asterisk_to_end_but_not_for_ever() -> None:
    taking = begin(Goal.ACQUIRE, 4, "nobody took over", POLICY, NOW)
    state = replace(SERVES, role=Role.ACQUIRING, transfer=taking)
    prepares = seen(commanded=Relay.ENERGISED, other=replace(peer(), prepares=True))
    assert Order.START_PBX not in turned(state, prepares, NOW + 0.1, POLICY)[1]
    assert Order.START_PBX in turned(state, seen(other=peer()), NOW + 0.2, POLICY)[1]
    assert Order.START_PBX in turned(state, prepares, NOW + PREPARED_ENDS, POLICY)[1]
    dead = seen(commanded=Relay.ENERGISED, other=replace(peer(alive=False), prepares=True))
    assert Order.START_PBX in turned(state, dead, NOW + 0.1, POLICY)[1]


def test_the_journal_says_why() -> None:
    inputs = Inputs(seen=OFFERED, engine=Known(True, NOW), engine_id="7:99", fit=True)
    watch = WatchPolicy(False, deadtime=DEADTIME, line_dwell=1.0, move_dwell=15.0)
    _, effects = step(STANDS_BY, Tick(inputs), ControllerPolicy(SECONDARY, watch, 5.0), NOW)
    said = [effect for effect in effects if isinstance(effect, WriteEntry) and effect.kind == "prepared"]
    assert [entry.fields["says"] for entry in said] == [
        "the other node has given service up, and its Asterisk is gone or is being stopped"
    ]


def test_what_was_prepared_ends_with_the_engine() -> None:
    """A node whose engine is gone gets no grant, and ends no stray Asterisk either."""
    state, _ = turned(STANDS_BY, OFFERED)
    starting = seen(pbx=Pbx.STARTING, other=at(NOW, offers=True))
    gone = Inputs(seen=starting, engine=Known(False, NOW + 0.1), fit=True)
    state, given = turned(state, starting, NOW + 0.1, event=Tick(gone))
    assert state.role is Role.OFF and given == [Order.STOP_PBX]


def test_the_engine_is_not_told_that_a_node_serves_which_ends_what_was_prepared() -> None:
    """Heartbeat asks before a start, and starts nothing on a node that says it serves."""
    state, _ = turned(STANDS_BY, OFFERED)
    ending, given = turned(state, seen(pbx=Pbx.STARTING, other=at(NOW + 0.1)), NOW + 0.1)
    assert given == [Order.STOP_PBX] and ending.releasing and not ending.holds_service
    assert SERVES.holds_service
    letting_go, _ = turned(
        SERVES, seen(), event=ScriptSpoke(Verb.STOP, Grant(generation=5), Verdict.ACCEPTED)
    )
    assert letting_go.holds_service
