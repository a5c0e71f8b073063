"""The agent's own status and journal become alerts, without a machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_agent_cycle import Bench

from appliance.agent.components.alerts import Alerts
from appliance.agent.components.data_sync import SyncSupervisor, data_status
from appliance.agent.status import node_status
from appliance.core.alert_rules import problems
from appliance.core.health import Activity, ProbeRecord
from appliance.core.model import Line
from appliance.core.reading import Known
from appliance.core.status import Status
from appliance.notify.spool import Spool


class Told(Bench):
    """A node whose post is looked at instead of sent."""

    def __init__(self, tmp_path: Path, **conf: object) -> None:
        super().__init__(tmp_path, **conf)
        self.data = SyncSupervisor(self.context)
        self.room = self.agent(tmp_path)

    def agent(self, tmp_path: Path) -> Alerts:
        return Alerts(self.context, self.status, Spool(tmp_path / "notify"))

    def status(self) -> Status:
        status = node_status(self.this_node, self.observations, self.cycle, self.clock.now())
        return status._replace(data=data_status(self.data, self.this_node))

    def looks(self, seconds: int) -> None:
        for _ in range(seconds):
            self.turn(1.0)
            self.room.look()

    def subjects(self) -> list[str]:
        bags = self.room._queue._batches
        found = [bags.get() for _ in range(bags.qsize())]
        return [alert.subject for bag in found if bag is not None for alert in bag.alerts]


def test_the_real_document_has_everything_that_alerts_are_made_of(tmp_path: Path) -> None:
    bench = Told(tmp_path)
    assert {problem.alert.key for problem in problems(bench.status())} == {"unfit"}
    bench.see_line(Line.ABSENT)
    assert problems(bench.status()) == ()
    bench.serve()
    assert problems(bench.status()) == ()
    bench.observations.card = Known(False, 0.0)
    bench.observations.links = {"eth0": "up", "eth1": "dead"}
    bench.observations.duplicate = "02:00:00:00:00:01"
    keys = {problem.alert.key for problem in problems(bench.status())}
    assert keys == {"card", "link eth1", "split"}


def test_questions_that_are_kept_from_asterisk_are_told_and_move_nothing(tmp_path: Path) -> None:
    bench = Told(tmp_path)
    bench.serve()
    seen, now = bench.observations, bench.clock.now()
    silent = ProbeRecord(ever_answered=True, silences=20, silent_since=now - 20.0, last="SIP did not answer")
    seen.process, seen.pid = Known(True, now), 4711
    seen.probes = {"sip": silent, "cli": ProbeRecord(ever_answered=True, answers=1)}
    seen.activity = Activity(read_at=now)
    (told,) = problems(bench.status())
    assert told.alert.key == "kept off" and "ignoreip" in told.alert.text
    status = bench.status()
    assert status.pbx.state.value == "running" and any("ignoreip" in problem for problem in status.problems)
    seen.activity = Activity(read_at=now - 20.0)
    status = bench.status()
    assert (status.pbx.state.value, status.pbx.kept_off) == ("hung", "")


def test_service_that_comes_and_goes_is_told(tmp_path: Path) -> None:
    bench = Told(tmp_path, mail_to="root")
    bench.serve()
    bench.looks(1)
    assert "failover done: the primary serves" in bench.subjects()
    bench.looks(30)
    assert bench.subjects() == []
    bench.cycle.hand_over("Asterisk died")
    bench.room.look()
    assert bench.subjects() == ["failover from the primary begun: Asterisk died"]


def test_a_card_that_is_lost_and_found_is_told_twice_also_over_a_restart(tmp_path: Path) -> None:
    bench = Told(tmp_path, notify_syslog=True)
    bench.looks(5)
    bench.observations.card = Known(False, bench.clock.now())
    bench.looks(20)
    lost = bench.subjects()
    assert any("the relay card is gone" in subject for subject in lost)
    kept = bench.room._memory
    bench.room = bench.agent(tmp_path)
    bench.room._memory = kept
    bench.looks(20)
    assert bench.subjects() == []
    bench.observations.card = Known(True, bench.clock.now())
    bench.looks(20)
    assert any(subject.startswith("over: the relay card is gone") for subject in bench.subjects())


def test_nobody_to_tell_costs_no_look_at_the_status(tmp_path: Path) -> None:
    bench = Told(tmp_path)
    bench.room._document = lambda: pytest.fail("it was asked for")
    bench.serve()
    bench.looks(3)
    assert bench.subjects() == []


def test_what_cannot_be_told_is_said_once_and_ends_nothing(tmp_path: Path) -> None:
    bench = Told(tmp_path, mail_to="root")
    bench.room._status = lambda: None
    for _ in range(3):
        bench.room._look_safely()
    notes = [entry for entry in bench.journal.since(0) if entry.kind == "notify"]
    assert len(notes) == 1 and "AttributeError" in notes[0].says


def test_while_service_moves_the_post_knows(tmp_path: Path) -> None:
    bench = Told(tmp_path, mail_to="root")
    bench.serve()
    bench.looks(1)
    assert not bench.room._queue.busy
    bench.see_line(Line.ABSENT)
    bench.looks(1)
    assert bench.room._queue.busy
