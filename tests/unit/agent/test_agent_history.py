"""What the agent answers people who look: journal, history, permits, and the ways out of alerts."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_agent_cycle import Bench, on_loop

from appliance.agent import journal_file
from appliance.agent.components.data_sync import SyncSupervisor
from appliance.agent.components.history import (
    History,
    Written,
    newest_entries,
    notify_problems,
)
from appliance.agent.components.samples import Samples
from appliance.agent.journal import JournalFile
from appliance.agent.operator_policy import OperatorPolicy
from appliance.control.protocol import LINE_LIMIT, ControlRequest, encode, success
from appliance.core.as_json import to_json
from appliance.core.errors import ClusterError, HostError, UserError
from appliance.core.model import Node
from appliance.core.operator_actions import OperatorAction
from appliance.core.status import NotifyStatus, PermitStatus, Status
from appliance.core.transfer_history import KINDS, newest_transfers
from appliance.host import statefile


class Asked(Bench):
    """A node whose verbs are asked."""

    def __init__(self, tmp_path: Path, node: Node = Node.PRIMARY, **conf: object) -> None:
        super().__init__(tmp_path, node, **conf)
        data = SyncSupervisor(self.context)
        alerts: Any = SimpleNamespace(made=4, ways_status=NotifyStatus)
        self.policy = OperatorPolicy(self.context, self.cycle, data)
        self.samples = Samples(self.context, data, alerts, tmp_path / "trends.json")
        self.history = History(
            self.context,
            policy=self.policy,
            maintenance=self.maintenance,
            samples=self.samples,
            alerts=alerts,
        )

    def ask(self, verb: str, **arguments: object) -> Any:
        answer = asyncio.run(
            {**self.history.verbs, **Written(self.context).verbs}[verb](ControlRequest(verb, arguments))
        )
        return to_json(answer)  # type: ignore[arg-type]


def test_the_journal_comes_oldest_first_and_without_its_links(tmp_path: Path) -> None:
    bench = Asked(tmp_path)
    for number in range(9):
        bench.journal.note("order", number_of=number)
    found = bench.ask("journal", newest=3)
    assert [entry["number_of"] for entry in found] == [6, 7, 8]
    assert "hash" not in found[0] and "prev" not in found[0]
    assert len(bench.ask("journal")) > 9
    with pytest.raises(UserError):
        bench.ask("journal", newest="all")


def test_an_answer_always_fits_the_socket(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "journal")
    for _ in range(120):
        file.append({"kind": "order", "reason": "x" * 5000})
    found = newest_entries(file, 500)
    assert 30 < len(found) < 50
    assert len(encode(success(found))) < LINE_LIMIT


@pytest.mark.parametrize("block", [1, 7, 64, 65536])
def test_the_journal_is_read_backwards_whatever_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(journal_file, "_BLOCK", block)
    file = JournalFile(tmp_path / "journal")
    for number in range(12):
        file.append({"kind": "a" if number % 3 else "b", "number": number, "says": "schön\n"})
        if number == 5:
            (tmp_path / "journal").rename(tmp_path / "journal.1")
    with (tmp_path / "journal").open("ab") as crash:
        crash.write(b'no entry\n\n\xff\xfe\n{"kind": "a", "num')
    assert [entry.number for entry in file.backwards()] == list(range(11, -1, -1))
    assert [entry.number for entry in file.backwards(frozenset({"b"}))] == [9, 6, 3, 0]
    assert list(file.backwards(frozenset({"c"}))) == []
    assert list(JournalFile(tmp_path / "none").backwards()) == []


def test_history_has_the_newest_transfers_whole(tmp_path: Path) -> None:
    bench = Asked(tmp_path)
    bench.serve()
    bench.cycle.hand_over("Asterisk died")

    def play() -> None:
        for _ in range(3):
            bench.turn()

    on_loop(play)
    went, came = bench.ask("history", newest=2)
    assert (went["goal"], went["reason"], went["ended"]) == ("release", "Asterisk died", "done")
    assert (came["goal"], came["ended"], came["node"]) == ("acquire", "done", "primary")
    assert came["phases"][0]["phase"] == "moving"
    assert bench.ask("history", newest=1) == [went]
    assert newest_transfers(JournalFile(tmp_path / "none").backwards(KINDS), 50, Node.PRIMARY) == []
    meters = bench.ask("meters")
    assert meters["transfers"]["acquire"]["done"] == 1 and meters["transfers"]["release"]["done"] == 1
    assert meters["alerts"] == 4


def test_maintenance_is_asked_for_with_who_and_why(tmp_path: Path) -> None:
    bench = Asked(tmp_path)
    who = "anna at 10.0.0.7\n (panel)"
    with pytest.raises(ClusterError, match="there is no maintenance on this node"):
        bench.ask("maintenance off", by=who)
    for wrong in (59, 86401, -1, True, "long", None, float("nan"), float("inf")):
        with pytest.raises(UserError):
            bench.ask("maintenance on", seconds=wrong, by=who)
    noted = len(bench.journal.since(0))
    with pytest.raises(UserError, match="'why' must be a text"):
        bench.ask("maintenance on", seconds=600, by=who, why=7)
    assert len(bench.journal.since(0)) == noted, "a wish that cannot be understood is none"
    assert not bench.maintenance.on
    assert "on for 10 min" in bench.ask("maintenance on", seconds=600, by=who, why="cables")["says"]
    lasting = bench.maintenance.status()
    assert lasting is not None and lasting.by == "anna at 10.0.0.7 (panel)"
    assert bench.history.report(Status()).permit("maintenance off").allowed
    bench.ask("maintenance off", by=who)
    assert not bench.maintenance.on
    wishes = [entry for entry in bench.journal.since(0) if entry.kind == "wish"]
    assert [(wish.fields["wish"], wish.fields["allowed"]) for wish in wishes][-2:] == [
        ("maintenance on", True),
        ("maintenance off", True),
    ]


def refuses(path: Path, content: str | bytes, mode: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def test_a_disk_that_refuses_is_an_error_for_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Asked(tmp_path)
    monkeypatch.setattr(statefile, "replace_file", refuses)
    with pytest.raises(HostError):
        bench.ask("maintenance on", seconds=600, by="root")
    assert not bench.maintenance.on


def test_every_wish_has_its_permit_in_the_document(tmp_path: Path) -> None:
    bench = Asked(tmp_path)
    status = bench.history.report(Status())
    assert set(status.permits) == {wish.value for wish in OperatorAction}
    assert status.permit("takeover").allowed
    assert not status.permit("failback").allowed
    bench.serve()
    served = bench.history.report(Status())
    assert served.permit("pbx stop") == PermitStatus(True, "this is a failover: the other node takes over")
    assert "holds the service already" in served.permit("takeover").says
    usage = status.agent
    assert usage is not None and usage.cpu > 0 and usage.memory > 10_000_000 and usage.up >= 0


def test_the_way_back_is_not_offered_on_the_secondary(tmp_path: Path) -> None:
    permit = Asked(tmp_path, Node.SECONDARY).history.report(Status()).permit("failback")
    assert not permit.allowed and "leads to the primary" in permit.says


def test_a_way_that_fails_is_a_problem() -> None:
    assert notify_problems(NotifyStatus(3, {"mail": "no route"})) == [
        "alerts do not go out by mail: no route"
    ]


# -- trends ---------------------------------------------------------------------------------------------


def minutes(bench: Asked, count: int) -> None:
    for _ in range(count * 6):
        bench.clock.time += 10
        bench.samples.look()


def test_a_sample_a_minute_with_the_slowest_answer_in_it(tmp_path: Path) -> None:
    bench = Asked(tmp_path)
    minutes(bench, 1)
    bench.observations.answered("ami", 0.002)
    bench.observations.answered("ami", 0.5)
    bench.observations.answered("ami", 0.001)
    minutes(bench, 2)
    trends = bench.ask("trends")
    assert trends["probes"]["ami"] == [None, 500.0, None]
    assert trends["line"] == [None, None, None] and trends["step"] == 60


def test_trends_outlive_the_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.agent.components.samples._LOOK", 0.0)
    bench = Asked(tmp_path)

    async def life() -> None:
        running = asyncio.create_task(bench.samples.run())
        while not bench.samples.trends().line:
            bench.clock.time += 60
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(life())
    kept = bench.ask("trends")
    assert to_json(bench.samples._read().document()) == kept
    (tmp_path / "trends.json").write_text("{")
    assert bench.samples._read().document().line == ()
    assert any("begin again" in entry.says for entry in bench.journal.since(0) if entry.kind == "trends")


def test_a_disk_that_refuses_the_trends_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Asked(tmp_path)
    monkeypatch.setattr(statefile, "replace_file", refuses)
    for _ in range(3):
        asyncio.run(bench.samples._keep())
    (said,) = [entry.says for entry in bench.journal.since(0) if entry.kind == "trends"]
    assert "cannot be kept on disk" in said


def test_a_disk_that_hangs_leaves_the_threads_that_a_failover_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, release = Asked(tmp_path), threading.Event()
    monkeypatch.setattr(bench.journal, "settled", release.wait)
    written = Written(bench.context)

    async def many() -> None:
        verbs = {**bench.history.verbs, **written.verbs}
        asked = [
            asyncio.create_task(verbs[verb](ControlRequest(verb)))
            for verb in ("journal", "history")
            for _ in range(40)
        ]  # type: ignore[arg-type]
        await asyncio.sleep(0.0)
        async with asyncio.timeout(10):
            assert await asyncio.to_thread(lambda: "free") == "free"
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    try:
        asyncio.run(many())
    finally:
        release.set()
