"""What an agent that starts makes of the grant on file and the engine's word, in every combination of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import pytest
from core_seen import POLICY, SERVING, seen

from appliance.core import grant as grants
from appliance.core.controller import step
from appliance.core.controller_events import (
    ControllerEvent,
    ControllerPolicy,
    Inputs,
    Started,
    Starting,
    Tick,
)
from appliance.core.decide import Act, WatchPolicy
from appliance.core.effects import (
    AskTakeover,
    ConfirmGrant,
    Effect,
    ForgetRelay,
    GiveOrder,
    ResetCard,
    RestartEngine,
    VoidGrant,
)
from appliance.core.engine_target import EngineTarget
from appliance.core.grant import Grant
from appliance.core.model import Line, Pbx
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.roles import Role
from appliance.core.service_state import ServiceState, first_state
from appliance.core.transfer import Goal, Order

NOW = 100.0
THIS, OTHER = "7:99", "3:11"
GRANTS = {
    "held": Grant(held=True, generation=4, engine=THIS),
    "other": Grant(held=True, generation=4, engine=OTHER),
    "void": Grant(generation=4),
    "clearing": Grant(generation=4, clearing=True),
    "lost": Grant(generation=4),
}
ENGINES: Mapping[str, Reading[bool]] = {
    "runs": Known(True, NOW),
    "gone": Known(False, NOW),
    "unknown": Unknown("the process table cannot be read", NOW),
}
WORDS: Mapping[str, Reading[bool]] = {
    "serves": Known(True, NOW),
    "serves not": Known(False, NOW),
    "unknown": Unknown("it does not say", NOW),
    "moving": Unknown("it says 'transition'", NOW),
    "moving, not here": Known(False, NOW),
}

# What comes of it: whether the relay is released before all else, what becomes of the grant, role and goal.
KEEPS = (False, "kept", Role.ACQUIRING, Goal.ACQUIRE)
TAKES_UP = (False, "confirmed", Role.ACQUIRING, Goal.ACQUIRE)
STANDS_BY = (True, "kept", Role.STANDBY, Goal.RELEASE)
ENDS_AT_ONCE = (True, "void", Role.LEAVING, Goal.LEAVE)
CLEARS_ON = (True, "kept", Role.LEAVING, Goal.LEAVE)
LEAVES = (False, "void", Role.LEAVING, Goal.LEAVE)
IDLES = (True, "kept", Role.OFF, None)

# By engine and grant, whatever it says; and where its word makes a difference.
USUAL = {
    ("runs", "held"): KEEPS,
    ("runs", "other"): ENDS_AT_ONCE,
    ("runs", "void"): STANDS_BY,
    ("runs", "clearing"): CLEARS_ON,
    ("runs", "lost"): STANDS_BY,
    ("gone", "held"): LEAVES,
    ("gone", "other"): LEAVES,
    ("gone", "void"): IDLES,
    ("gone", "clearing"): CLEARS_ON,
    ("gone", "lost"): IDLES,
    ("unknown", "held"): KEEPS,
    ("unknown", "other"): KEEPS,
    ("unknown", "void"): IDLES,
    ("unknown", "clearing"): CLEARS_ON,
    ("unknown", "lost"): IDLES,
}
BY_ITS_WORD = {
    ("runs", "held", "serves not"): ENDS_AT_ONCE,
    ("runs", "lost", "serves"): TAKES_UP,
}


def policy(*, card: bool = True) -> ControllerPolicy:
    return ControllerPolicy(
        replace(POLICY, has_card=card), WatchPolicy(False, deadtime=2.0, line_dwell=1.0, move_dwell=15.0), 5.0
    )


def inputs(engine: str, word: str, *, maintenance: bool = False, peer_seen: bool = True) -> Inputs:
    return Inputs(
        seen=seen(maintenance=maintenance),
        engine=ENGINES[engine],
        engine_id=THIS if engine == "runs" else "",
        engine_serves=WORDS[word],
        engine_moving=word.startswith("moving"),
        peer_seen=peer_seen,
    )


class Start:
    """An agent's start, with a file for the grant; `first` and `second` are the effects of its two steps."""

    def __init__(self, grant: str, looked: Inputs, *, card: bool = True) -> None:
        self.file = GRANTS[grant]
        self.policy = policy(card=card)
        self.state = first_state(self.file, NOW)
        self.first = self.take(Starting(looked, grant == "lost"))
        self.second = self.take(Started(looked, self.file))

    def take(self, event: ControllerEvent) -> tuple[Effect, ...]:
        self.state, effects = step(self.state, event, self.policy, NOW)
        for effect in effects:
            if isinstance(effect, VoidGrant):
                self.file = grants.void(self.file)
            elif isinstance(effect, ConfirmGrant):
                self.file = grants.confirm(self.file, effect.engine)
        assert self.state.grant == self.file
        return effects


