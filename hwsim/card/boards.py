"""Relay boards on a serial port, simulated, each in its own language.

Written from docs/facts/relays.md, apart from the product's own table, so that one misreading is not made twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import xor
from types import MappingProxyType

from hwsim.card.board import Board
from hwsim.card.modbus import Holding, board_of, split_rtu
from hwsim.card.sysfs import Usb
from hwsim.simtime import Scheduler


@dataclass(frozen=True, slots=True)
class Speech:
    """A language: how bytes become frames (and what is left over), and what a board does at a frame."""

    split: Callable[[bytes], tuple[list[bytes], bytes]]
    obey: Callable[[SerialBoard, bytes], bytes]


class SerialBoard(Board):
    """A board of `relays` relays that speaks the language called `speech`."""

    def __init__(self, time: Scheduler, speech: str, relays: int = 8) -> None:
        super().__init__(time, relays)
        self._speech = SPEECHES[speech]
        self._rest = b""
        self.module = 8  # what a Devantech board says that it is: USB-RLY08
        self.holding = Holding(time)

    def _split(self, data: bytes) -> list[bytes]:
        frames, self._rest = self._speech.split(self._rest + data)
        return frames

    def power_off(self) -> None:
        self._rest = b""
        super().power_off()

    def _obey(self, line: bytes) -> None:
        if said := self._speech.obey(self, line):
            self._answer(said)


def _frames(length_of: Callable[[int], int]) -> Callable[[bytes], tuple[list[bytes], bytes]]:
    """Return a splitter of frames whose first byte tells their length; 0: such a byte begins none."""

    def split(data: bytes) -> tuple[list[bytes], bytes]:
        frames = []
        while data:
            length = length_of(data[0]) or 1
            if len(data) < length:
                break
            frames.append(data[:length])
            data = data[length:]
        return frames, data

    return split


def _lines(data: bytes) -> tuple[list[bytes], bytes]:
    *whole, rest = data.split(b"\r")
    return whole, rest


_A0 = _frames(lambda first: {0xA0: 4, 0xD0: 2}.get(first, 0))


def _sum_right(frame: bytes) -> bool:
    return len(frame) == 4 and frame[0] == 0xA0 and sum(frame[:3]) % 256 == frame[3]


def _plain_lcus(say: Callable[[SerialBoard], bytes]) -> Callable[[SerialBoard, bytes], bytes]:
    def obey(board: SerialBoard, frame: bytes) -> bytes:
        if _sum_right(frame) and frame[2] < 2:
            board.set(frame[1] - 1, on=frame[2] == 1)
        return say(board) if frame == b"\xff" else b""

    return obey


def _text(board: SerialBoard) -> bytes:
    return b"".join(
        b"CH%d:%s\r\n" % (place + 1, b"ON" if on else b"OFF") for place, on in enumerate(board.registers)
    )


def _samirob(board: SerialBoard, frame: bytes) -> bytes:
    if not _sum_right(frame) or frame[2] not in (2, 3, 5) or frame[1] > len(board.registers):
        return b""
    place = frame[1] - 1
    if frame[2] != 5:
        board.set(place, on=frame[2] == 3)
    head = bytes((0xA0, frame[1], board.registers[place]))
    return head + bytes((sum(head) % 256,))


def _one_relay(board: SerialBoard, frame: bytes) -> bytes:
    if frame in (b"\xd0\x00", b"\xd0\x01"):
        board.set(0, on=frame[1] == 1)
    return b""


def _kmtronic(board: SerialBoard, frame: bytes) -> bytes:
    _, relay, what = frame
    if relay == 9 and what == 0 and len(board.registers) > 2:
        return bytes(board.registers)
    if what == 3 and len(board.registers) <= 2:
        return bytes((0xFF, relay, board.registers[relay - 1]))
    if what < 2:
        board.set(relay - 1, on=what == 1)
    return b""


def _numato(board: SerialBoard, line: bytes) -> bytes:
    digits = max(2, len(board.registers) // 4)
    said = b""
    if match := re.fullmatch(rb"relay (on|off) (\d)", line):
        board.set(int(match[2]), on=match[1] == b"on")
    elif match := re.fullmatch(rb"relay writeall ([0-9a-fA-F]+)", line):
        if len(match[1]) == digits:
            board.set_all(int(match[1], 16))
    elif line == b"relay readall":
        said = b"%0*x\n\r" % (digits, board.mask)
    return line + b"\n\r" + said + b">"


def _conrad(board: SerialBoard, frame: bytes) -> bytes:
    if reduce(xor, frame[:3]) != frame[3]:
        return _xor(0xFF, frame[1], 0)
    code, address, data, _ = frame
    if code == 1:
        return _xor(0xFE, address, 0x0B) + _xor(1, address + 1, 0)
    if code == 3:
        board.set_all(data)
    elif code in (6, 7):
        board.set_all(board.mask | data if code == 6 else board.mask & ~data)
    return _xor(0xFF - code, address, board.mask)


def _devantech(board: SerialBoard, frame: bytes) -> bytes:
    code = frame[0]
    if code == 0x5A:
        return bytes((board.module, 1))
    if code == 0x5B:
        return bytes((board.mask,))
    if code == 0x5C:
        board.set_all(frame[1])
    elif 0x64 < code <= 0x6C or 0x6E < code <= 0x76:
        board.set((code - 0x65) % 10, on=code < 0x6E)
    return b""


def _xor(*head: int) -> bytes:
    return bytes((*head, reduce(xor, head)))


_EACH_3 = _frames(lambda first: 3 if first == 0xFF else 0)
_EACH_4 = _frames(lambda first: 4)

SPEECHES: Mapping[str, Speech] = MappingProxyType(
    {
        "lcus": Speech(_A0, _plain_lcus(lambda board: b"")),
        "lcus-text": Speech(_A0, _plain_lcus(_text)),
        "lcus-bytes": Speech(_A0, _plain_lcus(lambda board: bytes(board.registers))),
        "lcus-samirob": Speech(_A0, _samirob),
        "lcus-d0": Speech(_A0, _one_relay),
        "kmtronic-2": Speech(_EACH_3, _kmtronic),
        "kmtronic-8": Speech(_EACH_3, _kmtronic),
        "numato": Speech(_lines, _numato),
        "devantech": Speech(_frames(lambda first: 2 if first == 0x5C else 1), _devantech),
        "conrad": Speech(_EACH_4, _conrad),
        "modbus-waveshare": Speech(split_rtu, board_of(watchdog=False)),
        "modbus-wirenboard": Speech(split_rtu, board_of(watchdog=True)),
    }
)
"""What is simulated, by the names that the product's RELAYDRIVER has for them."""
FEWER: Mapping[str, int] = MappingProxyType({"lcus-d0": 1, "kmtronic-2": 2, "modbus-wirenboard": 6})
"""Relays of those that have not eight."""
ADAPTER = Usb("1a86", "7523", "", "1-2")
"""The USB adapter that the boards are simulated with, an LCUS board's: it has no serial number."""


def new_board(time: Scheduler, speech: str) -> SerialBoard:
    """Return a board that speaks `speech`, with as many relays as it usually has."""
    return SerialBoard(time, speech, FEWER.get(speech, 8))
