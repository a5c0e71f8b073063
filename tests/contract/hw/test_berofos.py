"""A berofos keeps the promises of RelayCard, and holds the line only while it is fed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from berofos_bench import BerofosBench
from relay_card_suite import await_position, check_guard, check_relay_card

from appliance.core.errors import HardwareError
from appliance.core.model import Relay
from appliance.core.reading import Known, Unknown, is_known
from appliance.core.relay_facts import RELAYS, Contacts
from appliance.hw.drivers import RELAY_DRIVERS
from appliance.hw.relay import CardGarbled, CardRefused, CardSilent
from hwsim.card.berofos import BerofosFault
from hwsim.card.card import Fault
from hwsim.card.relays import DRIVERS


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[BerofosBench]:
    bench = BerofosBench(tmp_path)
    yield bench
    bench.close()


def test_every_relay_has_a_driver_and_is_simulated() -> None:
    assert [*RELAYS] == [driver.name for driver in RELAY_DRIVERS]
    assert RELAYS.keys() == {*DRIVERS}


def test_conformance(bench: BerofosBench) -> None:
    check_relay_card(bench.open, bench.line)


def test_conformance_of_its_watchdog(bench: BerofosBench) -> None:
    check_guard(bench.open, bench.line)


def test_a_release_stops_the_watchdog(bench: BerofosBench) -> None:
    card = bench.open()
    card.guard(60)
    card.move(Relay.ENERGISED)
    assert bench.berofos.enabled == 1
    card.move(Relay.RELEASED)
    assert bench.berofos.enabled == 0


def test_without_its_watchdog_it_holds_the_line_until_released(bench: BerofosBench) -> None:
    card = bench.open()
    card.guard(1)
    card.guard(0)
    card.move(Relay.ENERGISED)
    time.sleep(1.2)
    assert bench.line() is Relay.ENERGISED


def test_a_watchdog_that_does_not_run_gives_the_line_back(bench: BerofosBench) -> None:
    card = bench.open()
    card.guard(60)
    bench.berofos._set_watchdog = lambda on: None  # type: ignore[method-assign]
    bench.berofos.state = bench.berofos.enabled = 0
    with pytest.raises(CardRefused, match="watchdog of the berofos does not run"):
        card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.RELEASED)


def test_a_device_that_takes_no_food_is_not_trusted_with_the_line(bench: BerofosBench) -> None:
    bench.berofos.berofos_faults.add(BerofosFault.NO_UDP)
    card = bench.open(card_deadline=0.6)
    with pytest.raises(CardSilent, match="by UDP"):
        card.guard(60)
    with pytest.raises(CardSilent, match="by UDP"):
        card.feed()


@pytest.mark.parametrize("name", ["sz", "rm"])
def test_a_device_that_is_set_up_to_keep_the_line_is_refused(bench: BerofosBench, name: str) -> None:
    bench.berofos.settings[name] = 1
    with pytest.raises(CardRefused, match="is not 0"):
        bench.open().move(Relay.ENERGISED)
    assert bench.line() is Relay.RELEASED


def test_wrong_password(bench: BerofosBench) -> None:
    bench.berofos.berofos_faults.add(BerofosFault.OTHER_PASSWORD)
    card = bench.open()
    with pytest.raises(CardRefused, match="does not take the password"):
        card.move(Relay.ENERGISED)
    said = card.position()
    assert isinstance(said, Unknown) and "password" in said.reason


@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.DEAF, Fault.GARBAGE, Fault.SILENT])
def test_a_sick_device_is_told_of_within_the_deadline_and_its_position_unknown(
    bench: BerofosBench, fault: Fault
) -> None:
    bench.berofos.faults.add(fault)
    card = bench.open(card_deadline=0.8)
    began = time.monotonic()
    with pytest.raises((CardSilent, CardGarbled)):
        card.move(Relay.ENERGISED)
    assert time.monotonic() - began < 2
    assert isinstance(card.position(), Unknown)


def test_a_device_that_acts_and_does_not_answer_releases_the_line(bench: BerofosBench) -> None:
    card = bench.open(card_deadline=0.8)
    card.move(Relay.ENERGISED)
    bench.berofos.faults.add(Fault.SILENT)
    with pytest.raises(HardwareError):
        card.move(Relay.RELEASED)
    await_position(bench.line, Relay.RELEASED)


def test_its_register_is_no_contact(bench: BerofosBench) -> None:
    bench.berofos.faults.add(Fault.STUCK)
    card = bench.open()
    card.move(Relay.ENERGISED)
    assert is_known(card.position(), Contacts.ENERGISED)
    assert bench.line() is Relay.RELEASED


def test_unreachable_is_unknown_and_never_absent(bench: BerofosBench) -> None:
    card = bench.open(card_deadline=0.8)
    card.move(Relay.ENERGISED)
    there = bench.find()
    assert isinstance(there, Known) and there.value is not None and bench.address in str(there.value.tty)
    bench.unplug()
    await_position(bench.line, Relay.RELEASED)
    with pytest.raises(CardSilent, match="RELAYDEVICE"):
        card.move(Relay.RELEASED)
    assert isinstance(card.position(), Unknown)
    assert isinstance(bench.find(), Unknown)


def test_what_is_no_berofos_is_told_apart(bench: BerofosBench) -> None:
    bench.berofos._config = lambda: "<html>a router</html>"  # type: ignore[method-assign]
    with pytest.raises(CardGarbled, match="is no berofos"):
        bench.open().move(Relay.ENERGISED)
