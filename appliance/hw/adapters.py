"""Which RELAYDRIVER a device on a serial port may want, by its USB identity (docs/facts/relays.md)."""

from __future__ import annotations

from appliance.core.relay_facts import SERIAL_BOARDS
from appliance.hw.usb_identity import UsbIdentity

_NUMATO = "2a19"
_ADAPTERS = {("1a86", "7523"): "lcus", ("0403", "6001"): "kmtronic"}


def drivers_that_fit(usb: UsbIdentity) -> tuple[str, ...]:
    """Return the drivers for boards with this identity.

    Only Numato has an identity of its own. The others have adapters that are in many other devices, so that one fits
    does not mean that it is a relay board.
    """
    prefix = "numato" if usb.vendor == _NUMATO else _ADAPTERS.get((usb.vendor, usb.product))
    return tuple(name for name in SERIAL_BOARDS if prefix and name.startswith(prefix))
