"""The USB ttys as /sys/class/tty lists them, for hosts without udev and for trees other than the host's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from appliance.hw.usb_identity import DeviceInfo, UsbIdentity

_INTERFACE_LEVELS = 4  # tty port, interface, device; one level more for multi-function adapters


class SysfsTtys:
    """The ttys that `sys_root`/sys/class/tty lists; their device files are in `dev_root`."""

    def __init__(self, sys_root: Path, dev_root: Path) -> None:
        self._class = sys_root / "sys/class/tty"
        self._dev = dev_root

    def all(self) -> Iterator[DeviceInfo]:
        """Yield every tty on USB. Raises OSError when sysfs cannot be read."""
        for entry in self._class.iterdir():
            found = self.named(entry.name)
            if found is not None:
                yield found

    def named(self, name: str) -> DeviceInfo | None:
        """Return the tty called `name`, or None when there is none on USB. Raises OSError."""
        usb = usb_above(self._class / name / "device")
        return DeviceInfo(self._dev / name, usb) if usb is not None else None


def usb_above(device: Path) -> UsbIdentity | None:
    """Return the USB device that `device` belongs to: the nearest directory above with an idVendor."""
    try:
        place = device.resolve(strict=True)
        for directory in (place, *place.parents[:_INTERFACE_LEVELS]):
            if (directory / "idVendor").exists():
                return _identity(directory)
    # The device vanished during the search, so it is not there.
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None


def _identity(directory: Path) -> UsbIdentity:
    def attribute(name: str) -> str:
        return (directory / name).read_text(errors="replace").strip()

    serial = attribute("serial") if (directory / "serial").exists() else ""
    return UsbIdentity(attribute("idVendor"), attribute("idProduct"), serial, directory.name)
