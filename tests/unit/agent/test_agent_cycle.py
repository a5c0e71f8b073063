"""The cycle: what the agent does about what it sees, with time in our hands and no machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from appliance.agent.components.maintenance import MaintenanceSwitch
from appliance.agent.cycle import Cycle
from appliance.agent.executor import Executor
from appliance.agent.grant_file import GrantFile
from appliance.agent.journal import Journal, JournalFile
from appliance.agent.observations import Observations, PeerReport
from appliance.agent.this_node import ThisNode
from appliance.config import Conf
from appliance.core.engine_requests import ENGINE_SETTLES, STANDBY_GIVEN_UP
from appliance.core.engine_target import EngineTarget
from appliance.core.grant import Verb, Verdict
from appliance.core.journal_rules import audit_journal
from appliance.core.model import DChannel, Line, Node, Relay
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.core.roles import Role
from appliance.core.transfer import Order, Phase
from tests.plugins.agent_context import node_context
from tests.plugins.hand_clock import HandClock

ENGINE = "100:5555"


class RecordingDesk:
    """A desk that does every order at once and correctly, unless told otherwise."""

    def __init__(self, observations: Observations, clock: HandClock, journal: Journal) -> None:
        self._observations, self._clock, self._journal = observations, clock, journal
        self.orders: list[Order] = []
        self.resets = 0
        self.commanded: Reading[Relay] = Unknown("not commanded", 0.0)
        self.failed: dict[Order, str] = {}
        self.fails: dict[Order, str] = {}
        self.start_failed_at: float | None = None
        self.start_failure = ""
        self.busy: frozenset[Order] = frozenset()

    def give(self, order: Order, reason: str, generation: int, still_wanted: Callable[[], bool]) -> None:
        if not still_wanted():
            return
        self.orders.append(order)
        self._journal.note("order", order=order.name, reason=reason, generation=generation)
        if problem := self.fails.get(order):
            self.failed[order] = problem
            if order is Order.START_PBX:
                self.start_failed_at, self.start_failure = self._clock.now(), problem
            return
        self._do(order)

    def announce(self, why: str, still_wanted: Callable[[], bool]) -> None:
        assert still_wanted()

    def reset_card(self) -> None:
        self.resets += 1
        self.commanded = Known(Relay.RELEASED, self._clock.now())

    async def settle(self) -> None:
        pass

    def under_way(self, now: float) -> dict[Order, float]:
        return dict.fromkeys(self.busy, 0.0)

    def forget_failures(self) -> None:
        self.failed.clear()

    def forget_relay(self, why: str) -> None:
        self.commanded = Unknown(why, self._clock.now())

    def _do(self, order: Order) -> None:
        now = self._clock.now()
        match order:
            case Order.ENERGISE:
                self.commanded = Known(Relay.ENERGISED, now)
            case Order.RELEASE:
                self.commanded = Known(Relay.RELEASED, now)
            case Order.START_PBX:
                self._observations.process, self._observations.booted = Known(True, now), True
            case Order.STOP_PBX | Order.KILL_PBX:
                self._observations.process, self._observations.booted = Known(False, now), False
            case Order.REMOVE_ADDRESS:
                self._observations.address = Known(False, now)
            case Order.PUT_ADDRESS:
                self._observations.address = Known(True, now)


class Bench:
    """One node's agent without a machine."""

    def __init__(self, tmp_path: Path, node: Node = Node.PRIMARY, **conf: object) -> None:
        self.clock = HandClock()
        self.this_node = ThisNode(Conf(card_installed=True, cluster_ip="10.77.0.100", **conf), node)  # type: ignore[arg-type]
        book = GrantFile(tmp_path / "grant")
        self.context = node_context(tmp_path, self.this_node, self.clock, grant=book.read())
        self.observations, self.journal = self.context.observations, self.context.journal
        self.file = JournalFile(tmp_path / "journal")
        self.executor = RecordingDesk(self.observations, self.clock, self.journal)
        self.fences: list[str] = []
        self.standbys = self.takeovers = self.restarts = 0
        self.kept: list[EngineTarget] = []
        self.maintenance = MaintenanceSwitch(self.context, tmp_path / "maintenance.json")
        self.cycle = Cycle(
            self.context,
            book=book,
            executor=cast(Executor, self.executor),
            maintenance=self.maintenance,
            asks=self,
            fence=self.fences.append,
        )
        self.observations.process = Known(False, 0.0)
        self.observations.card = Known(True, 0.0)
        self.observations.engine, self.observations.engine_id = Known(True, 0.0), ENGINE
        self.observations.engine_target = EngineTarget.STARTED
        self.observations.peer_alive, self.observations.peer_seen = Known(True, 0.0), True
        self.observations.lan = Known(True, 0.0)
        self.hear_peer()
        self.turn()

    def role(self) -> Role:
        return self.cycle.state.role

    async def standby(self) -> None:
        self.standbys += 1

    async def takeover(self) -> None:
        self.takeovers += 1

    async def restart(self) -> None:
        self.restarts += 1

    async def keep_target(self) -> None:
        self.kept.append(self.observations.engine_target)

    def hear_peer(self, *, fit: bool = True, line: Line = Line.ABSENT, granted: bool = False) -> None:
        now = self.clock.now()
        self.observations.report = PeerReport(
            at=now,
            role="standby",
            granted=Known(granted, now),
            fit=Known(fit, now),
            line=Known(line, now),
            relay=Unknown("no card there", now),
        )

    def turn(self, seconds: float = 0.05) -> None:
        self.clock.time += seconds
        if is_known(self.observations.lan, True):
            self.observations.lan = Known(True, self.clock.now())
        if self.observations.report is not None and isinstance(self.observations.report.line, Known):
            fit = self.observations.report.fit == Known(True, self.observations.report.fit.at)
            self.hear_peer(
                fit=fit,
                line=self.observations.report.line.value,
                granted=self.observations.report.granted == Known(True, self.observations.report.granted.at),
            )
        self.cycle.turn()

    def see_line(self, line: Line, dchannel: DChannel = DChannel.DOWN) -> None:
        now = self.clock.now()
        self.observations.line, self.observations.dchannel = Known(line, now), Known(dchannel, now)

    def serve(self) -> None:
        """Bring it to ACTIVE under a grant."""
        assert self.cycle.ask(Verb.START, self.clock.now(), ENGINE) is Verdict.ACCEPTED
        self.turn()
        self.see_line(Line.CLEAR, DChannel.UP)
        self.turn()
        self.turn()
        assert self.cycle.state.role is Role.ACTIVE
        self.clock.time += 60
        self.turn()

    def audit(self) -> list[str]:
        self.journal.close()
        assert self.file.check() is None
        return [violation.rule for violation in audit_journal(self.file.entries())]


