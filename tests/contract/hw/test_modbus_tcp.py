"""Modbus boards behind TCP keep the promises of RelayCard, with Modbus TCP's head and with the serial line's frames."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from relay_card_suite import await_position, check_guard, check_relay_card

from appliance.config import Conf
from appliance.core.errors import HardwareError
from appliance.core.model import Relay
from appliance.core.reading import Known, Unknown, is_known
from appliance.core.relay_facts import RELAYS, Attachment, Contacts, attached_by
from appliance.host.clock import SystemClock
from appliance.hw.drivers import find_relay, open_card
from appliance.hw.modbus import MAKERS, modbus_language
from appliance.hw.relay import CardGarbled, CardRefused, CardSilent, RelayCard
from hwsim.card.boards import new_board
from hwsim.card.card import Fault, Position
from hwsim.card.network import BoardOnNetwork
from hwsim.simtime import LoopTime

T = TypeVar("T")
every_maker = pytest.mark.parametrize("driver", MAKERS)


class Bench:
    """A board on the loopback, on a loop of its own thread."""

    def __init__(self, root: Path, driver: str, contacts: tuple[int, ...] = (1, 2, 3, 4)) -> None:
        self.root, self.driver, self.contacts = root, driver, contacts
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self._tcp.getsockname()[1]
        self._run(self._start())

    async def _start(self) -> None:
        self.board = new_board(LoopTime(), self.driver)
        self.network = BoardOnNetwork(self.board, mbap=MAKERS[self.driver].mbap)
        await self.network.start(self._tcp)

    def do(self, action: Callable[[], T]) -> T:
        async def on_loop() -> T:
            return action()

        return self._run(on_loop())

    def conf(self, **fields: Any) -> Conf:
        given = {
            "relay_driver": self.driver,
            "relay_device": f"127.0.0.1:{self.port}",
            "relay_contacts": self.contacts,
            "card_deadline": 2.0,
        }
        return Conf(**{**given, **fields})

    def open(self, **fields: Any) -> RelayCard:
        return open_card(
            self.conf(**fields), SystemClock(), store=self.root / "card.json", lock=self.root / "lock"
        )

    def line(self) -> Relay | Contacts:
        seen = {self.do(lambda number=number: self.board.position(number - 1)) for number in self.contacts}  # type: ignore[misc]
        if len(seen) > 1:
            return Contacts.SPLIT
        return Relay.ENERGISED if seen == {Position.NO} else Relay.RELEASED

    def close(self) -> None:
        self.do(self.network.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(5)


@pytest.fixture
def driver() -> str:
    return "modbus-wirenboard"


@pytest.fixture
def bench(tmp_path: Path, driver: str) -> Iterator[Bench]:
    bench = Bench(tmp_path, driver)
    yield bench
    bench.close()


def test_every_maker_is_among_the_boards_with_the_watchdog_that_its_facts_say() -> None:
    for name, maker in MAKERS.items():
        facts = RELAYS[name]
        assert name in attached_by(Attachment.NETWORK) and facts.watchdog is (maker.watchdog is not None)


def test_the_frames_are_those_of_the_makers_page() -> None:
    """As docs/facts/relays.md has them."""
    language = modbus_language("modbus-waveshare")
    assert language.command(1, True) == bytes.fromhex("010500 00FF00 8C3A".replace(" ", ""))
    assert language.command(1, False) == bytes.fromhex("010500000000CDCA")


@every_maker
def test_conformance(bench: Bench) -> None:
    check_relay_card(bench.open, bench.line)


def test_conformance_of_its_watchdog(bench: Bench) -> None:
    check_guard(bench.open, bench.line)


@every_maker
def test_contacts_that_stand_between_stay_as_they_are(bench: Bench) -> None:
    bench.contacts = (1, 3, 5)
    bench.do(lambda: bench.board.set(1, on=True))
    card = bench.open()
    for relay in (Relay.ENERGISED, Relay.RELEASED):
        card.move(relay)
        await_position(bench.line, relay)
        assert bench.do(lambda: bench.board.registers[1]) and not bench.do(lambda: bench.board.registers[3])


def test_a_board_that_comes_back_on_after_a_loss_of_power_is_refused(bench: Bench) -> None:
    bench.board.holding.values[6] = 1
    with pytest.raises(CardRefused, match="register 6 is not 0"):
        bench.open().guard(8)


def test_whether_it_is_there_is_seen_without_feeding_its_watchdog(bench: Bench) -> None:
    heard = len(bench.board.heard)
    found = find_relay(bench.conf(), SystemClock(), store=bench.root / "store", lock=bench.root / "lock")
    assert isinstance(found, Known) and found.value is not None
    assert len(bench.board.heard) == heard


@every_maker
def test_unreachable_is_unknown(bench: Bench) -> None:
    card = bench.open(card_deadline=0.8)
    card.move(Relay.ENERGISED)
    bench.do(bench.network.stop)
    await_position(bench.line, Relay.RELEASED)
    with pytest.raises(CardSilent, match="RELAYDEVICE"):
        card.move(Relay.RELEASED)
    assert isinstance(card.position(), Unknown)
    assert isinstance(find_relay(bench.conf(), SystemClock()), Unknown)


@every_maker
@pytest.mark.parametrize("fault", [Fault.DEAF, Fault.SILENT, Fault.GARBAGE, Fault.HALF_REPLY, Fault.SLOW])
def test_a_sick_board_is_told_of_within_the_deadline(bench: Bench, fault: Fault) -> None:
    bench.board.faults.add(fault)
    card = bench.open(card_deadline=1.0)
    with pytest.raises(HardwareError):
        card.move(Relay.ENERGISED)
    assert isinstance(card.position(), Unknown)


def test_a_contact_that_the_board_has_not_is_refused(bench: Bench) -> None:
    with pytest.raises(CardRefused, match="Modbus exception 2"):
        bench.open(relay_contacts=(7,)).move(Relay.ENERGISED)


def test_an_answer_to_another_question_is_not_taken(bench: Bench) -> None:
    whole = bench.network._frame

    async def late(reader: asyncio.StreamReader) -> bytes:
        frame = await whole(reader)
        bench.network._number = b"\x12\x34"
        return frame

    bench.network._frame = late  # type: ignore[method-assign]
    with pytest.raises(CardGarbled):
        bench.open().move(Relay.ENERGISED)


@every_maker
def test_its_register_is_no_contact(bench: Bench) -> None:
    bench.board.faults.add(Fault.STUCK)
    card = bench.open()
    card.move(Relay.ENERGISED)
    assert is_known(card.position(), Contacts.ENERGISED)
    assert bench.line() is Relay.RELEASED
