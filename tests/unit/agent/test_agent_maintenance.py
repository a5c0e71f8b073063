"""Maintenance on a node without a machine: kept on disk, whatever the clocks do; and what it keeps back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from test_agent_cycle import Bench, on_loop

from appliance.agent.components.maintenance import MaintenanceSwitch
from appliance.agent.status import node_status
from appliance.core.alert_rules import problems
from appliance.core.alerts import AlertKind
from appliance.core.errors import HostError
from appliance.core.model import DChannel, Line
from appliance.core.reading import Known
from appliance.core.roles import Role
from appliance.core.status import MaintenanceStatus, Status
from appliance.core.transfer import Order
from tests.plugins.agent_context import node_context
from tests.plugins.hand_clock import HandClock


class Moved(HandClock):
    """Whose wall clock can be set apart from the other."""

    set_by = 0.0

    def wall(self) -> float:
        return super().wall() + self.set_by


class Node:
    """The room alone; `again` is the next agent's."""

    def __init__(self, tmp_path: Path) -> None:
        self.clock = Moved()
        self.path = tmp_path / "kept" / "maintenance.json"
        self.context = node_context(tmp_path, clock=self.clock)
        self.journal = self.context.journal
        self.room = self.again()

    def again(self) -> MaintenanceSwitch:
        self.room = MaintenanceSwitch(self.context, self.path)
        return self.room

    def begin(self, seconds: float = 600.0) -> None:
        asyncio.run(self.room.begin(seconds, "root", "new cables"))

    def said(self) -> list[str]:
        return [entry.says or "on" for entry in self.journal.since(0) if entry.kind == "maintenance"]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_it_outlives_the_agent_and_ends_by_itself(node: Node) -> None:
    assert not node.room.on and node.room.status() is None
    node.begin()
    node.clock.time += 200
    assert node.again().on
    lasting = node.room.status()
    assert lasting == MaintenanceStatus(node.clock.wall() + 400, 400.0, "root", "new cables")
    node.clock.time += 400
    assert not node.room.on and node.room.status() is None


def test_it_ends_while_no_agent_runs(node: Node) -> None:
    node.begin()
    node.clock.time += 601
    assert not node.again().on


@pytest.mark.parametrize("jump", [-1e9, -86400.0, -3600.0, -10.0])
def test_a_clock_that_is_set_back_again_and_again_does_not_make_it_longer(node: Node, jump: float) -> None:
    node.begin()
    for _ in range(60):
        node.clock.time += 10
        node.clock.set_by += jump
    assert not node.room.on


def test_a_clock_that_is_set_back_is_not_believed_by_the_next_agent(node: Node) -> None:
    node.begin()
    node.clock.set_by = -1e6
    assert not node.again().on


def test_a_clock_that_jumps_ahead_ends_it(node: Node) -> None:
    node.begin()
    node.clock.set_by = 1e6
    assert not node.room.on


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '{"began": 1}', "\x00" * 80])
def test_a_damaged_file_is_none_and_is_said(node: Node, text: str) -> None:
    node.begin()
    node.path.write_text(text)
    assert not node.again().on
    assert "maintenance.json is of no use" in node.said()[-1]


def test_it_is_ended_for_good(node: Node) -> None:
    node.begin()
    asyncio.run(node.room.end("root"))
    assert not node.room.on and not node.again().on
    assert node.said() == ["on", "it was ended"]


def test_a_disk_that_refuses_leaves_it_off(node: Node) -> None:
    node.path.parent.write_text("a file where a directory should be")
    with pytest.raises(HostError, match="cannot be kept on disk"):
        node.begin()
    assert not node.room.on


def test_its_end_is_in_the_journal_and_its_file_is_gone(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.agent.components.maintenance._LOOK", 0.0)
    node.begin()
    node.clock.time += 600

    async def until_said() -> None:
        running = asyncio.create_task(node.room.run())
        while node.path.exists():  # noqa: ASYNC110 - its thread ends when it likes
            await asyncio.sleep(0)
        running.cancel()

    asyncio.run(until_said())
    assert node.said() == ["on", "it has ended: its time is over"]


# -- what it keeps a node that serves from ----------------------------------------------------------------


class Served(Bench):
    """In service, with maintenance on."""

    def __init__(self, tmp_path: Path, **conf: object) -> None:
        super().__init__(tmp_path, **conf)
        self.serve()
        asyncio.run(self.maintenance.begin(600, "root", ""))
        self.executor.orders.clear()

    def status(self) -> Status:
        return node_status(self.this_node, self.observations, self.cycle, self.clock.now())

    def asterisk_dies(self) -> None:
        self.observations.process, self.observations.booted = Known(False, self.clock.now()), False
        for _ in range(20):
            self.turn()


def test_asterisk_dies_and_nothing_moves_until_it_is_over(tmp_path: Path) -> None:
    bench = Served(tmp_path)
    bench.asterisk_dies()
    assert bench.executor.orders == [] and bench.standbys == 0 and bench.cycle.state.role.holds
    status = bench.status()
    assert "would hand over: Asterisk died (maintenance)" in status.problems
    assert any(said.startswith("maintenance for 10 min more (by root)") for said in status.problems)

    def its_end() -> None:
        bench.clock.time += 600
        bench.turn()
        bench.turn()

    on_loop(its_end)
    assert bench.standbys == 1 and bench.executor.orders[0] is Order.RELEASE
    assert bench.status().maintenance is None
    assert bench.audit() == []


def test_alone_with_restart_yes_it_is_not_restarted_either(tmp_path: Path) -> None:
    bench = Served(tmp_path, restart=True)
    bench.observations.peer_alive = Known(False, bench.clock.now())
    bench.asterisk_dies()
    assert bench.executor.orders == []
    assert "would restart Asterisk" in bench.cycle.state.decision.reason
    bench.cycle.start_pbx("an operator asked for it")
    bench.turn()
    assert bench.executor.orders == [Order.START_PBX]


def test_an_agent_that_is_restarted_takes_asterisk_as_it_finds_it(tmp_path: Path) -> None:
    bench = Served(tmp_path)
    bench.asterisk_dies()
    bench.cycle.start()
    for _ in range(20):
        bench.turn()
    assert Order.START_PBX not in bench.executor.orders and bench.standbys == 0

    def its_end() -> None:
        bench.clock.time += 600
        bench.turn()

    on_loop(its_end)
    assert bench.standbys == 1


def test_an_operators_order_goes_on_working(tmp_path: Path) -> None:
    bench = Served(tmp_path)

    def play() -> None:
        bench.cycle.hand_over("an operator asked for standby")
        bench.turn()

    on_loop(play)
    assert bench.standbys == 1 and bench.executor.orders[0] is Order.RELEASE


def test_heartbeats_death_still_lets_go(tmp_path: Path) -> None:
    bench = Served(tmp_path)
    bench.observations.engine, bench.observations.engine_id = Known(False, bench.clock.now()), ""
    for _ in range(4):
        bench.turn()
    assert bench.cycle.state.role is Role.OFF
    assert bench.executor.orders[0] is Order.RELEASE


def test_it_is_told_with_the_time_it_may_last(tmp_path: Path) -> None:
    bench = Served(tmp_path)
    bench.see_line(Line.CLEAR, DChannel.UP)
    (standing,) = problems(bench.status())
    assert standing.alert.kind is AlertKind.MAINTENANCE
    assert "for at most 10 min this node neither hands over" in standing.alert.text
