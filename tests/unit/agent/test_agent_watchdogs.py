"""The watchdogs: no food without a completed cycle. A plain file stands in for the timer; each byte is one feeding."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from test_agent_cycle import Bench

from appliance.agent.journal import Journal, JournalFile
from appliance.agent.watchdogs import Watchdogs
from appliance.core.feeding import LOOK_HANGS, CompletedCycle
from appliance.core.model import Line, Node, Relay
from appliance.core.reading import Known, is_known
from appliance.host.service_manager import ServiceManager

NOBODY = ServiceManager("")


@pytest.fixture
def device(tmp_path: Path) -> Path:
    path = tmp_path / "watchdog"
    path.touch()
    return path


def armed(bench: Bench) -> Watchdogs:
    dogs = Watchdogs(
        bench.this_node, NOBODY, lambda says: bench.journal.note_once("watchdog", "timer", says, over="fed")
    )
    dogs.arm()
    return dogs


def look(bench: Bench) -> None:
    bench.observations.card = Known(True, bench.clock.now())
    bench.see_line(Line.CLEAR)


def test_each_completed_cycle_feeds_once_and_one_that_hangs_or_breaks_never(
    tmp_path: Path, device: Path
) -> None:
    bench = Bench(tmp_path, watchdog=str(device))
    dogs = armed(bench)
    completed, turned = 0, asyncio.Event()
    hangs, goes_on = threading.Event(), threading.Event()

    def note(done: CompletedCycle) -> None:
        nonlocal completed
        completed += 1
        dogs.completed(done)
        turned.set()

    bench.cycle.completed = note
    whole_turn = bench.cycle.turn

    def hanging_turn() -> None:
        hangs.set()
        assert goes_on.wait(20)
        whole_turn()

    def broken_turn() -> None:
        whole_turn()
        raise OSError("a sensor broke")

    async def run() -> None:
        cycle = asyncio.create_task(bench.cycle.run())
        await turned.wait()
        turned.clear()
        bench.cycle.turn = hanging_turn  # type: ignore[method-assign]
        bench.observations.notify_changed()
        await turned.wait()
        bench.cycle.turn = broken_turn  # type: ignore[method-assign]
        bench.observations.notify_changed()
        with pytest.raises(OSError, match="a sensor broke"):
            await cycle

    life = threading.Thread(target=asyncio.run, args=(run(),))
    life.start()
    assert hangs.wait(20)
    eaten = device.stat().st_size
    assert eaten == completed >= 1
    goes_on.set()
    life.join(20)
    assert not life.is_alive() and completed > eaten
    assert device.stat().st_size == completed


def test_a_look_that_hangs_on_the_node_that_serves_stops_the_food_until_it_returns(
    tmp_path: Path, device: Path
) -> None:
    bench = Bench(tmp_path, watchdog=str(device))
    dogs = armed(bench)
    bench.serve()

    def complete() -> int:
        before = device.stat().st_size
        dogs.completed(bench.cycle._left())
        return device.stat().st_size - before

    look(bench)
    assert complete() == 1
    bench.clock.time += LOOK_HANGS
    bench.observations.card = Known(True, bench.clock.now())
    assert complete() == 0
    bench.see_line(Line.CLEAR)
    assert complete() == 1
    bench.clock.time += LOOK_HANGS
    bench.observations.peer_alive = Known(False, bench.clock.now())
    assert complete() == 1  # nobody would take over
    told = [entry.says for entry in bench.journal.since(0) if entry.kind == "watchdog"]
    assert told == [
        "The watchdog timer is not fed, so that it resets this machine: "
        "the look at the line has not returned for 30 s.",
        "fed",
    ]


def test_the_start_is_fed_and_an_orderly_end_stops_the_timer(tmp_path: Path, device: Path) -> None:
    dogs = armed(Bench(tmp_path, watchdog=str(device)))
    dogs.begun()
    dogs.disarm()
    dogs.disarm()
    assert device.read_bytes() == b"\0V"


def test_a_full_disk_does_not_stop_the_food(tmp_path: Path, device: Path) -> None:
    bench = Bench(tmp_path, watchdog=str(device))
    dogs = armed(bench)
    (tmp_path / "nowhere").write_text("a file where a directory should be")
    full = Journal(JournalFile(tmp_path / "nowhere" / "journal"), bench.clock, lambda problem: None)
    bench.cycle._journal = full
    bench.serve()
    full.close()
    assert full.problem
    look(bench)
    dogs.completed(bench.cycle._left())
    assert device.stat().st_size == 1


BEROFOS = {"relay_driver": "berofos", "relay_device": "10.0.0.9"}


def holds(bench: Bench) -> bool:
    return bench.cycle._left().relay_holds


def test_a_relays_watchdog_is_fed_only_while_this_node_serves_and_its_relay_holds_the_line(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, **BEROFOS)
    assert not holds(bench)
    bench.serve()
    assert is_known(bench.executor.commanded, Relay.ENERGISED) and holds(bench)
    bench.cycle.hand_over("an operator wants it")
    assert not holds(bench)


def test_a_relay_without_a_watchdog_and_the_secondary_feed_none(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    for number, bench in enumerate((Bench(tmp_path / "card"), Bench(tmp_path, Node.SECONDARY, **BEROFOS))):
        bench.serve()
        assert not holds(bench), number


@pytest.mark.parametrize("relay_holds", [True, False])
@pytest.mark.parametrize("hangs", [True, False])
def test_the_relays_food_comes_from_the_same_cycles_as_the_machines(
    tmp_path: Path, device: Path, relay_holds: bool, hangs: bool
) -> None:
    bench, fed = Bench(tmp_path, watchdog=str(device)), 0

    def feed() -> None:
        nonlocal fed
        fed += 1

    dogs = Watchdogs(bench.this_node, NOBODY, lambda says: None, feed)
    dogs.arm()
    looks = {"line": LOOK_HANGS} if hangs else {}
    dogs.completed(CompletedCycle(True, True, looks, relay_holds=relay_holds))
    assert fed == (relay_holds and not hangs)
    dogs.begun()
    assert fed == (relay_holds and not hangs), "no cycle has turned in a start"
