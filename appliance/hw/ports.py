"""What is plugged in that may be a relay: serial ports on USB, HID relay boards, and the driver that fits each."""

from __future__ import annotations

from appliance.config import Conf
from appliance.core.answers import PortShown
from appliance.core.errors import HostError
from appliance.hw import discovery
from appliance.hw.adapters import drivers_that_fit
from appliance.hw.discovery import DeviceInfo


def relay_ports(conf: Conf) -> tuple[PortShown, ...]:
    """Return what may be a relay, in the order of its names. Sends nothing. Raises HostError."""
    found: list[DeviceInfo] = []
    for source in (discovery.usb_ttys(), discovery.hid_boards()):
        try:
            found += sorted(source.all(), key=lambda info: info.tty)
        except FileNotFoundError:
            continue
        except OSError as problem:
            raise HostError(f"The list of devices could not be read: {problem}.") from problem
    return tuple(
        PortShown(
            str(info.tty),
            str(info.usb or ""),
            tuple(drivers_that_fit(info.usb)) if info.usb else (),
            conf.relay_installed and _is_ours(info, found, conf),
        )
        for info in found
    )


def _is_ours(info: DeviceInfo, found: list[DeviceInfo], conf: Conf) -> bool:
    """Return True when the conf file means this device: by its name or, where it has none, as the only board."""
    if not conf.relay_anywhere:
        return info.tty == conf.relay_tty
    return [one.tty for one in found if one.tty.name.startswith("hidraw")] == [info.tty]
