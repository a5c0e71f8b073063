"""`asha relay test --poweroff` as a process, on a simulated board: killed, hung, interrupted, twice and late."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from board_bench import BoardBench
from relay_card_suite import await_position

from appliance.core.as_json import read_as
from appliance.core.host_check.finding import Level
from appliance.core.host_check.relay import judge_poweroff
from appliance.core.model import Relay
from appliance.core.poweroff_drill import PoweroffDrills
from appliance.hw.poweroff_drills import drills_file
from hwsim.card.board import BoardFault

COMMAND = """
import pickle, sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from appliance.cli import relay, relay_drill
from appliance.core.errors import AshaError
from appliance.core.model import Node
from appliance.hw import drivers

root, limit, boot = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
conf = pickle.loads((root / "conf.pickle").read_bytes())

def status():
    said = (root / "granted").read_text()
    return SimpleNamespace(granted=said == "here", peer=SimpleNamespace(granted=SimpleNamespace(value=said == "there")))

relay.conf_and_node = lambda: (conf, Node.PRIMARY)
relay.ask_status = status
drivers.open_card = partial(drivers.open_card, sys_root=root, store=root / "card.json", lock=root / "run/card.lock")
relay_drill.POWEROFF_DRILLS = root / "notes/poweroff-drills.json"
relay_drill.boot_identity = lambda: boot
relay_drill._LIMIT, relay_drill._LOOK, relay_drill._GUARD_ENDS = limit, 0.05, 5.0
relay_drill._GUARD = (sys.executable, *sys.orig_argv[1:2], __file__, *sys.argv[1:4], "guard")
try:
    relay.relay(sys.argv[4:])
except AshaError as problem:
    sys.exit(f"{type(problem).__name__}: {problem}")
