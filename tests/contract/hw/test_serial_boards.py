"""Every board of RELAYDRIVER keeps the promises of RelayCard, and says what is wrong with it."""

from __future__ import annotations

import fcntl
import os
import termios
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from board_bench import BoardBench
from relay_card_suite import await_position, check_guard, check_relay_card

from appliance.config import Conf, load
from appliance.core.errors import HardwareError
from appliance.core.model import Relay
from appliance.core.reading import Known, Unknown, is_known
from appliance.core.relay_facts import RELAYS, Attachment, Contacts, ReadBack, attached_by
from appliance.host.clock import SystemClock
from appliance.host.paths import CONF
from appliance.hw.drivers import open_card
from appliance.hw.relay import CardAbsent, CardBusy, CardRefused, CardSilent, ContactsSplit
from hwsim.card.board import BoardFault
from hwsim.card.boards import ADAPTER, SPEECHES
from hwsim.card.card import Fault, Position
from hwsim.card.sysfs import DeviceTree

BOARDS = attached_by(Attachment.SERIAL)
BLIND = [name for name in BOARDS if RELAYS[name].read_back is ReadBack.NONE]
SEEING = [name for name in BOARDS if name not in BLIND]
SEVERAL = [name for name in SEEING if name != "kmtronic-2"]
every_board = pytest.mark.parametrize("speech", BOARDS)


@pytest.fixture
def bench(tmp_path: Path, speech: str) -> Iterator[BoardBench]:
    bench = BoardBench(tmp_path, speech)
    yield bench
    bench.close()


@pytest.fixture
def speech() -> str:
    return "lcus-text"


def test_every_driver_is_simulated() -> None:
    assert {*BOARDS} == SPEECHES.keys()


@every_board
def test_conformance(bench: BoardBench) -> None:
    check_relay_card(bench.open, bench.line)


def test_conformance_of_a_real_board(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """With --card=TTY, the board of the conf file's RELAYDRIVER at that tty; else one on a pty."""
    tty = request.config.getoption("--card")
    conf = load() if CONF.exists() else Conf()
    if tty and conf.relay_driver:
        there = replace(conf, relay_device=tty)
        check_relay_card(
            lambda: open_card(there, SystemClock(), store=tmp_path / "card", lock=tmp_path / "lock"),
            lambda: None,
        )
    else:
        bench = BoardBench(tmp_path, "lcus")
        check_relay_card(bench.open, lambda: None)
        bench.close()


@pytest.mark.parametrize("speech", [name for name in BOARDS if RELAYS[name].watchdog])
def test_conformance_of_a_boards_watchdog(bench: BoardBench) -> None:
    check_guard(bench.open, bench.line)


@every_board
def test_only_the_configured_contacts_move(bench: BoardBench) -> None:
    others = [
        relay for relay in range(len(bench.board.registers)) if relay + bench.first not in bench.contacts
    ]
    for relay in others[:1]:
        bench.do(lambda relay=relay: bench.board.set(relay, on=True))  # type: ignore[misc]
    card = bench.open()
    card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.ENERGISED)
    card.move(Relay.RELEASED)
    await_position(bench.line, Relay.RELEASED)
    assert [bench.board.position(relay) for relay in others[:2]] == [Position.NO, Position.NC][: len(others)]


def test_without_contacts_it_is_the_first(bench: BoardBench) -> None:
    bench.open(relay_contacts=()).move(Relay.ENERGISED)
    await_position(lambda: _as_relay(bench.armature(1)), Relay.ENERGISED)
    assert bench.armature(2) is Position.NC


@every_board
def test_opening_the_port_and_asking_move_nothing(bench: BoardBench) -> None:
    bench.do(lambda: bench.board.set(0, on=True))
    await_position(lambda: _as_relay(bench.armature(bench.first)), Relay.ENERGISED)
    before = list(bench.moves)
    card = bench.open()
    for _ in range(3):
        card.position()
        card.close()
        bench.find()
    assert bench.moves == before
    assert bench.armature(bench.first) is Position.NO


def test_the_ports_lines_stay_raised_when_it_is_closed(bench: BoardBench) -> None:
    """Else each command would be an edge on DTR, which resets some boards."""
    bench.open().move(Relay.ENERGISED)
    port = os.open(bench.tty.path, os.O_RDWR | os.O_NOCTTY)
    try:
        assert not termios.tcgetattr(port)[2] & termios.HUPCL
    finally:
        os.close(port)


