"""The simulated card's wire protocol of ASCII lines.

It is *assumed*, as the product's own guess is, and is parsed independently of the product.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class Verb(enum.Enum):
    """The commands that the card understands."""

    RESET = "RESET"
    RELAYON = "RELAYON"
    RELAYOFF = "RELAYOFF"


@dataclass(frozen=True, slots=True)
class Order:
    """One understood line; `relay` is None for RESET."""

    verb: Verb
    relay: int | None = None


OK = b"OK\r\n"
ERROR = b"ERR\r\n"

_LINE = re.compile(rb"\A(?:(RESET)|(RELAYON|RELAYOFF) ([0-9]{1,3}))\Z")
_LONGEST = 64


def understand(line: bytes) -> Order | None:
    """Return the order in a line without its end, or None when the line is no order."""
    match = _LINE.match(line.strip())
    if match is None:
        return None
    if match[1]:
        return Order(Verb.RESET)
    return Order(Verb(match[2].decode()), int(match[3]))


class Lines:
    """A splitter of bytes into lines; an endless line is cut off, as a small controller's buffer does."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines completed by `data`, without their ends; empty lines are left out."""
        *whole, rest = re.split(rb"[\r\n]", self._rest + data)
        self._rest = rest[-_LONGEST:]
        return [line for line in whole if line]

    def clear(self) -> None:
        """Forget half a line, as a loss of power does."""
        self._rest = b""
