"""Which names of HID devices are a relay board's, and how many relays such a board has."""

from __future__ import annotations

import pytest

from appliance.core.hid_names import relays_named


@pytest.mark.parametrize(
    ("name", "relays"),
    [
        ("www.dcttech.com USBRelay1", 1),
        ("www.dcttech.com USBRelay8", 8),
        ("USBRelay4", 4),
        (" USBRelay2\n", 2),
        ("", 0),
        ("Cherry USB keyboard", 0),
        ("www.dcttech.com USBRelay", 0),
        ("www.dcttech.com USBRelay0", 0),
        ("www.dcttech.com USBRelay16", 0),
        ("MyUSBRelay4", 0),
        ("www.dcttech.com USBRelay4 keyboard", 0),
    ],
)
def test_the_name_decides(name: str, relays: int) -> None:
    assert relays_named(name) == relays
