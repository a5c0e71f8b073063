"""Which RELAYDRIVER a device on USB may want, by its USB identity (docs/facts/relays.md)."""

from __future__ import annotations

from appliance.core.relay_facts import RELAYS
from appliance.hw.usb_identity import UsbIdentity

_NUMATO = "2a19"
_ADAPTERS = {
    ("1a86", "7523"): "lcus",
    ("0403", "6001"): "kmtronic",
    ("16c0", "05df"): "dcttech",
    ("04d8", "ffee"): "devantech",
}


def drivers_that_fit(usb: UsbIdentity) -> tuple[str, ...]:
    """Return the drivers for boards with this identity.

    Numato and Devantech have identities of their own, and a hidraw node is listed by its name only. The others have
    adapters that are in many other devices, so that one fits does not mean that it is a relay board.
    """
    prefix = "numato" if usb.vendor == _NUMATO else _ADAPTERS.get((usb.vendor, usb.product))
    return tuple(name for name in RELAYS if prefix and name.startswith(prefix))