@pytest.mark.parametrize("speech", SEVERAL)
def test_a_split_line_is_named_and_released(bench: BoardBench) -> None:
    bench.board.board_faults.add(BoardFault.SPLIT)
    card = bench.open()
    with pytest.raises(ContactsSplit, match=r"did not take the command|only contact 1 took"):
        card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.RELEASED)


@pytest.mark.parametrize("speech", SEEING)
def test_its_register_shows_a_split_line_and_a_reset_board(bench: BoardBench) -> None:
    card = bench.open()
    card.move(Relay.ENERGISED)
    assert is_known(card.position(), Contacts.ENERGISED)
    bench.do(lambda: bench.board.set(1, on=False))
    assert is_known(card.position(), Contacts.SPLIT)
    bench.do(bench.board.forget)
    assert is_known(card.position(), Contacts.RELEASED)


@pytest.mark.parametrize("speech", ["lcus-samirob"])
def test_those_done_are_named_when_the_board_has_fewer_contacts(bench: BoardBench) -> None:
    card = bench.open(relay_contacts=(7, 8, 9))
    with pytest.raises(ContactsSplit, match=r"Of contacts 7, 8, 9 only contacts 7, 8 took the command"):
        card.move(Relay.ENERGISED)
    await_position(lambda: _as_relay(bench.armature(7)), Relay.RELEASED)
    await_position(lambda: _as_relay(bench.armature(8)), Relay.RELEASED)


@pytest.mark.parametrize("speech", ["lcus-text", "lcus-bytes", "kmtronic-8", "numato", "devantech"])
def test_a_board_without_that_contact_is_not_what_the_conf_means(bench: BoardBench) -> None:
    with pytest.raises(HardwareError, match="RELAYDRIVER"):
        bench.open(relay_contacts=(1, 9)).move(Relay.ENERGISED)


@pytest.mark.parametrize("speech", ["devantech"])
@pytest.mark.parametrize(
    ("module", "says"), [(15, "USB-RLY16L: its relays stay"), (77, "module 77: whether its")]
)
def test_a_module_that_may_keep_the_line_without_power_is_never_energised(
    bench: BoardBench, module: int, says: str
) -> None:
    bench.board.module = module
    card = bench.open()
    with pytest.raises(CardRefused, match=says):
        card.move(Relay.ENERGISED)
    said = card.position()
    assert isinstance(said, Unknown) and says in said.reason
    assert bench.moves == [] and bench.line() is Relay.RELEASED


@pytest.mark.parametrize("speech", ["devantech"])
def test_a_latching_module_that_somebody_else_energised_is_let_go(bench: BoardBench) -> None:
    for place in range(4):
        bench.do(lambda place=place: bench.board.set(place, on=True))  # type: ignore[misc]
    await_position(bench.line, Relay.ENERGISED)
    bench.board.module = 15
    with pytest.raises(CardRefused):
        bench.open().move(Relay.RELEASED)
    await_position(bench.line, Relay.RELEASED)


@pytest.mark.parametrize("speech", ["devantech"])
def test_the_bytes_of_a_devantech_board(bench: BoardBench) -> None:
    """As the maker's page has them: 65 and 6F for the first relay, one more for each further one, 5C and a mask."""
    bench.board.module = 10
    one = bench.open(relay_contacts=(2,))
    one.move(Relay.ENERGISED)
    one.move(Relay.RELEASED)
    bench.open(relay_contacts=(1, 2)).move(Relay.ENERGISED)
    told = [heard for heard in bench.board.heard if heard[:1] not in (b"\x5a", b"\x5b")]
    assert told == [b"\x66", b"\x70", b"\x5c\x03"]
    with pytest.raises(HardwareError, match="RELAYDRIVER"):
        bench.open(relay_contacts=(2, 3)).move(Relay.ENERGISED)


@pytest.mark.parametrize("speech", SEEING)
@pytest.mark.parametrize("fault", [BoardFault.NO_COIL_POWER, Fault.STUCK])
def test_a_register_is_no_contact(bench: BoardBench, fault: BoardFault | Fault) -> None:
    """The board says that it did, and nothing moved: so a position is never proof."""
    (bench.board.board_faults if isinstance(fault, BoardFault) else bench.board.faults).add(fault)  # type: ignore[attr-defined]
    card = bench.open()
    card.move(Relay.ENERGISED)
    assert is_known(card.position(), Contacts.ENERGISED)
    assert bench.line() is Relay.RELEASED


