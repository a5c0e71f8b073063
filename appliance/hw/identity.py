"""The identity of a device: its current tty, and its lasting USB identity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class UsbIdentity:
    """The properties of a USB device that stay when its tty gets another number.

    `vendor` and `product` are four hex digits; `serial` is "" when the device has none; `port` is the
    kernel's name of the USB socket, such as "1-1.4".
    """

    vendor: str
    product: str
    serial: str
    port: str

    def __str__(self) -> str:
        serial = f" serial {self.serial}" if self.serial else ""
        return f"{self.vendor}:{self.product}{serial} at port {self.port}"

    def same_kind(self, other: UsbIdentity) -> bool:
        """Return True when maker and product are the same: `other` may be a replacement."""
        return (self.vendor, self.product) == (other.vendor, other.product)

    def same_device(self, other: UsbIdentity) -> bool:
        """Return True for the very same device: by its serial number or, without one, by its port."""
        if not self.same_kind(other) or self.serial != other.serial:
            return False
        return bool(self.serial) or self.port == other.port


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """Where the card is now; `usb` is None when the tty is no USB device or sysfs does not tell."""

    tty: Path
    usb: UsbIdentity | None