def of_kind(effects: tuple[Effect, ...], *kinds: type) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, kinds)]


def goal(state: ServiceState) -> Goal | None:
    return state.transfer.goal if state.transfer is not None else None


@pytest.mark.parametrize("maintenance", [False, True])
@pytest.mark.parametrize(("engine", "word", "grant"), list(itertools.product(ENGINES, WORDS, GRANTS)))
def test_a_start(engine: str, word: str, grant: str, maintenance: bool) -> None:
    start = Start(grant, inputs(engine, word, maintenance=maintenance))
    released, became, role, wants = BY_ITS_WORD.get((engine, grant, word), USUAL[engine, grant])

    assert bool(of_kind(start.first, ResetCard)) is released
    changes = of_kind((*start.first, *start.second), VoidGrant, ConfirmGrant)
    assert changes == {"kept": [], "void": [VoidGrant()], "confirmed": [ConfirmGrant(THIS)]}[became]
    assert start.state.role is role and goal(start.state) is wants
    assert start.state.grant.held is (role is Role.ACQUIRING)
    assert start.state.grant.clearing is (role is Role.LEAVING), "an agent killed now must go on with it"
    serving = role is Role.ACQUIRING
    transfer = start.state.transfer
    assert (transfer is not None and transfer.served) is (serving and maintenance), "it stays as it is found"


@pytest.mark.parametrize(("engine", "word", "grant"), list(itertools.product(ENGINES, WORDS, GRANTS)))
def test_a_relay_is_released_once_and_after_the_cards_reset_and_only_where_there_is_a_card(
    engine: str, word: str, grant: str
) -> None:
    start = Start(grant, inputs(engine, word))
    orders = of_kind(start.first, ResetCard, GiveOrder)
    if orders:
        assert start.first[-2:] == tuple(orders), "what the engine says of the grant is noted first"
        reset, released = orders
        assert reset == ResetCard() and isinstance(released, GiveOrder)
        assert released.order is Order.RELEASE and released.under is None, "it is always wanted"
    assert of_kind(start.second, ResetCard, GiveOrder, ForgetRelay) == []
    bare = Start(grant, inputs(engine, word), card=False)
    assert of_kind(bare.first, ResetCard, GiveOrder) == []
    assert bare.state.role is start.state.role


def test_an_engine_that_has_not_met_its_peer_is_waited_for() -> None:
    start = Start("void", inputs("runs", "serves not", peer_seen=False))
    assert start.state.role is Role.WAITING


