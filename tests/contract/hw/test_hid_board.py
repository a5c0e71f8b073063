"""The dcttech board keeps the promises of RelayCard by hidraw's ioctls, and says what is wrong with it."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hid_bench import HidBench
from relay_card_suite import await_position, check_relay_card

from appliance.config import Conf, load
from appliance.core.errors import HardwareError
from appliance.core.model import Relay
from appliance.core.reading import Known, Unknown, is_known
from appliance.core.relay_facts import Attachment, Contacts, attached_by
from appliance.host.clock import SystemClock
from appliance.host.paths import CONF
from appliance.hw.drivers import open_card
from appliance.hw.relay import CardAbsent, CardGarbled, CardRefused, CardSilent, ContactsSplit
from hwsim.card import hid_board
from hwsim.card.board import BoardFault
from hwsim.card.card import Fault, Position
from hwsim.card.hid_board import HID_USB
from hwsim.card.sysfs import HidTree

ALL = (1, 2, 3, 4)


@pytest.fixture
def contacts() -> tuple[int, ...]:
    return (1, 2)


@pytest.fixture
def bench(tmp_path: Path, contacts: tuple[int, ...]) -> Iterator[HidBench]:
    bench = HidBench(tmp_path, contacts)
    yield bench
    bench.close()


def commands(bench: HidBench) -> list[str]:
    """The commands that the board has heard, without the questions."""
    return [heard.hex(" ") for heard in bench.board.heard if heard[1]]


def test_the_driver_is_simulated() -> None:
    assert attached_by(Attachment.HID) == (hid_board.DRIVER,)


@pytest.mark.parametrize("contacts", [(1,), (2, 3), ALL])
def test_conformance(bench: HidBench) -> None:
    check_relay_card(bench.open, bench.line)


def test_conformance_of_a_real_board(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """With --card=NODE and RELAYDRIVER=dcttech in the conf file, the board at that node; else a simulated one."""
    node = request.config.getoption("--card")
    conf = load() if CONF.exists() else Conf()
    if node and conf.relay_driver == hid_board.DRIVER:
        there = replace(conf, relay_device=node)
        check_relay_card(
            lambda: open_card(there, SystemClock(), store=tmp_path / "card", lock=tmp_path / "lock"),
            lambda: None,
        )
    else:
        bench = HidBench(tmp_path)
        check_relay_card(bench.open, lambda: None)
        bench.close()


def test_the_reports_of_a_part_of_the_board(bench: HidBench) -> None:
    card = bench.open()
    card.move(Relay.ENERGISED)
    card.move(Relay.RELEASED)
    zeros = " 00 00 00 00 00 00"
    assert commands(bench) == [
        "00 ff 01" + zeros,
        "00 ff 02" + zeros,
        "00 fd 01" + zeros,
        "00 fd 02" + zeros,
    ]


@pytest.mark.parametrize("contacts", [ALL])
def test_the_whole_board_goes_by_one_report(bench: HidBench) -> None:
    card = bench.open()
    card.move(Relay.ENERGISED)
    card.move(Relay.RELEASED)
    assert [one[:8] for one in commands(bench)] == ["00 fe 00", "00 fc 00"]


def test_only_the_configured_contacts_move(bench: HidBench) -> None:
    bench.do(lambda: bench.board.set(3, on=True))
    card = bench.open()
    card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.ENERGISED)
    card.move(Relay.RELEASED)
    await_position(bench.line, Relay.RELEASED)
    assert [bench.armature(contact) for contact in (3, 4)] == [Position.NC, Position.NO]


@pytest.mark.parametrize("report", [0, 1])
def test_it_is_read_back_by_whichever_report_it_answers_to(bench: HidBench, report: int) -> None:
    bench.board.reports = frozenset({report})
    card = bench.open()
    card.move(Relay.ENERGISED)
    assert is_known(card.position(), Contacts.ENERGISED)


@pytest.mark.parametrize("serial", [b"\0\0\0\0\0", b"\xff\xfe\x80\x01\x02"])
def test_its_five_characters_do_not_matter(bench: HidBench, serial: bytes) -> None:
    """They are the same on many boards, can be set, and can be spoilt."""
    bench.board.serial = serial
    card = bench.open()
    card.move(Relay.ENERGISED)
    assert is_known(card.position(), Contacts.ENERGISED)


def test_asking_moves_nothing(bench: HidBench) -> None:
    bench.do(lambda: bench.board.set(0, on=True))
    await_position(lambda: _as_relay(bench.armature(1)), Relay.ENERGISED)
    before = list(bench.moves)
    card = bench.open()
    assert is_known(card.position(), Contacts.SPLIT)
    card.close()
    bench.find()
    assert bench.moves == before and commands(bench) == []


def test_a_split_line_is_named_and_released(bench: HidBench) -> None:
    bench.board.board_faults.add(BoardFault.SPLIT)
    card = bench.open()
    with pytest.raises(ContactsSplit, match="contact 2 did not take the command"):
        card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.RELEASED)
    assert is_known(card.position(), Contacts.RELEASED)


def test_those_done_are_named_when_the_board_has_fewer_contacts(bench: HidBench) -> None:
    with pytest.raises(ContactsSplit, match=r"Of contacts 3, 4, 5 only contacts 3, 4 took .* 4 relays"):
        bench.open(relay_contacts=(3, 4, 5)).move(Relay.RELEASED)
    with pytest.raises(CardRefused, match="4 relays and no contact 5"):
        bench.open(relay_contacts=(5,)).move(Relay.ENERGISED)


def test_its_register_shows_a_board_that_was_reset(bench: HidBench) -> None:
    card = bench.open()
    card.move(Relay.ENERGISED)
    bench.do(bench.board.forget)
    assert is_known(card.position(), Contacts.RELEASED)


@pytest.mark.parametrize("fault", [BoardFault.NO_COIL_POWER, Fault.STUCK])
def test_a_register_is_no_contact(bench: HidBench, fault: BoardFault | Fault) -> None:
    """The board says that it did, and nothing moved: so a position is never proof."""
    (bench.board.board_faults if isinstance(fault, BoardFault) else bench.board.faults).add(fault)  # type: ignore[attr-defined]
    card = bench.open()
    card.move(Relay.ENERGISED)
    assert is_known(card.position(), Contacts.ENERGISED)
    assert bench.line() is Relay.RELEASED


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.SLOW, CardSilent),
        (Fault.DEAF, CardSilent),
        (Fault.SILENT, CardSilent),
        (Fault.GARBAGE, CardGarbled),
        (Fault.HALF_REPLY, CardGarbled),
    ],
)
def test_a_sick_board_is_told_of_within_the_deadline_and_its_position_unknown(
    bench: HidBench, fault: Fault, error: type[HardwareError]
) -> None:
    bench.board.faults.add(fault)
    card = bench.open(card_deadline=1.2)
    began = time.monotonic()
    with pytest.raises(error):
        card.move(Relay.ENERGISED)
    assert time.monotonic() - began < 3
    said = card.position()
    assert isinstance(said, Unknown) and said.reason


def test_a_release_goes_out_while_another_command_hangs_in_the_kernel(bench: HidBench) -> None:
    """The one that hangs keeps the card's lock: nobody can end it, and the line must be let go all the same."""
    card = bench.open(card_deadline=1.2)
    card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.ENERGISED)
    bench.board.faults.add(Fault.DEAF)
    with pytest.raises(CardSilent, match="hangs"):
        card.move(Relay.ENERGISED)
    bench.board.faults.clear()
    card.move(Relay.RELEASED)
    await_position(bench.line, Relay.RELEASED)


