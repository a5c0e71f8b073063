"""The relay wizard's decisions: which driver may be meant, what is still missing, and which keys follow."""

from __future__ import annotations

import pytest

from appliance.core.answers import PortShown
from appliance.core.errors import UserError
from appliance.core.relay_choice import (
    Build,
    Given,
    RelayChoice,
    check_contacts,
    conf_fields,
    device_key,
    device_lines,
    driver_line,
    drivers_for,
    missing,
    on_the_other,
    usual_contacts,
)

TTY = PortShown("/dev/ttyUSB0", "1a86:7523 at port 1-2", ("lcus", "lcus-text"), False)
UNKNOWN = PortShown("/dev/ttyUSB1", "067b:2303 at port 1-3", (), False)
HID = PortShown("/dev/hidraw0", "16c0:05df at port 1-4", ("dcttech",), False)


def test_the_drivers_are_those_that_fit_or_all_of_the_kind() -> None:
    ports = (TTY, UNKNOWN, HID)
    assert drivers_for("/dev/ttyUSB0", ports) == ("lcus", "lcus-text")
    assert {"conrad", "numato"} <= set(drivers_for("/dev/ttyUSB1", ports))
    assert "dcttech" not in drivers_for("/dev/ttyS0", ports)
    assert drivers_for("/dev/hidraw3", ports) == ("dcttech",)
    assert set(drivers_for("192.168.1.20", ports)) == {"berofos", "modbus-waveshare", "modbus-wirenboard"}


def test_every_driver_is_shown_with_its_mark() -> None:
    assert list(device_lines((TTY, UNKNOWN))) == [
        "1. /dev/ttyUSB0  1a86:7523 at port 1-2",
        "     lcus: LCUS board that answers nothing (documented)",
        "     lcus-text: LCUS board that answers with lines of text (documented)",
        "2. /dev/ttyUSB1  067b:2303 at port 1-3",
        "     no driver is known to fit",
    ]
    assert list(device_lines(())) == ["No serial port on USB, and no HID relay board."]
    assert driver_line("modbus-wirenboard").endswith("(inferred)")


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (Given(), ("--device", "--driver", "--line", "--build", "--yes")),
        (Given("/dev/hidraw0", line="pri", build=Build.COILS, yes=True), ()),
        (Given("/dev/ttyUSB0", line="pri", build=Build.COILS, yes=True), ("--driver",)),
        (Given("192.168.1.20", "berofos"), ("--yes",)),
        (Given("/dev/hidraw0", line="pri", build=Build.CONTACTS, yes=True), ("--contacts",)),
    ],
)
def test_what_nobody_can_be_asked_for_is_named(given: Given, names: tuple[str, ...]) -> None:
    assert missing(given, (TTY, HID)) == names


def test_numato_counts_from_0_and_each_wire_takes_a_contact_of_its_own() -> None:
    assert usual_contacts("numato", "pri", Build.COILS) == (0,)
    assert usual_contacts("numato", "analog", Build.CONTACTS) == (0, 1)
    assert usual_contacts("lcus", "bri", Build.CONTACTS) == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("build", "contacts"),
    [(Build.COILS, ()), (Build.COILS, (1, 2)), (Build.CONTACTS, (1, 2, 3)), (Build.CONTACTS, (1, 2, 3, 3))],
)
def test_contacts_that_cannot_carry_the_line_are_refused(build: Build, contacts: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"coils|4 wires"):
        check_contacts(RelayChoice("/dev/ttyUSB0", "lcus", "pri", build, contacts))
    check_contacts(RelayChoice("192.168.1.20", "berofos"))


def test_the_only_hid_board_needs_no_name() -> None:
    choice = RelayChoice(HID.tty, "dcttech", "pri", Build.COILS, (1,))
    assert device_key(choice, (TTY, HID)) == ""
    assert device_key(choice, (HID, PortShown("/dev/hidraw1", "", ("dcttech",), False))) == HID.tty


def test_the_fields_that_change() -> None:
    choice = RelayChoice(TTY.tty, "lcus", "pri", Build.CONTACTS, (1, 2, 3, 4))
    fields = {"relay_driver": "lcus", "relay_device": "/dev/ttyUSB0", "relay_contacts": (1, 2, 3, 4)}
    assert conf_fields(choice, TTY.tty, rhino=False) == fields
    assert conf_fields(choice, TTY.tty, rhino=True) == {**fields, "card_installed": False}


def test_what_the_other_node_needs_of_the_keys() -> None:
    values = {"RHINOSPF": "NO", "RELAYDRIVER": "lcus", "RELAYDEVICE": "/dev/ttyUSB0", "RELAYCONTACTS": "1"}
    assert on_the_other(values, network=False, password=False) == (
        "asha conf set RHINOSPF NO RELAYDRIVER lcus RELAYCONTACTS 1"
    )
    switch = {"RELAYDRIVER": "berofos", "RELAYDEVICE": "192.168.1.20", "RELAYCONTACTS": ""}
    assert on_the_other(switch, network=True, password=True) == (
        "asha conf set RELAYDRIVER berofos RELAYCONTACTS '' RELAYDEVICE 192.168.1.20 RELAYPASSWORD ..."
    )