def test_an_engine_that_loses_its_own_start_beside_a_dead_peer_is_asked_and_then_restarted() -> None:
    looked = replace(inputs("runs", "moving", peer_seen=False), fit=True)
    start = Start("void", looked)
    effects: list[Effect] = []
    for second in range(100):
        at = NOW + second
        dead = replace(
            looked, seen=replace(looked.seen, peer=replace(looked.seen.peer, alive=Known(False, at)))
        )
        start.state, new = step(start.state, Tick(dead), policy(), at)
        effects += new
    assert start.state.role is Role.WAITING
    assert [type(one) for one in of_kind(tuple(effects), AskTakeover, RestartEngine)][:2] == [
        AskTakeover,
        RestartEngine,
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_that_has_come_meanwhile_and_given_the_grant_to_a_script_is_obeyed(engine: str) -> None:
    state, _ = step(
        first_state(GRANTS["void"], NOW), Starting(inputs(engine, "unknown"), False), policy(), NOW
    )
    given = Grant(held=True, generation=5, ticket=9.0, engine=THIS)
    state, effects = step(state, Started(inputs("runs", "moving"), given), policy(), NOW)
    assert state.role is Role.ACQUIRING and state.grant == given
    assert of_kind(effects, ForgetRelay), (
        "the script has told the card something since this agent released the relay"
    )


def test_an_engine_found_gone_after_it_could_not_be_seen_lets_go() -> None:
    start = Start("held", inputs("unknown", "unknown"))
    start.take(Tick(replace(inputs("gone", "unknown"), seen=SERVING)))
    assert start.state.role is Role.LEAVING and not start.state.grant.held


def test_an_engine_that_was_replaced_while_it_could_not_be_seen_lets_go() -> None:
    start = Start("other", inputs("unknown", "unknown"))
    start.take(Tick(replace(inputs("runs", "unknown"), seen=SERVING)))
    assert start.state.role is Role.LEAVING and not start.state.grant.held


def test_a_start_goes_on_from_the_relay_that_was_released_for_it() -> None:
    start = Start("void", inputs("runs", "serves not"))
    assert of_kind(start.take(Tick(inputs("runs", "serves not"))), GiveOrder) == []


ADDRESS_HERE, NO_ADDRESS = Known(True, NOW), Known(False, NOW)


def turn(start: Start, engine: str, address: Reading[bool], **more: bool) -> None:
    """Take a turn on which nothing but the engine and the address is looked at."""
    looked = inputs(engine, "unknown", maintenance=more.get("maintenance", False))
    target = EngineTarget.STOPPED if more.get("stopped") else EngineTarget.STARTED
    looked = replace(looked, engine_target=target)
    start.take(Tick(replace(looked, seen=replace(looked.seen, address=address))))


@pytest.mark.parametrize("engine", ["gone", "unknown"])
def test_an_address_that_nobody_answers_for_is_let_go_with_asterisk(engine: str) -> None:
    start = Start("lost", inputs(engine, "unknown"))
    turn(start, "gone", ADDRESS_HERE)
    assert goal(start.state) is Goal.LEAVE
    assert start.state.role is Role.OFF


def test_an_address_is_let_go_only_where_the_grants_file_was_lost() -> None:
    start = Start("void", inputs("gone", "unknown"))
    turn(start, "gone", ADDRESS_HERE)
    assert goal(start.state) is None


@pytest.mark.parametrize(
    ("engine", "address", "more"),
    [
        ("gone", NO_ADDRESS, {}),
        ("gone", Unknown("not looked at", NOW), {}),
        ("unknown", ADDRESS_HERE, {}),
        ("gone", ADDRESS_HERE, {"stopped": True}),
        ("gone", ADDRESS_HERE, {"maintenance": True}),
    ],
)
def test_an_address_stays_where_it_may_be_wanted(
    engine: str, address: Reading[bool], more: dict[str, bool]
) -> None:
    start = Start("lost", inputs("gone", "unknown"))
    turn(start, engine, address, **more)
    assert goal(start.state) is None
    turn(start, "gone", ADDRESS_HERE)
    assert goal(start.state) is Goal.LEAVE, "it goes on being looked for"


def test_an_engine_that_comes_back_says_what_becomes_of_the_address() -> None:
    start = Start("lost", inputs("gone", "unknown"))
    turn(start, "runs", NO_ADDRESS)
    assert start.state.role is not Role.OFF
    start.take(Tick(replace(inputs("gone", "unknown"), seen=seen())))
    turn(start, "gone", ADDRESS_HERE)
    assert goal(start.state) is None


def test_a_line_that_was_away_at_the_first_look_only_was_away_all_the_same() -> None:
    """The provider takes it away for a second while the agent starts: Asterisk's link is not the new line's."""
    away = replace(SERVING, line=Known(Line.ABSENT, NOW))
    start = Start("held", replace(inputs("runs", "serves"), seen=away))
    start.take(Tick(replace(inputs("runs", "serves"), seen=SERVING)))
    assert start.state.transfer is not None and start.state.transfer.ghost
    assert start.state.role is Role.ACQUIRING


@pytest.mark.parametrize("state", [Pbx.DEAD, Pbx.HUNG])
def test_an_asterisk_that_ran_at_the_first_look_only_has_died(state: Pbx) -> None:
    start = Start("held", replace(inputs("runs", "serves"), seen=SERVING))
    start.take(Tick(replace(inputs("runs", "serves"), seen=replace(SERVING, pbx=Known(state, NOW)))))
    assert start.state.decision.act is Act.HAND_OVER and start.state.handing_over_since is not None
