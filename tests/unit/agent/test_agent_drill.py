"""The drill in the agent: who is refused, what a restart in the middle leaves, and what the schedule does."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_agent_cycle import Bench

from appliance.agent.components import drill as module
from appliance.agent.components.auto_failback import AutoFailback
from appliance.agent.components.data_sync import SyncSupervisor
from appliance.agent.components.drill import Drill
from appliance.agent.journal import JournalFile
from appliance.agent.operator_policy import OperatorPolicy
from appliance.config import Conf
from appliance.control.protocol import ControlRequest
from appliance.core.alert_rules import problems
from appliance.core.errors import ClusterError
from appliance.core.journal_entry import JournalEntry
from appliance.core.model import DChannel, Line
from appliance.core.reading import Known, Reading
from appliance.core.status import DrillStatus, Status
from appliance.pbx import calls
from appliance.pbx.calls import read_calls


class Held(Bench):
    """A primary in service beside a fit standby, with nothing to synchronise."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **conf: object) -> None:
        (tmp_path / "grant").unlink(missing_ok=True)
        super().__init__(tmp_path, synch="LOOSE", **conf)
        self.up: Reading[int] = Known(0, 0.0)
        monkeypatch.setattr(module, "read_calls", lambda *asked: self.up)
        data = SyncSupervisor(self.context)
        engine: Any = SimpleNamespace(takeover=self.takeover)
        self.failback = AutoFailback(self.context, data, self.cycle, engine)
        self.drill = Drill(
            self.context, self.cycle, OperatorPolicy(self.context, self.cycle, data), self.failback
        )
        self.held: list[str] = []
        monkeypatch.setattr(self.drill, "_hold", self._hold)
        self.serve()
        self.see_line(Line.CLEAR, DChannel.UP)
        self.turn()
        self.turn(100.0)

    async def _hold(self, by: str) -> None:
        self.held.append(by)

    def ask(self) -> str:
        return str(asyncio.run(self.drill.verbs["drill"](ControlRequest("drill", {"by": "anna"}))).says)

    def entries(self) -> list[JournalEntry]:
        return [entry for entry in self.journal.since(0) if entry.kind == "drill"]

    def status(self) -> DrillStatus:
        found = self.drill.report(Status()).drill
        assert found is not None
        return found


def test_it_is_begun_once_and_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Held(tmp_path, monkeypatch)
    assert bench.ask().startswith("The drill begins")
    assert bench.status().running
    assert [(entry.fields["outcome"], entry.fields["by"]) for entry in bench.entries()] == [("begun", "anna")]
    with pytest.raises(ClusterError, match="one is under way"):
        bench.ask()


def test_it_is_refused_while_calls_are_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Held(tmp_path, monkeypatch)
    bench.up = Known(3, 0.0)
    with pytest.raises(ClusterError, match=r"calls are up \(3\)"):
        bench.ask()
    assert bench.entries() == [] and not bench.status().running


def test_it_is_refused_just_after_a_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Held(tmp_path, monkeypatch, move_dwell=200.0, failback_wait=200.0)
    with pytest.raises(ClusterError, match="service has moved 160 s ago"):
        bench.ask()


def test_it_is_refused_when_the_standby_is_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Held(tmp_path, monkeypatch)
    bench.hear_peer(fit=False)
    with pytest.raises(ClusterError, match="the other node is not fit"):
        bench.ask()


def test_a_restart_in_the_middle_is_told_until_a_drill_goes_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Held(tmp_path, monkeypatch)
    bench.ask()
    successor = Held(tmp_path, monkeypatch)
    asyncio.run(successor.drill.first_look())
    assert successor.status().failed and successor.status().outcome == "stopped"
    told = [found.alert.key for found in problems(successor.drill.report(Status()))]
    assert told == ["drill"]
    later = Held(tmp_path, monkeypatch)
    asyncio.run(later.drill.first_look())
    assert later.status().failed and later.entries() == [], "it is said once"
    later.journal.note("drill", outcome="within its bound", says="well")
    last = Held(tmp_path, monkeypatch)
    later.journal.settle()
    asyncio.run(last.drill.first_look())
    assert not last.status().failed and problems(last.drill.report(Status())) == ()


def test_a_journal_that_cannot_be_read_ends_no_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Held(tmp_path, monkeypatch)

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(JournalFile, "backwards", refuse)
    asyncio.run(bench.drill.first_look())
    assert bench.status() == DrillStatus()


def scheduled(bench: Held, monkeypatch: pytest.MonkeyPatch, hour: int, minute: int) -> None:
    local = time.struct_time((2026, 11, 29, hour, minute, 0, 6, 333, 0))
    monkeypatch.setattr(module, "time", SimpleNamespace(localtime=lambda wall: local))
    asyncio.run(bench.drill._follow_schedule())


def test_the_schedule_holds_it_once_at_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Held(tmp_path, monkeypatch, drill="weekly sunday 03:30")
    scheduled(bench, monkeypatch, 3, 29)
    assert bench.held == []
    for minute in (30, 31):
        scheduled(bench, monkeypatch, 3, minute)
    assert bench.held == ["the schedule (DRILL)"]


def test_a_busy_hour_skips_it_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Held(tmp_path, monkeypatch, drill="weekly sunday 03:30")
    bench.up = Known(1, 0.0)
    for hour, minute in ((3, 30), (4, 0), (4, 30), (4, 30)):
        scheduled(bench, monkeypatch, hour, minute)
    (entry,) = bench.entries()
    assert entry.fields["outcome"] == "skipped" and "calls are up (1)" in entry.says
    assert bench.held == [] and "calls are up (1)" in bench.status().skipped
    assert not bench.status().failed, "a skipped drill is no failed one"


def test_a_call_that_ends_within_the_hour_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Held(tmp_path, monkeypatch, drill="weekly sunday 03:30")
    bench.up = Known(1, 0.0)
    scheduled(bench, monkeypatch, 3, 30)
    bench.up = Known(0, 0.0)
    scheduled(bench, monkeypatch, 3, 45)
    assert bench.held == ["the schedule (DRILL)"]


def test_off_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Held(tmp_path, monkeypatch)
    assert Conf().drill == "off"
    scheduled(bench, monkeypatch, 3, 30)
    assert bench.held == [] and bench.entries() == []


def test_the_way_back_by_itself_leaves_a_drill_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Held(tmp_path, monkeypatch, auto_failback=True)
    bench.failback.paused = True
    monkeypatch.setattr(bench.failback, "why_not", lambda now: "")
    assert not bench.failback._is_due()


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("Channel Location State\n0 active channels\n0 active calls\n", 0),
        ("SIP/1 Up\n1 active channel\n1 active call\n12 calls processed\n", 1),
        ("4 active channels\n2 active calls\n", 4),
        ("1 active channel\n0 active calls\n", 1),
    ],
)
def test_calls_are_counted_as_the_console_counts_them(
    monkeypatch: pytest.MonkeyPatch, said: str, count: int
) -> None:
    finished = SimpleNamespace(ok=True, output=said)
    monkeypatch.setattr(calls, "find_program", str)
    monkeypatch.setattr(calls, "run", lambda argv, deadline: finished)
    assert read_calls(Conf(), lambda: 5.0, 1.0) == Known(count, 5.0)
    finished.output = "No such command"
    assert not isinstance(read_calls(Conf(), lambda: 5.0, 1.0), Known)
