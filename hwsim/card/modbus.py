"""The languages of Modbus boards, simulated. Written from docs/facts/relays.md, apart from the product's own table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hwsim.simtime import Scheduler, Timer

TABLE = []
for _value in range(256):
    for _ in range(8):
        _value = (_value >> 1) ^ 0xA001 if _value % 2 else _value >> 1
    TABLE.append(_value)


def checksum(data: bytes) -> bytes:
    """Return the two bytes that end a frame on the serial line."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return bytes((crc & 0xFF, crc >> 8))


def split_rtu(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole frames to unit 1 in `data`, and what is left over; noise before a frame is dropped."""
    frames: list[bytes] = []
    while len(data) >= 8:
        length = 9 + data[6] if data[1] == 15 else 8
        if data[0] == 1 and len(data) < length <= 32:
            break
        if data[0] == 1 and checksum(data[: length - 2]) == data[length - 2 : length]:
            frames.append(data[:length])
            data = data[length:]
        else:
            data = data[1:]
    return frames, data


class Holding:
    """The holding registers of a board, and the watchdog whose seconds without a question are in register 8."""

    def __init__(self, time: Scheduler) -> None:
        self.values = {6: 0, 8: 0}
        self._time = time
        self._timer: Timer | None = None

    def asked(self, expire: Callable[[], None]) -> None:
        """Begin the watchdog's time again; `expire` is called at its end."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.values[8]:
            self._timer = self._time.call_later(self.values[8], expire)


class Coils(Protocol):
    """What a language needs of its board."""

    registers: list[bool]
    holding: Holding

    def set(self, place: int, *, on: bool) -> bool:
        """Switch one relay; return False when there is none of that number."""
        ...

    def forget(self) -> None:
        """Switch everything off."""
        ...


def board_of(*, watchdog: bool) -> Callable[[Coils, bytes], bytes]:
    """Return what a board does at a frame, and answers. Holding registers has one with a watchdog only."""

    def obey(board: Coils, frame: bytes) -> bytes:
        body = _answered(board, frame[1], frame[2:-2], watchdog)
        if watchdog:
            board.holding.asked(board.forget)
        whole = frame[:1] + body
        return whole + checksum(whole)

    return obey


def _answered(board: Coils, function: int, data: bytes, watchdog: bool) -> bytes:
    first, second = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
    echo = bytes((function,)) + data[:4]
    if function == 1 and first + second <= len(board.registers):
        states = board.registers[first : first + second]
        mask = sum(1 << place for place, on in enumerate(states) if on)
        size = (second + 7) // 8
        return bytes((1, size)) + mask.to_bytes(size, "little")
    if function == 5 and second in (0, 0xFF00) and first < len(board.registers):
        board.set(first, on=second == 0xFF00)
        return echo
    if function == 15 and first + second <= len(board.registers):
        mask = int.from_bytes(data[5:], "little")
        for place in range(second):
            board.set(first + place, on=bool(mask >> place & 1))
        return echo
    if watchdog and first in board.holding.values and function in (3, 6):
        if function == 6:
            board.holding.values[first] = second
            return echo
        return b"\x03\x02" + board.holding.values[first].to_bytes(2, "big")
    return bytes((function + 0x80, 2))
