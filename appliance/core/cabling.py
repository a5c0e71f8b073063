"""How the wires of a telephone line go over the signal relays whose coils a board's contact switches.

One contact feeds all coils (docs/hardware.md), so that all wires move by one command. The pins of PRI and BRI are
documented (docs/facts/relays.md), those of an analog line on such a socket assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from appliance.core.relay_facts import HowKnown

_POLES = 2
"""How many wires one DPDT relay switches."""

PINS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"pri": (1, 2, 4, 5), "bri": (3, 6, 4, 5), "analog": (4, 5)}
)
"""The pins of an RJ45 socket that carry the line, by its kind, pair by pair: a pair stays together in one relay."""

POWER = "Board and coils take their power from the primary."

_ROW = 24
_LEFT = 16
_RELAY = 196
_TO = 380


@dataclass(frozen=True, slots=True)
class LineWire:
    """One wire of the line, and the pole that switches it.

    `pin`: of all three RJ45 sockets: the line's at common, the primary's at normally open, the secondary's at normally
    closed. `relay`, `pole`: both count from 1.
    """

    pin: int
    relay: int
    pole: int

    @property
    def switch(self) -> str:
        """What switches the wire, for people."""
        return f"K{self.relay} pole {self.pole}"


@dataclass(frozen=True, slots=True)
class ContactWire:
    """One wire of the line, and the board's own contact that switches it, counted as the board's commands do."""

    pin: int
    contact: int

    @property
    def switch(self) -> str:
        """What switches the wire, for people."""
        return f"contact {self.contact}"


class SwitchedWire(Protocol):
    """A wire of the line, whatever switches it."""

    @property
    def pin(self) -> int:
        """The pin of all three RJ45 sockets."""
        ...

    @property
    def switch(self) -> str:
        """What switches the wire, for people."""
        ...


def pins_known(line: str) -> HowKnown:
    """Return how well it is known which pins carry a kind of line, which is one of PINS."""
    return HowKnown.ASSUMED if line == "analog" else HowKnown.DOCUMENTED


def wires(line: str) -> tuple[LineWire, ...]:
    """Return the wires of a kind of line, which is one of PINS, pair by pair."""
    return tuple(LineWire(pin, at // _POLES + 1, at % _POLES + 1) for at, pin in enumerate(PINS[line]))


def wires_on_contacts(line: str, contacts: tuple[int, ...]) -> tuple[ContactWire, ...]:
    """Return the wires of a kind of line, each on a contact of its own; as many contacts as wires."""
    return tuple(ContactWire(pin, contact) for pin, contact in zip(PINS[line], contacts, strict=True))


def text(cabling: Sequence[SwitchedWire]) -> Iterator[str]:
    """Yield the lines of the cabling as a picture of letters."""
    for wire in cabling:
        common = f"line pin {wire.pin} --- common  {wire.switch}  "
        yield f"{common}NO (energised) --> primary pin {wire.pin}"
        yield f"{' ' * len(common)}NC (released)  --> secondary pin {wire.pin}"
    yield POWER


def svg(cabling: Sequence[SwitchedWire]) -> str:
    """Return the cabling as an SVG picture on a white ground, which can be read on a dark page too."""
    height = _ROW * (2 * len(cabling) + 3)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 {height}" font-family="sans-serif" font-size="14">',
        f'<rect width="560" height="{height}" fill="white"/>',
    ]
    for at, wire in enumerate(cabling):
        row = 2 * at + 1
        y = row * _ROW - 5
        parts += [
            _label(_LEFT, row, f"line pin {wire.pin}"),
            _label(_RELAY, row, wire.switch),
            _label(_TO, row, f"NO: primary pin {wire.pin}"),
            _label(_TO, row + 1, f"NC: secondary pin {wire.pin}"),
            f'<path d="M90 {y}H186M280 {y}H370" stroke="black"/>',
            f'<path d="M280 {y}L310 {y + _ROW}H370" stroke="black" fill="none" stroke-dasharray="4"/>',
        ]
    below = enumerate(
        ("Solid: energised. Dashed: released, as without power.", POWER), start=2 * len(cabling) + 1
    )
    parts += [_label(_LEFT, row, words) for row, words in below]
    return "\n".join([*parts, "</svg>", ""])


def _label(x: int, row: int, words: str) -> str:
    return f'<text x="{x}" y="{row * _ROW}">{words}</text>'
