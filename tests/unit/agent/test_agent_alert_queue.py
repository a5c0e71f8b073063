"""The agent's post: when the delivering process is started, ended, and held back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from appliance.agent.components.alert_queue import AlertBatch, AlertQueue
from appliance.core.alerts import Alert, AlertKind, Severity
from appliance.core.errors import HostError
from appliance.host.stream import Stream
from appliance.notify.spool import Spool, Ways, WayState
from tests.plugins.hand_clock import HandClock

ALERT = Alert("card", AlertKind.CARD_LOST, Severity.CRITICAL, "the card is gone", "The card is gone.")


class Worker:
    """A delivering process: its lines, then silence, or its end."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.ended = self.closed = False
        self.code, self.says = 0, ""

    def line(self, patience: float) -> bytes | None:
        assert patience == 0.0, "the post does not wait for it"
        if self.lines:
            return self.lines.pop(0)
        return b"" if self.ended else None

    def end(self, grace: float) -> int:
        return self.code

    def complaint(self) -> str:
        return self.says

    def close(self) -> None:
        self.closed = True


class Bench:
    """A post without thread and process."""

    def __init__(self, place: Path) -> None:
        self.clock, self.spool = HandClock(), Spool(place)
        self.workers: list[Worker] = []
        self.problem: HostError | None = None
        self.post = AlertQueue(self.spool, self.clock, "primary", "pbx1", self._start)

    def _start(self) -> Stream:
        if self.problem:
            raise self.problem
        self.workers.append(Worker())
        return cast(Stream, self.workers[-1])

    def look(self, seconds: float = 1.0) -> None:
        self.clock.time += seconds
        self.post.look()

    def queue(self) -> None:
        self.post.store(AlertBatch((ALERT,), ("mail",), {"told": "it"}))

    def said(self) -> list[str]:
        return [self.post.said.get() for _ in range(self.post.said.qsize())]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    yield Bench(tmp_path / "notify")


def test_nothing_waits_and_nothing_runs(bench: Bench) -> None:
    bench.look()
    assert bench.workers == []


def test_an_alert_is_on_disk_with_what_is_remembered_and_a_process_is_started(bench: Bench) -> None:
    bench.queue()
    (waiting,) = bench.spool.waiting()
    assert (waiting.alert, waiting.node, waiting.host, waiting.owed) == (ALERT, "primary", "pbx1", ("mail",))
    assert bench.spool.memory() == {"told": "it"}
    bench.look()
    bench.look()
    assert len(bench.workers) == 1


def test_what_an_earlier_agent_left_is_delivered(bench: Bench) -> None:
    bench.queue()
    again = Bench(bench.spool.place)
    again.look()
    assert len(again.workers) == 1


def test_while_service_moves_it_is_held_back_and_not_for_ever(bench: Bench) -> None:
    bench.queue()
    bench.post.busy = True
    for _ in range(10):
        bench.look()
    assert bench.workers == []
    bench.look()
    assert len(bench.workers) == 1


def test_it_is_started_as_soon_as_service_has_moved(bench: Bench) -> None:
    bench.queue()
    bench.post.busy = True
    bench.look()
    bench.post.busy = False
    bench.look()
    assert len(bench.workers) == 1


def test_it_is_started_again_when_something_is_due_and_not_before(bench: Bench) -> None:
    bench.queue()
    bench.look()
    bench.spool.keep_ways(Ways(next_at=bench.clock.wall() + 60.0))
    bench.workers[0].ended = True
    bench.look()
    assert bench.workers[0].closed
    bench.look(58.0)
    assert len(bench.workers) == 1
    bench.look(1.0)
    assert len(bench.workers) == 2


def test_a_new_alert_does_not_wait_for_an_old_ones_pause(bench: Bench) -> None:
    bench.queue()
    bench.look()
    bench.spool.keep_ways(Ways(next_at=bench.clock.wall() + 600.0))
    bench.workers[0].ended = True
    bench.look()
    bench.queue()
    bench.look(5.0)
    assert len(bench.workers) == 2


def test_one_that_hangs_is_killed(bench: Bench) -> None:
    bench.queue()
    bench.look()
    bench.look(301.0)
    assert bench.workers[0].closed
    assert bench.said() == ["what delivers alerts hangs; it is killed and started again"]


def test_what_it_says_is_for_the_journal_and_how_it_fails_is_said_once(bench: Bench) -> None:
    bench.queue()
    bench.look()
    bench.workers[0].lines = [b"alerts do not go out by mail: no route"]
    bench.look()
    assert bench.said() == ["alerts do not go out by mail: no route"]
    for _ in range(3):
        bench.workers[-1].ended, bench.workers[-1].code = True, 1
        bench.workers[-1].says = "Traceback\nOSError: full"
        bench.look()
        bench.look(29.0)
        assert bench.workers[-1].closed, "what breaks is not started again and again"
        bench.look(1.0)
        assert not bench.workers[-1].closed
    assert bench.said() == ["alerts are not delivered: status 1: OSError: full"]


def test_a_process_that_cannot_be_started_is_tried_again(bench: Bench) -> None:
    bench.queue()
    bench.problem = HostError("no memory")
    bench.look()
    bench.look()
    bench.problem = None
    assert bench.said() == ["alerts are not delivered: no memory"]
    bench.look(30.0)
    assert len(bench.workers) == 1


def test_a_disk_that_refuses_is_said_once_and_kills_nothing(bench: Bench) -> None:
    bench.spool.place.write_text("a file where the directory should be")
    bench.queue()
    bench.queue()
    assert len(bench.said()) == 1


def test_how_the_ways_do_is_seen_every_few_seconds(bench: Bench) -> None:
    bench.look()
    assert (bench.post.seen.waiting, bench.post.seen.problems) == (0, {})
    bench.queue()
    bench.spool.keep_ways(Ways({"mail": WayState("no route", 2), "syslog": WayState(delivered=3)}))
    bench.look()
    assert bench.post.seen.waiting == 0, "not at every look"
    bench.look(4.0)
    assert (bench.post.seen.waiting, bench.post.seen.problems) == (1, {"mail": "no route"})
