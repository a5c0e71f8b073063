"""Where the relay of a conf file is looked for, and by what it is reached."""

from __future__ import annotations

import pytest

from appliance.config import Conf
from appliance.core.relay_facts import RELAYS, Attachment, attached_by

SERIAL, HID, NETWORK = Attachment.SERIAL, Attachment.HID, Attachment.NETWORK


@pytest.mark.parametrize(
    ("driver", "device", "attachment", "place", "key"),
    [
        ("", "", SERIAL, "/dev/ttyUSB0", "RHINOUSB"),
        ("", "10.0.0.9", SERIAL, "/dev/ttyUSB0", "RHINOUSB"),
        ("lcus", "", SERIAL, "/dev/ttyUSB0", "RHINOUSB"),
        ("lcus", "/dev/ttyUSB3", SERIAL, "/dev/ttyUSB3", "RELAYDEVICE"),
        ("modbus-waveshare", "/dev/ttyUSB3", SERIAL, "/dev/ttyUSB3", "RELAYDEVICE"),
        ("modbus-waveshare", "10.0.0.9:502", NETWORK, "10.0.0.9:502", "RELAYDEVICE"),
        ("dcttech", "", HID, "/dev/hidraw0", "RELAYDEVICE"),
        ("dcttech", "/dev/hidraw3", HID, "/dev/hidraw3", "RELAYDEVICE"),
        ("berofos", "10.0.0.9", NETWORK, "10.0.0.9", "RELAYDEVICE"),
    ],
)
def test_how_it_is_attached(driver: str, device: str, attachment: Attachment, place: str, key: str) -> None:
    conf = Conf(relay_driver=driver, relay_device=device)
    assert (conf.relay_attachment, str(conf.relay_tty), conf.relay_tty_key) == (attachment, place, key)
    assert conf.relay_on_network is (attachment is NETWORK)
    assert conf.relay_anywhere is (attachment is HID and not device)


def test_every_relay_can_be_attached() -> None:
    assert {name for attachment in Attachment for name in attached_by(attachment)} == RELAYS.keys()
    assert attached_by(HID) == ("dcttech",) and "berofos" not in attached_by(SERIAL)