def test_the_kernels_own_time_limit_is_a_silent_board(
    bench: HidBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hid_board, "USB_TIMEOUT", 0.2)
    bench.board.faults.add(Fault.DEAF)
    with pytest.raises(CardSilent, match="did not take energise contacts 1, 2: Connection timed out"):
        bench.open().move(Relay.ENERGISED)


def test_gone(bench: HidBench) -> None:
    card = bench.open()
    card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.ENERGISED)
    bench.unplug()
    await_position(bench.line, Relay.RELEASED)
    with pytest.raises(CardAbsent, match="RELAYDEVICE"):
        card.move(Relay.RELEASED)
    assert isinstance(card.position(), Unknown)


def test_unplugged_under_a_command(bench: HidBench) -> None:
    bench.board.faults.add(Fault.DIES)
    with pytest.raises(CardAbsent, match="went away during energise"):
        bench.open().move(Relay.ENERGISED)
    assert bench.line() is Relay.RELEASED


def test_plugged_in_again_under_another_name(bench: HidBench) -> None:
    card = bench.open()
    card.move(Relay.ENERGISED)
    bench.unplug()
    bench.plug("hidraw5")
    card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.ENERGISED)


def test_another_board_with_the_same_identity_is_not_commanded(bench: HidBench) -> None:
    """Equal boards are told apart by their port alone, whatever their nodes are called."""
    card = bench.open(relay_device="")
    card.move(Relay.RELEASED)
    bench.unplug()
    twin = HidTree(bench.root / "dev", bench.root / "sys", replace(HID_USB, port="1-3"))
    twin.add("hidraw0", str(bench.file.path), bench.board.name)
    heard = len(bench.board.heard)
    with pytest.raises(CardAbsent):
        card.move(Relay.ENERGISED)
    assert len(bench.board.heard) == heard
    bench.plug("hidraw1")
    card.move(Relay.ENERGISED)
    await_position(bench.line, Relay.ENERGISED)


