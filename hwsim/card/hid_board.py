"""A dcttech board, simulated: a relay board that is told and asked by feature reports.

Written from docs/facts/relays.md, apart from the product's own driver, so that one misreading is not made twice.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable
from dataclasses import dataclass

from hwsim.card.board import Board
from hwsim.card.card import SLOW_DELAY, Fault
from hwsim.card.sysfs import Usb
from hwsim.simtime import Scheduler, Timer

DRIVER = "dcttech"
"""The product's RELAYDRIVER for it."""
HID_USB = Usb("16c0", "05df", "", "1-2")
"""Its USB identity: there is no serial number."""
USB_TIMEOUT = 5.0
"""Seconds that the kernel waits for a device which does not answer (USB_CTRL_GET_TIMEOUT in linux/usb.h)."""
SERIAL = b"HW348"

_GET_NAME, _SET_FEATURE, _GET_FEATURE = 0x04, 0x06, 0x07


@dataclass(frozen=True, slots=True)
class Ioctl:
    """One ioctl of hidraw: its number and size as linux/hidraw.h forms them, and what was handed in."""

    number: int
    size: int
    given: bytes

    @staticmethod
    def of(command: int, given: bytes) -> Ioctl | None:
        """Return it, or None when it is none of hidraw's."""
        if command >> 8 & 0xFF != ord("H"):
            return None
        return Ioctl(command & 0xFF, command >> 16 & 0x3FFF, given)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an ioctl returns: `result`, negative for an error number, and the bytes that are handed back."""

    result: int
    data: bytes = b""


Tell = Callable[[Answer], None]


class HidBoard(Board):
    """A board of `relays` relays with no USB serial number, and five characters that many boards share."""

    def __init__(self, time: Scheduler, relays: int = 4) -> None:
        super().__init__(time, relays)
        self.serial = SERIAL
        self.reports = frozenset({0, 1})  # the report numbers that it answers to
        self._waiting: dict[int, tuple[Timer, Tell]] = {}
        self._calls = 0

    @property
    def name(self) -> str:
        """What the kernel calls it: maker and product."""
        return f"www.dcttech.com USBRelay{len(self.registers)}"

    def ioctl(self, command: int, given: bytes, tell: Tell) -> None:
        """Take an ioctl on its hidraw node, and `tell` the answer, now or later. Without power: ENODEV."""
        call = Ioctl.of(command, given)
        if call is None or call.number not in (_GET_NAME, _SET_FEATURE, _GET_FEATURE):
            tell(Answer(-errno.ENOTTY))
        elif not self.powered:
            tell(Answer(-errno.ENODEV))
        elif call.number == _GET_NAME:  # the kernel knows it, and asks nobody
            text = (self.name.encode() + b"\0")[: call.size]
            tell(Answer(len(text), text))
        elif Fault.DIES in self.faults:
            self.power_off()
            tell(Answer(-errno.ENODEV))
        else:
            self._over_usb(call, tell)

    def power_off(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for timer, tell in waiting.values():
            timer.cancel()
            tell(Answer(-errno.ENODEV))
        super().power_off()

    def _over_usb(self, call: Ioctl, tell: Tell) -> None:
        if Fault.DEAF in self.faults:
            self._later(USB_TIMEOUT, lambda: Answer(-errno.ETIMEDOUT), tell)
        elif Fault.SILENT in self.faults:
            self._feature(call)
            self._later(USB_TIMEOUT, lambda: Answer(-errno.ETIMEDOUT), tell)
        elif Fault.SLOW in self.faults:
            self._later(SLOW_DELAY, lambda: self._feature(call), tell)
        else:
            tell(self._feature(call))

    def _later(self, delay: float, answer: Callable[[], Answer], tell: Tell) -> None:
        self._calls += 1
        number = self._calls

        def due() -> None:
            del self._waiting[number]
            tell(answer())

        self._waiting[number] = (self._time.call_later(delay, due), tell)

    def _feature(self, call: Ioctl) -> Answer:
        self.heard.append(call.given)
        if call.number == _GET_FEATURE:
            return self._report(call.given[0], call.size)
        if len(call.given) == 9:
            self._take_report(call.given)
        return Answer(call.size)

    def _take_report(self, report: bytes) -> None:
        _, what, relay = struct.unpack("BBB6x", report)
        if what in (0xFE, 0xFC):
            self.set_all((1 << len(self.registers)) - 1 if what == 0xFE else 0)
        elif what in (0xFF, 0xFD):
            self.set(relay - 1, on=what == 0xFF)

    def _report(self, number: int, size: int) -> Answer:
        """Return report `number`: by itself, but behind its number where that is 0."""
        if number not in self.reports:
            return Answer(-errno.EPIPE)
        body = struct.pack("5s2xB", self.serial, self.mask)
        if Fault.GARBAGE in self.faults:
            body = b"\xfe~\xa5"
        elif Fault.HALF_REPLY in self.faults:
            body = body[:4]
        answer = (b"\0" + body if number == 0 else body)[:size]
        return Answer(len(answer), answer)