@pytest.mark.parametrize("speech", SEEING)
@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.DEAF, Fault.GARBAGE])
def test_a_sick_board_is_told_of_within_the_deadline_and_its_position_unknown(
    bench: BoardBench, fault: Fault
) -> None:
    bench.board.faults.add(fault)
    card = bench.open(card_deadline=1.2)
    began = time.monotonic()
    with pytest.raises(HardwareError):
        card.move(Relay.ENERGISED)
    assert time.monotonic() - began < 3
    said = card.position()
    assert isinstance(said, Unknown) and said.reason


@pytest.mark.parametrize(
    ("speech", "fault"),
    [
        ("lcus-text", Fault.SILENT),
        ("lcus-samirob", Fault.HALF_REPLY),
        ("numato", Fault.SILENT),
        ("numato", Fault.HALF_REPLY),
        ("conrad", Fault.SILENT),
        ("conrad", Fault.HALF_REPLY),
    ],
)
def test_a_board_that_acts_and_does_not_answer_lets_go_of_the_line(bench: BoardBench, fault: Fault) -> None:
    card = bench.open()
    card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.ENERGISED)
    bench.board.faults.add(fault)
    with pytest.raises(HardwareError):
        card.move(Relay.RELEASED)
    await_position(bench.line, Relay.RELEASED)


@pytest.mark.parametrize("speech", BLIND)
def test_a_board_that_cannot_be_asked_says_so(bench: BoardBench) -> None:
    said = bench.open().position()
    assert isinstance(said, Unknown) and said.reason.endswith("cannot be asked")


@every_board
def test_gone(bench: BoardBench) -> None:
    card = bench.open()
    card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.ENERGISED)
    bench.unplug()
    await_position(bench.line, Relay.RELEASED)
    with pytest.raises(CardAbsent, match="RELAYDEVICE"):
        card.move(Relay.RELEASED)
    assert isinstance(card.position(), Unknown)


def test_unplugged_under_a_command(bench: BoardBench) -> None:
    bench.board.faults.add(Fault.DIES)
    with pytest.raises((CardAbsent, CardSilent)):
        bench.open().move(Relay.ENERGISED)
    assert bench.line() is Relay.RELEASED


def test_plugged_in_again_under_another_name(bench: BoardBench) -> None:
    card = bench.open()
    card.move(Relay.ENERGISED)
    bench.unplug()
    bench.plug("ttyUSB1")
    card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.ENERGISED)


def test_another_board_with_the_same_identity_is_not_commanded(bench: BoardBench) -> None:
    """Boards without a serial number are told apart by their port alone, whatever their ttys are called."""
    card = bench.open()
    card.move(Relay.RELEASED)
    other = replace(ADAPTER, port="1-3")
    bench.unplug()
    DeviceTree(bench.root / "dev", bench.root / "sys", other).add("ttyUSB0", "/dev/null")
    assert bench.find() == Known(None, pytest.approx(time.monotonic(), abs=5))
    with pytest.raises(CardAbsent):
        card.move(Relay.ENERGISED)
    bench.plug("ttyUSB1")
    card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.ENERGISED)


def test_somebody_elses_command_is_waited_for_and_a_release_goes_ahead(bench: BoardBench) -> None:
    card = bench.open(card_deadline=0.5)
    with (bench.root / "dev/ttyUSB0").open("r+b", buffering=0) as tty:
        fcntl.flock(tty, fcntl.LOCK_EX)
        with pytest.raises(CardBusy):
            card.move(Relay.ENERGISED)
        card.move(Relay.RELEASED)


def test_a_command_that_the_board_answers_with_the_opposite_was_refused(bench: BoardBench) -> None:
    bench.board.set = lambda place, *, on: True  # type: ignore[method-assign]
    with pytest.raises(CardRefused, match="did not take the command"):
        bench.open().move(Relay.ENERGISED)


def _as_relay(position: Position) -> Relay:
    return Relay.ENERGISED if position is Position.NO else Relay.RELEASED
