"""The cycle: what the agent does about what it sees, with time in our hands and no machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

from appliance.agent.cycle import Cycle
from appliance.agent.desk import Desk
from appliance.agent.grantbook import GrantBook
from appliance.agent.journal import Journal, JournalFile
from appliance.agent.rooms.maintenance import MaintenanceRoom
from appliance.agent.site import Site
from appliance.agent.world import PeerReport, World
from appliance.config import Conf
from appliance.core.audit import audit_journal
from appliance.core.controller import ENGINE_SETTLES, STANDBY_GIVEN_UP
from appliance.core.grant import Verb, Verdict
from appliance.core.model import DChannel, Line, Node, Relay
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.roles import Role
from appliance.core.transfer import Order, Phase
from tests.plugins.hand_clock import HandClock

ENGINE = "100:5555"


class RecordingDesk:
    """A desk that does every order at once and correctly, unless told otherwise."""

    def __init__(self, world: World, clock: HandClock, journal: Journal) -> None:
        self._world, self._clock, self._journal = world, clock, journal
        self.orders: list[Order] = []
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

    def forget_failures(self) -> None:
        self.failed.clear()

    def _do(self, order: Order) -> None:
        now = self._clock.now()
        match order:
            case Order.ENERGISE:
                self.commanded = Known(Relay.ENERGISED, now)
            case Order.RELEASE:
                self.commanded = Known(Relay.RELEASED, now)
            case Order.START_PBX:
                self._world.process, self._world.booted = Known(True, now), True
            case Order.STOP_PBX | Order.KILL_PBX:
                self._world.process, self._world.booted = Known(False, now), False
            case Order.REMOVE_ADDRESS:
                self._world.address = Known(False, now)


class Bench:
    """One node's agent without a machine."""

    def __init__(self, tmp_path: Path, node: Node = Node.PRIMARY, **conf: object) -> None:
        self.clock = HandClock()
        self.world = World()
        self.file = JournalFile(tmp_path / "journal")
        self.journal = Journal(self.file, self.clock, lambda problem: None)
        self.site = Site(Conf(card_installed=True, cluster_ip="10.77.0.100", **conf), node)  # type: ignore[arg-type]
        self.desk = RecordingDesk(self.world, self.clock, self.journal)
        self.standbys = 0
        self.maintenance = MaintenanceRoom(tmp_path / "maintenance.json", self.journal, self.clock)
        self.cycle = Cycle(
            site=self.site,
            world=self.world,
            book=GrantBook(tmp_path / "grant"),
            desk=cast(Desk, self.desk),
            journal=self.journal,
            clock=self.clock,
            maintenance=self.maintenance,
            ask_standby=self._standby,
        )
        self.world.process = Known(False, 0.0)
        self.world.card = Known(True, 0.0)
        self.world.engine, self.world.engine_id = Known(True, 0.0), ENGINE
        self.world.peer_alive, self.world.peer_seen = Known(True, 0.0), True
        self.hear_peer()
        self.turn()

    def role(self) -> Role:
        return self.cycle.state.role

    async def _standby(self) -> None:
        self.standbys += 1

    def hear_peer(self, *, fit: bool = True, line: Line = Line.ABSENT, granted: bool = False) -> None:
        now = self.clock.now()
        self.world.report = PeerReport(
            at=now,
            role="standby",
            granted=Known(granted, now),
            fit=Known(fit, now),
            line=Known(line, now),
            relay=Unknown("no card there", now),
        )

    def turn(self, seconds: float = 0.05) -> None:
        self.clock.time += seconds
        if self.world.report is not None and isinstance(self.world.report.line, Known):
            fit = self.world.report.fit == Known(True, self.world.report.fit.at)
            self.hear_peer(
                fit=fit,
                line=self.world.report.line.value,
                granted=self.world.report.granted == Known(True, self.world.report.granted.at),
            )
        self.cycle.turn()

    def see_line(self, line: Line, dchannel: DChannel = DChannel.DOWN) -> None:
        now = self.clock.now()
        self.world.line, self.world.dchannel = Known(line, now), Known(dchannel, now)

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
    bench.cycle.ask(Verb.START, bench.clock.now(), ENGINE)
    bench.see_line(Line.ABSENT)
    bench.turn()
    assert set(bench.desk.orders) == {Order.ENERGISE, Order.START_PBX}
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
        bench.desk.orders.clear()
        bench.world.process, bench.world.booted = Known(False, bench.clock.now()), False
        bench.turn()
        assert bench.desk.orders == [Order.RELEASE]

    on_loop(play)
    assert bench.standbys == 1
    assert bench.audit() == []


