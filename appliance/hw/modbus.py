"""Relay boards that speak Modbus, RTU at a serial port or over TCP: the makers as data, and one language for all.

The frames are those of docs/facts/relays.md, which says how well each is known. Nothing was tried on a real board.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appliance.hw.board import States
from appliance.hw.relay import CardGarbled, CardRefused
from appliance.hw.serial_languages import Language
from appliance.hw.wire import Wire, garbled

_READ_COILS, _READ_REGISTERS, _WRITE_COIL, _WRITE_REGISTER, _WRITE_COILS = 1, 3, 5, 6, 15
_REFUSED = 0x80  # added to the function in an answer that refuses
_ON, _OFF = 0xFF00, 0x0000
_CRC_START, _CRC_POLYNOMIAL = 0xFFFF, 0xA001
_LONGEST_PDU = 253


@dataclass(frozen=True, slots=True)
class Maker:
    """What differs between the makers.

    Attributes:
        unit: The board's address on its bus.
        coils: How many coils are asked for; 0: as many as are needed. Old firmware of Waveshare answers with all.
        port: The usual TCP port.
        mbap: Over TCP its frames have Modbus TCP's head; else they are those of the serial line.
        watchdog: The register with the seconds without any question after which the board releases its relays.
        power_on: The register that must be 0, or relays come back on after a loss of power.
    """

    unit: int = 1
    coils: int = 0
    port: int = 502
    mbap: bool = True
    watchdog: int | None = None
    power_on: int | None = None


MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        "modbus-waveshare": Maker(coils=8, port=4196, mbap=False),
        "modbus-wirenboard": Maker(watchdog=8, power_on=6),
    }
)
"""The makers by their RELAYDRIVER. The first contact is coil 0."""


def modbus_language(driver: str) -> Language:
    """Return the language of the boards of RELAYDRIVER `driver`."""
    maker = MAKERS[driver]

    def command(contact: int, on: bool) -> bytes:
        return _words(maker, _WRITE_COIL, contact - 1, _ON if on else _OFF)

    def acknowledged(wire: Wire, contact: int, on: bool) -> None:
        if _answer(wire, maker, _WRITE_COIL) != command(contact, on):
            raise CardGarbled("The board confirmed another command than was given.", todo="Check its bus.")

    return Language(
        command,
        acknowledged,
        functools.partial(_ask, maker=maker),
        functools.partial(_together, maker=maker),
        guard=None if maker.watchdog is None else functools.partial(_guard, maker=maker),
    )


class MbapWire(Wire):
    """A wire for Modbus TCP: the language's frames get its head instead of their checksum, and answers the reverse."""

    _number = 0
    _frame = b""

    def ask(self, question: bytes) -> None:
        self._number += 1
        self._frame = b""
        body = question[:-2]
        super().ask(self._number.to_bytes(2, "big") + b"\x00\x00" + len(body).to_bytes(2, "big") + body)

    def take(self, count: int) -> bytes:
        if not self._frame:
            head = super().take(6)
            length = int.from_bytes(head[4:], "big")
            if (
                head[:4] != self._number.to_bytes(2, "big") + b"\x00\x00"
                or not 2 <= length <= _LONGEST_PDU + 1
            ):
                raise garbled(head)
            body = super().take(length)
            self._frame = body + _crc(body)
        taken, self._frame = self._frame[:count], self._frame[count:]
        if len(taken) < count:
            raise garbled(taken)
        return taken


def _ask(wire: Wire, contacts: tuple[int, ...], *, maker: Maker) -> States:
    count = max(maker.coils, *contacts)
    wire.ask(_words(maker, _READ_COILS, 0, count))
    mask = int.from_bytes(_data(_answer(wire, maker, _READ_COILS), (count + 7) // 8), "little")
    return {place + 1: bool(mask >> place & 1) for place in range(count)}


def _together(wire: Wire, contacts: tuple[int, ...], on: bool, *, maker: Maker) -> None:
    """Switch all by one command; those that stand between them are told what they are already."""
    first, last = min(contacts), max(contacts)
    count = last - first + 1
    states = {} if count == len(contacts) else _ask(wire, contacts, maker=maker)
    wanted = {**states, **dict.fromkeys(contacts, on)}
    mask = sum(1 << place for place in range(count) if wanted[first + place])
    head = bytes((maker.unit, _WRITE_COILS)) + (first - 1).to_bytes(2, "big") + count.to_bytes(2, "big")
    data = mask.to_bytes((count + 7) // 8, "little")
    body = head + bytes((len(data),)) + data
    wire.ask(body + _crc(body))
    heard = _answer(wire, maker, _WRITE_COILS)
    if heard[:-2] != head:
        raise garbled(heard)


def _guard(wire: Wire, seconds: int, *, maker: Maker) -> None:
    """Set the watchdog's register, after a look at what the board does when its power comes back."""
    if maker.power_on is not None and seconds and _register(wire, maker, maker.power_on):
        raise CardRefused(
            f"The board's register {maker.power_on} is not 0: its relays would come back on after a loss of power.",
            todo="Set that register to 0 with the maker's program.",
        )
    if maker.watchdog is None or _register(wire, maker, maker.watchdog) == seconds:
        return
    wire.ask(_words(maker, _WRITE_REGISTER, maker.watchdog, seconds))
    _answer(wire, maker, _WRITE_REGISTER)
    if _register(wire, maker, maker.watchdog) != seconds:
        raise CardRefused(
            "The board did not take the seconds of its watchdog.", todo="Look at its registers."
        )


def _register(wire: Wire, maker: Maker, number: int) -> int:
    wire.ask(_words(maker, _READ_REGISTERS, number, 1))
    return int.from_bytes(_data(_answer(wire, maker, _READ_REGISTERS), 2), "big")


def _words(maker: Maker, function: int, one: int, two: int) -> bytes:
    body = bytes((maker.unit, function)) + one.to_bytes(2, "big") + two.to_bytes(2, "big")
    return body + _crc(body)


def _data(frame: bytes, least: int) -> bytes:
    if frame[2] < least:
        raise garbled(frame)
    return frame[3:-2]


def _answer(wire: Wire, maker: Maker, function: int) -> bytes:
    """Return the whole frame of the answer to `function`. Raises CardSilent, CardGarbled, and CardRefused."""
    head = wire.take(3)
    refuses = head[1] == function | _REFUSED
    if head[0] != maker.unit or not (head[1] == function or refuses):
        raise garbled(head)
    reads = function in (_READ_COILS, _READ_REGISTERS)
    frame = head + wire.take(2 if refuses else head[2] + 2 if reads else 5)
    if _crc(frame[:-2]) != frame[-2:]:
        raise garbled(frame)
    if refuses:
        raise CardRefused(
            f"The board refused the command (Modbus exception {frame[2]}).",
            todo="Check RELAYDRIVER and RELAYCONTACTS.",
        )
    return frame


def _crc(data: bytes) -> bytes:
    crc = _CRC_START
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_CRC_POLYNOMIAL if crc & 1 else 0)
    return crc.to_bytes(2, "little")
