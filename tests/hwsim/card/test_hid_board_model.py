"""The simulated HID board, without a kernel: what its ioctls return, and when."""

from __future__ import annotations

import errno

import pytest

from hwsim.card.board import BoardFault
from hwsim.card.card import ARMATURE_DELAY, SLOW_DELAY, Fault, Position
from hwsim.card.hid_board import USB_TIMEOUT, Answer, HidBoard
from hwsim.simtime import VirtualTime

# As linux/hidraw.h forms them, and docs/facts/relays.md has them.
SET_FEATURE, GET_FEATURE, GET_NAME = 0xC0094806, 0xC0094807, 0x81004804


class Sim:
    def __init__(self) -> None:
        self.time = VirtualTime()
        self.board = HidBoard(self.time)
        self.board.power_on()
        self.answers: list[Answer] = []

    def call(self, command: int, given: bytes = b"") -> None:
        self.board.ioctl(command, given, self.answers.append)

    def told(self, what: int, relay: int) -> None:
        self.call(SET_FEATURE, bytes((0, what, relay, *bytes(6))))

    def asked(self, report: int) -> Answer:
        self.call(GET_FEATURE, bytes((report, *bytes(8))))
        return self.answers[-1]


def test_both_forms_of_the_report() -> None:
    sim = Sim()
    sim.told(0xFF, 2)
    assert sim.asked(1) == Answer(8, b"HW348\0\0\x02")
    assert sim.asked(0) == Answer(9, b"\0HW348\0\0\x02")
    assert sim.asked(5) == Answer(-errno.EPIPE)


def test_one_and_all() -> None:
    sim = Sim()
    masks = []
    for what, relay in ((0xFF, 4), (0xFE, 0), (0xFD, 1), (0xFF, 5), (0xFC, 0)):
        sim.told(what, relay)
        masks.append(sim.board.mask)
    assert masks == [0b1000, 0b1111, 0b1110, 0b1110, 0]
    assert sim.board.position(0) is Position.NC


def test_its_name_is_the_kernels_and_needs_no_answer_of_its_own() -> None:
    sim = Sim()
    sim.board.faults.add(Fault.DEAF)
    sim.call(GET_NAME)
    assert sim.answers == [Answer(26, b"www.dcttech.com USBRelay4\0")]


@pytest.mark.parametrize("command", [0x5401, 0xC0094809])
def test_other_ioctls_are_none_of_its(command: int) -> None:
    sim = Sim()
    sim.call(command, bytes(9))
    assert sim.answers == [Answer(-errno.ENOTTY)]


def test_slow() -> None:
    sim = Sim()
    sim.board.faults.add(Fault.SLOW)
    sim.told(0xFF, 1)
    sim.time.advance(SLOW_DELAY - 0.01)
    assert (sim.answers, sim.board.mask) == ([], 0)
    sim.time.advance(0.01)
    assert (sim.answers, sim.board.mask) == ([Answer(9)], 1)


@pytest.mark.parametrize(("fault", "acts"), [(Fault.DEAF, 0), (Fault.SILENT, 1)])
def test_an_answer_that_does_not_come_is_waited_for_as_long_as_the_kernel_does(
    fault: Fault, acts: int
) -> None:
    sim = Sim()
    sim.board.faults.add(fault)
    sim.told(0xFF, 1)
    assert (sim.answers, sim.board.mask) == ([], acts)
    sim.time.advance(USB_TIMEOUT)
    assert sim.answers == [Answer(-errno.ETIMEDOUT)]


def test_pulled_out_while_somebody_waits() -> None:
    sim = Sim()
    sim.board.faults.add(Fault.DEAF)
    sim.told(0xFF, 1)
    sim.board.power_off()
    sim.time.advance(USB_TIMEOUT)
    assert sim.answers == [Answer(-errno.ENODEV)]
    assert sim.asked(1) == Answer(-errno.ENODEV)


def test_its_register_is_no_contact() -> None:
    sim = Sim()
    sim.board.board_faults.add(BoardFault.NO_COIL_POWER)
    sim.told(0xFF, 1)
    sim.time.advance(ARMATURE_DELAY)
    assert (sim.board.mask, sim.board.position(0)) == (1, Position.NC)
