"""Tell a relay board from other USB devices of human interface class (HID) by its name."""

from __future__ import annotations

import re

_BOARD = re.compile(r"(?:.* )?USBRelay([1-8])")


def relays_named(name: str) -> int:
    """Return how many relays a board called `name` has; 0 when it is no relay board's name.

    The kernel puts the maker's name before the product's: "www.dcttech.com USBRelay4" (docs/facts/relays.md). Maker and
    product numbers, 16c0:05df, are those of many devices of other kinds, so the name decides.
    """
    found = _BOARD.fullmatch(name.strip())
    return int(found[1]) if found else 0
