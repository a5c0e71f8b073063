"""The USB ttys and their coming and going, as libudev reports them through pyudev."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.hw.usb_identity import DeviceInfo, UsbIdentity

if TYPE_CHECKING:
    import pyudev

_UDEVD = Path("/run/udev/control")


def udev_runs() -> bool:
    """Return True when libudev loads and udevd runs to supply it with events."""
    if not _UDEVD.exists():
        return False
    try:
        import pyudev  # noqa: PLC0415 - 6 MB that a host without udevd never needs

        pyudev.Context()
    except (ImportError, OSError):
        return False
    return True


class UdevTtys:
    """The same answers as SysfsTtys gives, from libudev's enumeration."""

    def __init__(self) -> None:
        import pyudev  # noqa: PLC0415

        self._context = pyudev.Context()

    def all(self) -> Iterator[DeviceInfo]:
        """Yield every tty on USB."""
        for device in self._context.list_devices(subsystem="tty"):
            found = _info(device)
            if found is not None:
                yield found

    def named(self, name: str) -> DeviceInfo | None:
        """Return the tty called `name`, or None when there is none on USB."""
        for device in self._context.list_devices(subsystem="tty", sys_name=name):
            return _info(device)
        return None


class UdevWatch:
    """A DeviceWatch on udev's own events, which come when the device node is ready."""

    def __init__(self) -> None:
        import pyudev  # noqa: PLC0415

        self._monitor = pyudev.Monitor.from_netlink(pyudev.Context())
        self._monitor.filter_by("tty")
        self._monitor.start()

    def fileno(self) -> int:
        return int(self._monitor.fileno())

    def drain(self) -> bool:
        heard = False
        while self._monitor.poll(timeout=0) is not None:
            heard = True
        return heard

    def close(self) -> None:
        del self._monitor  # libudev closes the socket with the last reference


def _info(device: pyudev.Device) -> DeviceInfo | None:
    usb = device.find_parent("usb", "usb_device")
    if usb is None or device.device_node is None:
        return None

    def attribute(name: str) -> str:
        value = usb.attributes.get(name, b"")
        return bytes(value).decode(errors="replace").strip()

    identity = UsbIdentity(attribute("idVendor"), attribute("idProduct"), attribute("serial"), usb.sys_name)
    return DeviceInfo(Path(device.device_node), identity)