def on_loop(play: Callable[[], None]) -> None:
    """Run `play` where tasks can be made, as the agent does."""

    async def body() -> None:
        play()
        await asyncio.sleep(0)

    asyncio.run(body())


def test_a_grant_energises_and_starts_in_one_turn_and_is_active_when_the_line_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.executor.orders.clear()  # a node without a grant has released the relay
    bench.cycle.ask(Verb.START, bench.clock.now(), ENGINE)
    bench.see_line(Line.ABSENT)
    bench.turn()
    assert set(bench.executor.orders) == {Order.ENERGISE, Order.START_PBX}
    assert bench.cycle.state.role is Role.ACQUIRING
    bench.see_line(Line.SETTLING)
    bench.turn()
    assert bench.cycle.state.role is Role.ACQUIRING
    bench.see_line(Line.CLEAR, DChannel.UP)
    bench.turn()
    bench.turn()
    assert bench.cycle.state.role is Role.ACTIVE
    assert bench.audit() == []


def test_dead_asterisk_hands_over_relay_first_in_the_same_turn(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    def play() -> None:
        bench.serve()
        bench.executor.orders.clear()
        bench.observations.process, bench.observations.booted = Known(False, bench.clock.now()), False
        bench.turn()
        assert bench.executor.orders == [Order.RELEASE]

    on_loop(play)
    assert bench.standbys == 1
    assert bench.audit() == []


def test_without_a_standby_restart_no_leaves_the_line_to_whoever_lives_and_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.executor.orders.clear()
    bench.observations.peer_alive = Known(False, bench.clock.now())
    bench.observations.process, bench.observations.booted = Known(False, bench.clock.now()), False
    for _ in range(50):
        bench.turn()
    assert bench.executor.orders == [Order.RELEASE]
    assert "RESTART=NO" in bench.cycle.state.decision.reason
    bench.executor.orders.clear()
    bench.cycle.start_pbx("an operator wants it")
    bench.turn()
    assert bench.executor.orders == [Order.ENERGISE, Order.START_PBX]
    assert bench.audit() == []


def test_without_a_standby_restart_yes_starts_it_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, restart=True)
    bench.serve()
    bench.executor.orders.clear()
    bench.observations.peer_alive = Known(False, bench.clock.now())
    bench.observations.process, bench.observations.booted = Known(False, bench.clock.now()), False
    bench.turn()
    bench.turn()
    assert bench.executor.orders == [Order.START_PBX]
    assert bench.cycle.state.role in (Role.ACQUIRING, Role.ACTIVE)


