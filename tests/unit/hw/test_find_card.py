from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.config import Conf
from appliance.core.reading import Known, Reading, Unknown
from appliance.hw.discovery import DeviceInfo, UsbIdentity, find_card
from appliance.hw.ttys_sysfs import SysfsTtys
from appliance.hw.usb_identity import forget, remembered
from hwsim.card.sysfs import DeviceTree, Usb

NOW = 5.0
CARD = Usb(port="1-1")
ABSENT = Known(None, NOW)


class Machine:
    """A /dev and a /sys of our own; /dev/null stands for every tty."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = root / "lib/card.json"
        self.conf = Conf(card_tty=root / "dev/ttyUSB0")
        (root / "sys/class/tty").mkdir(parents=True)

    def plug(self, name: str, usb: Usb = CARD) -> None:
        DeviceTree(self.root / "dev", self.root / "sys", usb).add(name, "/dev/null")

    def unplug(self, name: str, usb: Usb = CARD) -> None:
        DeviceTree(self.root / "dev", self.root / "sys", usb).remove(name)

    def find(self) -> Reading[DeviceInfo | None]:
        return find_card(self.conf, NOW, sys_root=self.root, store=self.store)

    def at(self, name: str, usb: Usb = CARD) -> Reading[DeviceInfo | None]:
        identity = UsbIdentity(usb.vendor, usb.product, usb.serial, usb.port)
        return Known(DeviceInfo(self.root / "dev" / name, identity), NOW)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_nothing_there(machine: Machine) -> None:
    assert machine.find() == ABSENT
    assert not machine.store.exists()


def test_first_sight_is_remembered(machine: Machine) -> None:
    machine.plug("ttyUSB0")
    assert machine.find() == machine.at("ttyUSB0")
    assert remembered(machine.store, machine.conf.card_tty) == UsbIdentity("0403", "6001", "RHSPF001", "1-1")


def test_renumbered(machine: Machine) -> None:
    machine.plug("ttyUSB0")
    machine.find()
    machine.unplug("ttyUSB0")
    assert machine.find() == ABSENT
    machine.plug("ttyUSB3")
    assert machine.find() == machine.at("ttyUSB3")


def test_moved_to_another_port_and_name(machine: Machine) -> None:
    machine.plug("ttyUSB0")
    machine.find()
    machine.unplug("ttyUSB0")
    moved = Usb(port="2-4")
    machine.plug("ttyUSB1", moved)
    assert machine.find() == machine.at("ttyUSB1", moved)


@pytest.mark.parametrize(
    "other", [Usb("067b", "2303", "", "1-1"), Usb(serial="UPS", port="1-2")], ids=["other make", "other port"]
)
def test_another_device_that_took_the_name_is_not_the_card(machine: Machine, other: Usb) -> None:
    machine.plug("ttyUSB0")
    machine.find()
    machine.unplug("ttyUSB0")
    machine.plug("ttyUSB0", other)
    assert machine.find() == ABSENT
    machine.plug("ttyUSB1", Usb(port="1-9"))
    assert machine.find() == machine.at("ttyUSB1", Usb(port="1-9"))
    forget(machine.store)
    assert machine.find() == machine.at("ttyUSB0", other)


def test_a_replacement_in_the_same_port_is_the_card(machine: Machine) -> None:
    machine.plug("ttyUSB0")
    machine.find()
    machine.unplug("ttyUSB0")
    spare = Usb(serial="SPARE")
    machine.plug("ttyUSB0", spare)
    assert machine.find() == machine.at("ttyUSB0", spare)


def test_without_a_serial_number_the_port_tells(machine: Machine) -> None:
    nameless, twin = Usb(serial="", port="1-1"), Usb(serial="", port="1-2")
    machine.plug("ttyUSB0", nameless)
    machine.find()
    machine.unplug("ttyUSB0", nameless)
    machine.plug("ttyUSB0", twin)
    machine.plug("ttyUSB1", nameless)
    assert machine.find() == machine.at("ttyUSB1", nameless)


def test_clones_cannot_be_told_apart_in_new_ports(machine: Machine) -> None:
    machine.plug("ttyUSB0")
    machine.find()
    machine.unplug("ttyUSB0")
    machine.plug("ttyUSB1", Usb(port="1-2"))
    machine.plug("ttyUSB2", Usb(port="1-3"))
    found = machine.find()
    assert isinstance(found, Unknown)
    assert "ttyUSB1" in found.reason and "ttyUSB2" in found.reason


def test_a_plain_serial_port_has_no_identity(machine: Machine) -> None:
    (machine.root / "dev").mkdir()
    machine.conf.card_tty.symlink_to("/dev/null")
    assert machine.find() == Known(DeviceInfo(machine.conf.card_tty, None), NOW)
    assert not machine.store.exists()


def test_a_file_left_by_a_redirection_is_no_tty(machine: Machine) -> None:
    (machine.root / "dev").mkdir()
    machine.conf.card_tty.write_text("RELAYON 0\n")
    assert machine.find() == ABSENT


def test_sysfs_that_cannot_be_read_is_unknown(machine: Machine) -> None:
    machine.plug("ttyUSB0")
    machine.find()
    machine.unplug("ttyUSB0")
    (machine.root / "sys/class/tty").rename(machine.root / "sys/class/gone")
    assert isinstance(machine.find(), Unknown)


def test_a_spoilt_store_is_written_anew(machine: Machine) -> None:
    machine.plug("ttyUSB0")
    machine.store.parent.mkdir()
    for spoilt in ("", "[]", "{}", '{"configured": 1}', "\0" * 40):
        machine.store.write_text(spoilt)
        assert machine.find() == machine.at("ttyUSB0")
        assert json.loads(machine.store.read_text())["usb"]["port"] == "1-1"


def test_a_store_that_cannot_be_written_stops_nobody(machine: Machine) -> None:
    machine.plug("ttyUSB0")
    machine.store.parent.write_text("a file in the way")
    assert machine.find() == machine.at("ttyUSB0")


def test_the_memory_is_of_one_configured_tty(machine: Machine) -> None:
    machine.plug("ttyUSB0")
    machine.find()
    machine.conf = Conf(card_tty=machine.root / "dev/ttyUSB1")
    assert machine.find() == ABSENT


def test_the_list_holds_every_usb_tty(machine: Machine) -> None:
    other = Usb("067b", "2303", "", "1-2")
    machine.plug("ttyUSB0")
    machine.plug("ttyUSB1", other)
    (machine.root / "sys/class/tty/tty1").mkdir()
    listed = SysfsTtys(machine.root, machine.root / "dev").all()
    assert {str(info.usb) for info in listed} == {
        "0403:6001 serial RHSPF001 at port 1-1",
        "067b:2303 at port 1-2",
    }
