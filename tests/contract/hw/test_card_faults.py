"""What each driver says when the card, its cable or the vendor's tool is sick."""

from __future__ import annotations

import contextlib
import fcntl
import time

import psutil
import pytest
from card_bench import CardBench
from relay_card_suite import await_position

from appliance.core.errors import HardwareError
from appliance.core.model import Relay
from appliance.core.reading import Known
from appliance.hw.relay import (
    CardAbsent,
    CardBusy,
    CardGarbled,
    CardRefused,
    CardSilent,
    CardToolMissing,
)
from hwsim.card import vendortool
from hwsim.card.card import Fault

SHORT = 0.12
both_drivers = pytest.mark.parametrize("driver", ["tool", "serial"])


@both_drivers
@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.DEAF, Fault.HALF_REPLY, Fault.SLOW])
def test_no_whole_answer_is_silence_within_the_deadline(bench: CardBench, driver: str, fault: Fault) -> None:
    card = bench.open(card_driver=driver, card_deadline=SHORT)
    bench.card.faults.add(fault)
    began = time.monotonic()
    with pytest.raises(CardSilent):
        card.move(Relay.ENERGISED)
    assert time.monotonic() - began < SHORT + 2  # bounded, not fast


@pytest.mark.parametrize(
    ("driver", "error", "deadline"), [("tool", CardRefused, 2.0), ("serial", CardGarbled, 1.0)]
)
def test_garbage_is_no_answer_and_passes(
    bench: CardBench, driver: str, error: type[HardwareError], deadline: float
) -> None:
    card = bench.open(card_driver=driver, card_deadline=deadline)
    bench.card.faults.add(Fault.GARBAGE)
    with pytest.raises(error):
        card.move(Relay.ENERGISED)
    bench.card.faults.clear()
    card.move(Relay.ENERGISED)
    await_position(bench.observe, Relay.ENERGISED)


@both_drivers
def test_a_stuck_armature_is_accepted_and_does_not_move(bench: CardBench, driver: str) -> None:
    """The command succeeds: it is never proof."""
    bench.card.faults.add(Fault.STUCK)
    bench.open(card_driver=driver).move(Relay.ENERGISED)
    assert bench.card.heard == [b"RELAYON 0"]
    assert bench.observe() is Relay.RELEASED


@both_drivers
def test_absent(bench: CardBench, driver: str) -> None:
    card = bench.open(card_driver=driver)
    bench.unplug()
    with pytest.raises(CardAbsent, match="no relay card"):
        card.move(Relay.RELEASED)


@both_drivers
def test_unplugged_under_a_command(bench: CardBench, driver: str) -> None:
    card = bench.open(card_driver=driver)
    card.move(Relay.ENERGISED)
    await_position(bench.observe, Relay.ENERGISED)
    bench.card.faults.add(Fault.DIES)
    with pytest.raises(CardAbsent, match="went away during RELAYON"):
        card.move(Relay.ENERGISED)
    await_position(bench.observe, Relay.RELEASED)


@both_drivers
def test_plugged_in_again_under_another_name(bench: CardBench, driver: str) -> None:
    card = bench.open(card_driver=driver)
    card.move(Relay.ENERGISED)
    bench.unplug()
    bench.plug("ttyUSB1")
    card.move(Relay.ENERGISED)
    await_position(bench.observe, Relay.ENERGISED)
    found = bench.find()
    assert isinstance(found, Known) and found.value is not None
    assert found.value.tty == bench.root / "dev/ttyUSB1"


def test_a_command_the_card_does_not_know(bench: CardBench) -> None:
    with pytest.raises(CardRefused):
        bench.open(card_relay=9).move(Relay.ENERGISED)


def test_tool_missing(bench: CardBench) -> None:
    bench.tool.unlink()
    with pytest.raises(CardToolMissing, match="RHINOTOOL"):
        bench.open().move(Relay.ENERGISED)


def test_tool_failing(bench: CardBench) -> None:
    vendortool.install(bench.tool, vendortool.FAILING)
    with pytest.raises(CardRefused, match="the card said no"):
        bench.open().move(Relay.ENERGISED)


def test_tool_hanging_is_killed(bench: CardBench) -> None:
    pid_file = bench.root / "pid"
    vendortool.install(bench.tool, f"#!/bin/sh\necho $$ > {pid_file}\nexec sleep 3600\n")
    with pytest.raises(CardSilent):
        bench.open(card_deadline=SHORT).move(Relay.ENERGISED)
    with contextlib.suppress(psutil.NoSuchProcess):  # killed, it may take a loaded machine a moment to end
        psutil.Process(int(pid_file.read_text())).wait(5.0)


@both_drivers
def test_a_caller_that_keeps_the_card_does_not_keep_the_line(bench: CardBench, driver: str) -> None:
    """Energising waits for its turn and gives up; releasing goes ahead."""
    card = bench.open(card_driver=driver)
    card.move(Relay.ENERGISED)
    await_position(bench.observe, Relay.ENERGISED)
    with bench.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CardBusy):
            bench.open(card_driver=driver, card_deadline=0.3).move(Relay.ENERGISED)
        card.move(Relay.RELEASED)
    await_position(bench.observe, Relay.RELEASED)


def test_another_program_on_the_tty(bench: CardBench) -> None:
    card = bench.open(card_driver="serial", card_deadline=1.0)
    with (bench.root / "dev/ttyUSB0").open("r+b", buffering=0) as tty:
        fcntl.flock(tty, fcntl.LOCK_EX)
        with pytest.raises(CardBusy, match="keeps"):
            card.move(Relay.ENERGISED)
        card.move(Relay.RELEASED)


def test_no_lock_can_be_had_and_the_line_is_still_let_go(bench: CardBench) -> None:
    bench.root.joinpath("run").write_text("not a directory")
    card = bench.open()
    card.move(Relay.ENERGISED)
    card.move(Relay.RELEASED)
    await_position(bench.observe, Relay.RELEASED)