def test_without_a_standby_restart_no_leaves_it_and_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.desk.orders.clear()
    bench.world.peer_alive = Known(False, bench.clock.now())
    bench.world.process, bench.world.booted = Known(False, bench.clock.now()), False
    for _ in range(50):
        bench.turn()
    assert bench.desk.orders == []
    assert "RESTART=NO" in bench.cycle.state.decision.reason


def test_without_a_standby_restart_yes_starts_it_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, restart=True)
    bench.serve()
    bench.desk.orders.clear()
    bench.world.peer_alive = Known(False, bench.clock.now())
    bench.world.process, bench.world.booted = Known(False, bench.clock.now()), False
    bench.turn()
    bench.turn()
    assert bench.desk.orders == [Order.START_PBX]
    assert bench.cycle.state.role in (Role.ACQUIRING, Role.ACTIVE)


def test_heartbeats_death_lets_everything_go_address_included(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.world.address = Known(True, bench.clock.now())
    bench.world.engine, bench.world.engine_id = Known(False, bench.clock.now()), ""
    for _ in range(4):
        bench.turn()
    assert bench.cycle.state.role is Role.OFF
    assert bench.desk.commanded == Known(Relay.RELEASED, bench.desk.commanded.at)
    assert Order.REMOVE_ADDRESS in bench.desk.orders
    assert not bench.cycle.state.grant.held
    assert bench.audit() == []


def test_an_unknown_world_moves_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.desk.orders.clear()
    now = bench.clock.now()
    unknown = Unknown("everything is dark", now)
    world = bench.world
    world.process = world.card = world.line = world.dchannel = unknown  # type: ignore[assignment]
    world.engine = world.peer_alive = world.address = unknown
    world.report = None
    for _ in range(400):
        bench.turn(1.0)
    assert bench.desk.orders == []
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
        assert bench.desk.commanded == Known(Relay.ENERGISED, bench.desk.commanded.at)

    on_loop(play)
    assert bench.audit() == []


def test_a_thawed_node_whose_peer_took_over_lets_go_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.desk.orders.clear()
    bench.clock.time += 8.0
    bench.hear_peer(granted=True)
    bench.turn()
    bench.turn()
    assert bench.desk.orders[0] is Order.RELEASE
    assert bench.cycle.state.role in (Role.RELEASING, Role.STANDBY)
    assert bench.standbys == 0, "the peer has it already: there is nothing to ask of Heartbeat"
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
    bench.desk.fails[Order.START_PBX] = "a module is broken"

    def play() -> None:
        bench.cycle.ask(Verb.START, bench.clock.now(), ENGINE)
        bench.turn()
        bench.turn()
        assert bench.cycle.state.role is Role.RELEASING

    on_loop(play)
    assert bench.standbys == 0, "Heartbeat is still telling its peer of the move that brought service here"
    on_loop(lambda: bench.turn(ENGINE_SETTLES))
    assert bench.standbys == 1
    unfit = " ".join(bench.cycle.unfit(bench.clock.now()))
    assert "failed to start" in unfit and "a module is broken" in unfit


def test_a_release_that_cannot_be_done_is_named_and_retried(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.desk.fails[Order.RELEASE] = "the tool hangs"
    bench.cycle.ask(Verb.STOP, bench.clock.now(), ENGINE)
    assert not bench.cycle.released.is_set()
    for _ in range(12):
        bench.turn(1.0)
    assert bench.cycle.state.transfer is not None
    assert bench.cycle.state.transfer.phase is Phase.BLOCKED
    assert "cannot be let go: the tool hangs" in bench.cycle.state.transfer.note
    assert bench.cycle.released.is_set()
    bench.desk.fails.clear()
    bench.turn(1.1)
    bench.turn(1.1)
    assert bench.cycle.state.transfer.done
    assert bench.desk.orders.count(Order.RELEASE) >= 10


def test_heartbeat_dying_during_a_hand_over_takes_the_address_off_and_harms_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    def play() -> None:
        bench.serve()
        bench.cycle.hand_over("an operator asked for it")
        for _ in range(3):
            bench.turn()
        bench.world.address = Known(True, bench.clock.now())
        bench.world.engine, bench.world.engine_id = Known(False, bench.clock.now()), ""
        for _ in range(20):
            bench.turn()
        assert bench.cycle.state.role is Role.OFF
        assert Order.REMOVE_ADDRESS in bench.desk.orders
        assert not bench.cycle.state.grant.held

    on_loop(play)
    assert bench.audit() == []


def test_another_heartbeat_ends_the_grant_of_the_one_before(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    bench.world.address = Known(True, bench.clock.now())
    bench.world.engine_id = "200:7777"
    for _ in range(10):
        bench.turn()
    assert not bench.cycle.state.grant.held
    assert bench.desk.commanded == Known(Relay.RELEASED, bench.desk.commanded.at)
    assert bench.cycle.state.role in (Role.WAITING, Role.STANDBY)
    assert bench.audit() == []
