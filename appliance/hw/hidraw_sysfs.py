"""The relay boards among the hidraw nodes, as /sys/class/hidraw lists them: other devices are none of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from appliance.core.hid_names import relays_named
from appliance.hw.ttys_sysfs import usb_above
from appliance.hw.usb_identity import DeviceInfo

_LONGEST = 4096  # bytes of a uevent file; sysfs has no longer ones


class SysfsRelayBoards:
    """The boards that `sys_root`/sys/class/hidraw names `USBRelayN`; their device files are in `dev_root`."""

    def __init__(self, sys_root: Path, dev_root: Path) -> None:
        self._class = sys_root / "sys/class/hidraw"
        self._dev = dev_root

    def all(self) -> Iterator[DeviceInfo]:
        """Yield every such board. Raises OSError when sysfs cannot be read; without hidraw there is none."""
        if not self._class.is_dir():
            return
        for entry in self._class.iterdir():
            found = self.named(entry.name)
            if found is not None:
                yield found

    def named(self, name: str) -> DeviceInfo | None:
        """Return the board whose node is called `name`, or None when there is none. Raises OSError."""
        device = self._class / name / "device"
        usb = usb_above(device) if relays_named(_hid_name(device)) else None
        return DeviceInfo(self._dev / name, usb) if usb is not None else None


def _hid_name(device: Path) -> str:
    """Return HID_NAME of the device's uevent file, "" without one."""
    try:
        with (device / "uevent").open(errors="replace") as file:
            lines = file.read(_LONGEST).splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return next((value for key, _, value in (line.partition("=") for line in lines) if key == "HID_NAME"), "")