"""
LONG = 60.0
NOW = "Switch the machine off now."


class Drill:
    """The command in a process of its own, up to the moment in which the machine is to be switched off."""

    def __init__(self, bench: BoardBench, *words: str, limit: float = LONG, boot: str = "first") -> None:
        self.bench = bench
        argv = [
            sys.executable,
            "-P",
            str(bench.root / "command.py"),
            str(bench.root),
            str(limit),
            boot,
            "test",
        ]
        self.process = subprocess.Popen(
            [*argv, "--poweroff", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=ENV,
        )
        self.said = ""

    def held(self) -> Drill:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if NOW in line:
                await_position(self.bench.line, Relay.ENERGISED)
                return self
        raise AssertionError(self.said)

    def end(self) -> str:
        """Wait for the end, and return all that was said."""
        said, _ = self.process.communicate(timeout=30)
        self.said += said
        return self.said

    def switch_off(self) -> None:
        """End both processes in one moment, as a machine that has no power."""
        (guard,) = children(self.process.pid)
        for pid in (guard, self.process.pid):
            os.kill(pid, signal.SIGSTOP)
        for pid in (guard, self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.end()


ENV = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def speech() -> str:
    return "lcus-text"


@pytest.fixture
def bench(tmp_path: Path, speech: str) -> Iterator[BoardBench]:
    bench = BoardBench(tmp_path, speech)
    (tmp_path / "command.py").write_text(COMMAND)
    (tmp_path / "conf.pickle").write_bytes(pickle.dumps(bench.conf(relay_watchdog=2)))
    (tmp_path / "notes").mkdir()
    (tmp_path / "granted").write_text("nowhere")
    yield bench
    bench.close()


def noted(bench: BoardBench) -> PoweroffDrills:
    return drills_file(bench.root / "notes/poweroff-drills.json").load()


def test_interrupted_it_releases_and_nothing_is_noted(bench: BoardBench) -> None:
    drill = Drill(bench, "--yes").held()
    assert (under_way := noted(bench).under_way) is not None and under_way.way == "button"
    drill.process.send_signal(signal.SIGINT)
    assert "register: energised" in drill.end() and "hold the power button" in drill.said
    assert drill.process.returncode != 0
    await_position(bench.line, Relay.RELEASED)
    assert noted(bench) == PoweroffDrills("lcus-text")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_shutdown_that_ends_it_releases_and_the_question_stays(
    bench: BoardBench, number: signal.Signals
) -> None:
    drill = Drill(bench, "--yes", "--by", "poweroff").held()
    drill.process.send_signal(number)
    drill.end()
    await_position(bench.line, Relay.RELEASED)
    said = Drill(bench, "--saw", "fell", boot="second").end()
    assert "Noted: at poweroff the relay fell" in said, said
    assert (result := noted(bench).poweroff) is not None and result.fell


def test_killed_it_is_released_by_its_guard(bench: BoardBench) -> None:
    drill = Drill(bench, "--yes").held()
    (guard,) = children(drill.process.pid)
    drill.process.kill()
    drill.end()
    await_position(bench.line, Relay.RELEASED)
    while Path(f"/proc/{guard}").exists():  # it holds the lock of the drill until it has released
        time.sleep(0.01)
    again = Drill(bench, "--yes").held()  # the note of the one before is in no way
    again.process.send_signal(signal.SIGINT)
    again.end()
    assert noted(bench).under_way is None


def test_without_its_guard_it_releases_by_itself(bench: BoardBench) -> None:
    drill = Drill(bench, "--yes").held()
    os.kill(children(drill.process.pid)[0], signal.SIGKILL)
    drill.process.send_signal(signal.SIGINT)
    drill.end()
    await_position(bench.line, Relay.RELEASED)


def test_one_that_stands_still_is_released_when_its_time_is_over(bench: BoardBench) -> None:
    drill = Drill(bench, "--yes", limit=0.5).held()
    drill.process.send_signal(signal.SIGSTOP)
    time.sleep(6.5)
    assert bench.line() is Relay.RELEASED
    drill.process.kill()
    drill.end()


def test_a_machine_that_stays_on_is_released_after_a_while(bench: BoardBench) -> None:
    said = Drill(bench, "--yes", limit=1.0).held().end()
    assert "was not switched off within" in said
    await_position(bench.line, Relay.RELEASED)
    assert noted(bench).under_way is None


@pytest.mark.parametrize("sight", ["fell", "stayed", "unsure"])
def test_after_the_boot_it_asks_and_check_tells(bench: BoardBench, sight: str) -> None:
    Drill(bench, "--yes").held().switch_off()
    assert bench.line() is Relay.ENERGISED, "nobody has released it: that is what the drill is about"
    waits = judge_poweroff(noted(bench), str)
    assert waits.level is Level.WARNING and "waits for what you saw" in waits.says
    answer = Drill(bench, "--saw", sight, "--json", boot="second").end()
    assert read_as(PoweroffDrills, json.loads(answer)["drills"]) == noted(bench)
    found = judge_poweroff(noted(bench), str)
    assert (found.level is Level.WARNING) is (sight == "stayed")
    assert ("ErP (EuP)" in found.remedy and "docs/hardware.md" in found.remedy) is (sight == "stayed")
    assert ("not tried yet" in found.says) is (sight == "unsure")
    assert "No drill waits" in Drill(bench, "--saw", sight, boot="second").end(), "it is asked once"


def test_a_second_one_is_refused(bench: BoardBench) -> None:
    first = Drill(bench, "--yes").held()
    assert "under way in another terminal" in Drill(bench, "--yes").end()
    assert bench.line() is Relay.ENERGISED
    first.process.send_signal(signal.SIGINT)
    first.end()


@pytest.mark.parametrize(("where", "stays"), [("there", Relay.RELEASED), ("here", Relay.ENERGISED)])
def test_service_that_comes_ends_it_and_a_line_that_is_served_is_left(
    bench: BoardBench, where: str, stays: Relay
) -> None:
    drill = Drill(bench, "--yes").held()
    (bench.root / "granted").write_text(where)
    assert "ClusterError" in drill.end() and "in service" in drill.said
    assert bench.line() is stays and noted(bench).under_way is None
    assert "ClusterError" in Drill(bench, "--yes").end()


def test_a_board_that_does_not_follow_ends_it(bench: BoardBench) -> None:
    bench.board.board_faults.add(BoardFault.SPLIT)
    said = Drill(bench, "--yes").end()
    assert NOW not in said and "ContactsSplit" in said
    await_position(bench.line, Relay.RELEASED)
    assert noted(bench).under_way is None


def test_what_cannot_be_noted_is_not_begun(bench: BoardBench) -> None:
    (bench.root / "notes").rmdir()
    (bench.root / "notes").write_text("in the way")
    said = Drill(bench, "--yes").end()
    assert NOW not in said and "HostError" in said, said
    assert bench.moves == []


@pytest.mark.parametrize("speech", ["modbus-wirenboard"])
def test_a_relay_with_a_watchdog_is_fed_until_the_machine_is_off(bench: BoardBench) -> None:
    drill = Drill(bench, "--yes").held()
    time.sleep(3.5)
    assert bench.line() is Relay.ENERGISED, "for longer than its watchdog waits"
    drill.switch_off()
    time.sleep(3.5)
    assert bench.line() is Relay.RELEASED
