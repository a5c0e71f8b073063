"""The simulated card's wire: ASCII lines. Assumed, as the product's own guess is; parsed independently."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class Verb(enum.Enum):
    """What the card understands."""

    RESET = "RESET"
    RELAYON = "RELAYON"
    RELAYOFF = "RELAYOFF"


@dataclass(frozen=True, slots=True)
class Order:
    """One understood line. `relay` is None for RESET."""

    verb: Verb
    relay: int | None = None


OK = b"OK\r\n"
ERROR = b"ERR\r\n"

_LINE = re.compile(rb"\A(?:(RESET)|(RELAYON|RELAYOFF) ([0-9]{1,3}))\Z")
_LONGEST = 64


def understand(line: bytes) -> Order | None:
    """The order in a line without its end, or None when it is none."""
    match = _LINE.match(line.strip())
    if match is None:
        return None
    if match[1]:
        return Order(Verb.RESET)
    return Order(Verb(match[2].decode()), int(match[3]))


class Lines:
    """Bytes in, whole lines out. A line without end is cut off, as a small controller's buffer does."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines completed by `data`, without their ends; empty ones are left out."""
        *whole, rest = re.split(rb"[\r\n]", self._rest + data)
        self._rest = rest[-_LONGEST:]
        return [line for line in whole if line]

    def clear(self) -> None:
        """Power is gone: so is half a line."""
        self._rest = b""
