"""How the wires of a telephone line go over the signal relays whose coils a board's contact switches.

One contact feeds all coils (docs/hardware.md), so that all wires move by one command. The pins of each kind of line are
assumed: they are what is usual for an RJ45 socket, and a line's own papers come first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_POLES = 2
"""How many wires one DPDT relay switches."""

PINS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"pri": (1, 2, 4, 5), "bri": (3, 4, 5, 6), "analog": (4, 5)}
)
"""The pins of an RJ45 socket that carry the line, by its kind; assumed."""

POWER = "Board and coils take their power from the primary."

_ROW = 36
_LEFT = 16
_COLUMNS = (_LEFT, 196, 316, 496)


@dataclass(frozen=True, slots=True)
class LineWire:
    """One wire of the line, and the pole that switches it.

    `pin`: of all three RJ45 sockets: the line's at common, the primary's at normally open, the secondary's at normally
    closed. `relay`, `pole`: both count from 1.
    """

    pin: int
    relay: int
    pole: int


def wires(line: str) -> tuple[LineWire, ...]:
    """Return the wires of a kind of line, which is one of PINS, in the order of their pins."""
    return tuple(LineWire(pin, at // _POLES + 1, at % _POLES + 1) for at, pin in enumerate(PINS[line]))


def text(cabling: tuple[LineWire, ...]) -> Iterator[str]:
    """Yield the lines of the cabling as a picture of letters."""
    for wire in cabling:
        common = f"line pin {wire.pin} --- common  K{wire.relay} pole {wire.pole}  "
        yield f"{common}NO (energised) --> primary pin {wire.pin}"
        yield f"{' ' * len(common)}NC (released)  --> secondary pin {wire.pin}"
    yield POWER


def svg(cabling: tuple[LineWire, ...]) -> str:
    """Return the cabling as an SVG picture on a white ground, which can be read on a dark page too."""
    height = _ROW * (len(cabling) + 2)
    heads = zip(_COLUMNS, ("line (common)", "signal relay", "primary (NO)", "secondary (NC)"), strict=True)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {height}" font-family="sans-serif" font-size="14">',
        f'<rect width="640" height="{height}" fill="white"/>',
        *(_label(x, 1, head) for x, head in heads),
    ]
    for row, wire in enumerate(cabling, start=2):
        names = (f"pin {wire.pin}", f"K{wire.relay} pole {wire.pole}", f"pin {wire.pin}", f"pin {wire.pin}")
        y = row * _ROW - 17
        parts.append(f'<path d="M70 {y}H186M280 {y}H306" stroke="black"/>')
        parts.append(f'<path d="M366 {y}H486" stroke="black" stroke-dasharray="4"/>')
        parts += [_label(x, row, name) for x, name in zip(_COLUMNS, names, strict=True)]
    return "\n".join([*parts, _label(_LEFT, len(cabling) + 2, POWER), "</svg>", ""])


def _label(x: int, row: int, words: str) -> str:
    return f'<text x="{x}" y="{row * _ROW - 12}">{words}</text>'