def test_heartbeats_death_lets_everything_go_address_included(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.observations.address = Known(True, bench.clock.now())
    bench.observations.engine, bench.observations.engine_id = Known(False, bench.clock.now()), ""
    for _ in range(4):
        bench.turn()
    assert bench.cycle.state.role is Role.OFF
    assert bench.executor.commanded == Known(Relay.RELEASED, bench.executor.commanded.at)
    assert Order.REMOVE_ADDRESS in bench.executor.orders
    assert not bench.cycle.state.grant.held
    assert bench.audit() == []


def test_an_unknown_world_moves_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.executor.orders.clear()
    now = bench.clock.now()
    unknown = Unknown("everything is dark", now)
    observations = bench.observations
    observations.process = observations.card = observations.line = observations.dchannel = unknown  # type: ignore[assignment]
    observations.engine = observations.peer_alive = observations.address = unknown
    observations.report = None
    for _ in range(400):
        bench.turn(1.0)
    assert bench.executor.orders == []
    assert bench.cycle.state.grant.held


def test_a_hand_over_that_finds_no_taker_is_taken_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    def play() -> None:
        bench.serve()
        bench.cycle.hand_over("an operator asked for it")
        for _ in range(3):
            bench.turn()
        assert bench.cycle.state.role is Role.STANDBY
        for _ in range(int(STANDBY_GIVEN_UP) + 1):
            bench.turn(1.0)
        assert bench.cycle.state.role in (Role.ACQUIRING, Role.ACTIVE)
        assert bench.executor.commanded == Known(Relay.ENERGISED, bench.executor.commanded.at)

    on_loop(play)
    assert bench.audit() == []


# The second is deadtime: whether it stood still for so long, or had no turn because nothing happened, is not known.
@pytest.mark.parametrize("seconds", [8.0, 2.0])
def test_a_thawed_node_whose_peer_took_over_lets_go_at_once(tmp_path: Path, seconds: float) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.executor.orders.clear()
    bench.clock.time += seconds
    bench.hear_peer(granted=True)
    bench.turn()
    bench.turn()
    assert bench.executor.orders[0] is Order.RELEASE
    assert bench.cycle.state.role in (Role.RELEASING, Role.STANDBY)
    assert bench.standbys == 0, "the other node has it already: there is nothing to ask of Heartbeat"
    assert bench.audit() == []


def test_a_thawed_node_serves_again_when_heartbeat_stops_the_peer(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.clock.time += 8.0
    bench.hear_peer(granted=True)
    for _ in range(3):
        bench.turn(ENGINE_SETTLES)
        bench.hear_peer(granted=True)
    assert bench.cycle.state.role is Role.STANDBY
    bench.hear_peer(granted=False)
    bench.turn(0.1)
    assert bench.cycle.state.role is Role.ACQUIRING
    assert bench.audit() == []


def test_a_node_that_cannot_start_asterisk_hands_over_to_a_fit_peer(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.executor.fails[Order.START_PBX] = "a module is broken"

    def play() -> None:
        bench.cycle.ask(Verb.START, bench.clock.now(), ENGINE)
        bench.turn()
        bench.turn()
        assert bench.cycle.state.role is Role.RELEASING

    on_loop(play)
    assert bench.standbys == 0, (
        "Heartbeat is still telling the other node of the move that brought service here"
    )
    on_loop(lambda: bench.turn(ENGINE_SETTLES))
    assert bench.standbys == 1
    unfit = " ".join(bench.cycle.unfit(bench.clock.now()))
    assert "failed to start" in unfit and "a module is broken" in unfit


def test_a_release_that_cannot_be_done_is_named_and_retried(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.executor.fails[Order.RELEASE] = "the tool hangs"
    bench.cycle.ask(Verb.STOP, bench.clock.now(), ENGINE)
    assert not bench.cycle.released.is_set()
    for _ in range(12):
        bench.turn(1.0)
    assert bench.cycle.state.transfer is not None
    assert bench.cycle.state.transfer.phase is Phase.BLOCKED
    assert "cannot be let go: the tool hangs" in bench.cycle.state.transfer.note
    assert bench.cycle.released.is_set()
    bench.executor.fails.clear()
    bench.turn(1.1)
    bench.turn(1.1)
    assert bench.cycle.state.transfer.done
    assert bench.executor.orders.count(Order.RELEASE) >= 10


def test_heartbeat_dying_during_a_hand_over_takes_the_address_off_and_harms_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    def play() -> None:
        bench.serve()
        bench.cycle.hand_over("an operator asked for it")
        for _ in range(3):
            bench.turn()
        bench.observations.address = Known(True, bench.clock.now())
        bench.observations.engine, bench.observations.engine_id = Known(False, bench.clock.now()), ""
        for _ in range(20):
            bench.turn()
        assert bench.cycle.state.role is Role.OFF
        assert Order.REMOVE_ADDRESS in bench.executor.orders
        assert not bench.cycle.state.grant.held

    on_loop(play)
    assert bench.audit() == []


def test_another_heartbeat_ends_the_grant_of_the_one_before(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.observations.address = Known(True, bench.clock.now())
    bench.observations.engine_id = "200:7777"
    for _ in range(10):
        bench.turn()
    assert not bench.cycle.state.grant.held
    assert bench.executor.commanded == Known(Relay.RELEASED, bench.executor.commanded.at)
    assert bench.cycle.state.role in (Role.WAITING, Role.STANDBY)
    assert bench.audit() == []


def test_a_late_script_does_not_hide_that_another_one_has_worked_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    now = bench.clock.now()
    GrantFile(tmp_path / "grant").ask(Verb.START, now + 2.0, ENGINE)
    assert bench.cycle.ask(Verb.STOP, now + 1.0, ENGINE) is Verdict.STALE
    bench.turn()
    assert bench.role() is Role.ACQUIRING, "else the engine believes that service is here, and nobody serves"


def test_a_start_that_is_repeated_after_others_worked_alone_begins_afresh(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    now, aside = bench.clock.now(), GrantFile(tmp_path / "grant")
    aside.ask(Verb.STOP, now + 1.0, ENGINE)
    aside.ask(Verb.START, now + 2.0, ENGINE)
    bench.executor.orders.clear()
    assert bench.cycle.ask(Verb.START, now + 3.0, ENGINE) is Verdict.REPEATED
    bench.turn()
    assert Order.ENERGISE in bench.executor.orders, "the stop has released the relay"


def test_what_a_script_that_worked_alone_told_the_card_is_not_taken_to_be_known(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.executor.reset_card()
    bench.see_line(Line.ABSENT)
    bench.turn()
    # The agent stands still; the script energises the relay, and then the engine dies.
    GrantFile(tmp_path / "grant").ask(Verb.START, bench.clock.now() + 1.0, ENGINE)
    bench.observations.engine, bench.observations.engine_id = Known(False, bench.clock.now()), ""
    bench.observations.address = Known(True, bench.clock.now())
    bench.turn(20.0)
    assert Order.RELEASE in bench.executor.orders
    assert bench.executor.commanded == Known(Relay.RELEASED, bench.clock.now())


def test_an_engine_that_is_seen_to_run_is_to_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.observations.engine_target = EngineTarget.UNSET

    def play() -> None:
        bench.turn()
        bench.turn()

    on_loop(play)
    assert bench.kept == [bench.observations.engine_target] == [EngineTarget.STARTED]


def test_a_node_that_left_the_address_and_is_granted_anew_puts_it_back_at_once(tmp_path: Path) -> None:
    """Pacemaker stops and starts asha after a split, and believes that the address has stayed."""
    bench = Bench(tmp_path)
    bench.observations.address = Known(True, 0.0)
    bench.serve()
    bench.observations.peer_alive, bench.observations.report = Known(False, bench.clock.now()), None
    bench.observations.lan = Known(False, bench.clock.now(), "eth0 has no carrier")
    for _ in range(2):
        bench.turn()
    assert Order.REMOVE_ADDRESS in bench.executor.orders and is_known(bench.observations.address, False)
    bench.observations.peer_alive = Known(True, bench.clock.now())
    bench.observations.lan = Known(True, bench.clock.now())
    bench.hear_peer()
    for verb in (Verb.STOP, Verb.START):
        bench.executor.orders.clear()
        assert bench.cycle.ask(verb, bench.clock.now(), ENGINE) is Verdict.ACCEPTED
        for _ in range(3):
            bench.turn()
    assert bench.executor.orders.count(Order.PUT_ADDRESS) == 1
