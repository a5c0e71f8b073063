"""The verb `relay list`: what is plugged in, with the driver that fits, for the page."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance.agent.components.relay_ports import RelayPorts
from appliance.config import Conf
from appliance.control.protocol import ControlRequest
from appliance.core.answers import PortsAnswer, PortShown
from appliance.core.errors import HostError
from appliance.hw import discovery
from appliance.hw.discovery import DeviceInfo
from appliance.hw.usb_identity import UsbIdentity

BOARD = DeviceInfo(Path("/dev/hidraw0"), UsbIdentity("16c0", "05df", "", "1-2"))


class Plugged:
    """Devices that are there, or cannot be listed."""

    def __init__(self, *found: DeviceInfo, problem: OSError | None = None) -> None:
        self.found, self.problem = found, problem

    def all(self) -> list[DeviceInfo]:
        if self.problem is not None:
            raise self.problem
        return list(self.found)


def asked(monkeypatch: pytest.MonkeyPatch, ttys: Plugged, hids: Plugged) -> PortsAnswer:
    monkeypatch.setattr(discovery, "usb_ttys", lambda: ttys)
    monkeypatch.setattr(discovery, "hid_boards", lambda: hids)
    component = RelayPorts(lambda: Conf(relay_driver="dcttech", relay_device="/dev/hidraw0"))
    answer: PortsAnswer = asyncio.run(component.verbs["relay list"](ControlRequest("relay list")))
    return answer


def test_what_is_plugged_in_is_listed_without_a_word_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tty = DeviceInfo(Path("/dev/ttyUSB3"), None)
    found = asked(monkeypatch, Plugged(tty), Plugged(BOARD)).ports
    assert [(port.tty, port.ours) for port in found] == [("/dev/ttyUSB3", False), ("/dev/hidraw0", True)]
    assert found[0] == PortShown("/dev/ttyUSB3", "", (), False)
    assert "dcttech" in found[1].fits


def test_a_kernel_without_such_devices_lists_none(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Plugged(problem=FileNotFoundError("/sys/class/tty"))
    assert asked(monkeypatch, gone, gone) == PortsAnswer(())
    with pytest.raises(HostError, match="could not be read"):
        asked(monkeypatch, Plugged(problem=PermissionError("no")), gone)
