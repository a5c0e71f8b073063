"""The entries of a USB device under /sys and /dev, made for a device that does not exist."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usb:
    """The descriptors of a USB device, and its port; which chip a real card has is unknown."""

    vendor: str = "0403"
    product: str = "6001"
    serial: str = "RHSPF001"
    port: str = "1-1"


class UsbTree:
    """One device of class `kind` that can be added to and removed from trees that may be shared with other things."""

    kind = ""

    def __init__(self, dev_dir: Path, sys_dir: Path, usb: Usb) -> None:
        self._dev = dev_dir
        self._class = sys_dir / "class" / self.kind
        self._usb = usb
        self._device = sys_dir / "devices/platform/hwsim/usb1" / usb.port

    @property
    def _interface(self) -> Path:
        return self._device / f"{self._usb.port}:1.0"

    def remove(self, name: str) -> None:
        """Remove what `add` made; harmless when the tree is gone already because its node is off."""
        for link in (self._dev / name, self._class / name):
            with contextlib.suppress(FileNotFoundError):
                link.unlink()
        shutil.rmtree(self._device, ignore_errors=True)

    def _show(self, name: str, node: Path, file: str) -> None:
        """Show the device as `name`: `node` is its directory, `file` the path of its device file."""
        node.mkdir(parents=True, exist_ok=True)
        for attribute, value in (
            ("idVendor", self._usb.vendor),
            ("idProduct", self._usb.product),
            ("serial", self._usb.serial),
        ):
            (self._device / attribute).write_text(value + "\n")
        (node / "uevent").write_text(f"DEVNAME={name}\n")
        self._link(node / "device", "../..")
        self._class.mkdir(parents=True, exist_ok=True)
        # Relative, so that the tree may be mounted elsewhere.
        self._link(self._class / name, str(Path("../..") / node.relative_to(self._class.parent.parent)))
        self._dev.mkdir(parents=True, exist_ok=True)
        self._link(self._dev / name, file)

    @staticmethod
    def _link(link: Path, target: str) -> None:
        link.unlink(missing_ok=True)
        link.symlink_to(target)


class DeviceTree(UsbTree):
    """A tty on USB.

    As with usb-serial: class/tty/NAME links to …/PORT/PORT:1.0/NAME/tty/NAME, whose `device` link leads to
    …/PORT:1.0/NAME; idVendor and the rest are two levels above that.
    """

    kind = "tty"

    def add(self, name: str, tty: str) -> None:
        """Show the device as `name`, with the path `tty` as its tty."""
        self._show(name, self._interface / name / "tty" / name, tty)


class HidTree(UsbTree):
    """A hidraw node.

    class/hidraw/NAME links to …/PORT/PORT:1.0/0003:16C0:05DF.0001/hidraw/NAME, whose `device` link leads to
    …/0003:16C0:05DF.0001; the uevent file there has the device's name.
    """

    kind = "hidraw"

    def add(self, name: str, file: str, hid_name: str) -> None:
        """Show the device as `name`, with the path `file` as its node, called `hid_name`."""
        vendor, product = self._usb.vendor.upper(), self._usb.product.upper()
        hid = self._interface / f"0003:{vendor}:{product}.0001"
        self._show(name, hid / "hidraw" / name, file)
        (hid / "uevent").write_text(
            f"DRIVER=hid-generic\nHID_ID=0003:0000{vendor}:0000{product}\nHID_NAME={hid_name}\n"
            f"HID_PHYS=usb-hwsim-{self._usb.port}/input0\nHID_UNIQ=\n"
        )