def test_without_a_node_it_is_the_only_board(bench: HidBench) -> None:
    bench.plug("hidraw7")
    other = HidTree(bench.root / "dev", bench.root / "sys", replace(HID_USB, port="1-4"))
    other.add("hidraw0", "/dev/null", "Cherry USB keyboard")
    bench.open(relay_device="").move(Relay.ENERGISED)
    await_position(bench.line, Relay.ENERGISED)


def test_of_several_boards_none_is_chosen(bench: HidBench) -> None:
    HidTree(bench.root / "dev", bench.root / "sys", replace(HID_USB, port="1-4")).add(
        "hidraw1", "/dev/null", "www.dcttech.com USBRelay2"
    )
    with pytest.raises(
        CardAbsent, match="several boards, and RELAYDEVICE does not say which: hidraw0, hidraw1"
    ):
        bench.open(relay_device="").move(Relay.ENERGISED)
    assert bench.board.heard == []


@pytest.mark.parametrize("relay", [Relay.ENERGISED, Relay.RELEASED])
def test_a_node_that_became_another_device_is_sent_nothing(bench: HidBench, relay: Relay) -> None:
    """The kernel is asked at the open node: numbers may have changed since it was looked for."""
    card = bench.open()
    bench.find()
    type(bench.board).name = property(lambda self: "Cherry USB keyboard")  # type: ignore[assignment,method-assign]
    try:
        with pytest.raises(CardAbsent, match="no relay board, but 'Cherry USB keyboard'"):
            card.move(relay)
    finally:
        type(bench.board).name = _NAME  # type: ignore[method-assign]
    assert bench.board.heard == []


def test_a_callers_turn_is_waited_for_and_a_release_goes_ahead(bench: HidBench) -> None:
    card = bench.open(card_deadline=0.5)
    card.move(Relay.ENERGISED)
    with bench.lock.open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(HardwareError, match="in use"):
            card.move(Relay.ENERGISED)
        card.move(Relay.RELEASED)
    await_position(bench.line, Relay.RELEASED)


def test_a_plain_file_is_no_board(bench: HidBench, tmp_path: Path) -> None:
    (bench.root / "dev/hidraw0").unlink()
    (bench.root / "dev/hidraw0").write_text("")
    with pytest.raises(CardRefused, match="Inappropriate ioctl"):
        bench.open().move(Relay.RELEASED)


def test_it_is_found_and_remembered_by_its_port(bench: HidBench) -> None:
    found = bench.find()
    assert isinstance(found, Known) and found.value is not None
    assert str(found.value.usb) == "16c0:05df at port 1-2"


_NAME = hid_board.HidBoard.name


def _as_relay(position: Position) -> Relay:
    return Relay.ENERGISED if position is Position.NO else Relay.RELEASED
