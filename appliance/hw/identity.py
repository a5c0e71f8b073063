"""Which device: its tty for now, and its USB identity for good."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class UsbIdentity:
    """What stays when the tty is numbered anew.

    `vendor` and `product` are four hex digits; `serial` is "" when the device has none; `port` is the
    kernel's name of the socket it is in, such as "1-1.4".
    """

    vendor: str
    product: str
    serial: str
    port: str

    def __str__(self) -> str:
        serial = f" serial {self.serial}" if self.serial else ""
        return f"{self.vendor}:{self.product}{serial} at port {self.port}"

    def same_kind(self, other: UsbIdentity) -> bool:
        """Same maker and product: perhaps a replacement."""
        return (self.vendor, self.product) == (other.vendor, other.product)

    def same_device(self, other: UsbIdentity) -> bool:
        """The very same device, going by its serial number; without one, going by its port."""
        if not self.same_kind(other) or self.serial != other.serial:
            return False
        return bool(self.serial) or self.port == other.port


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """Where the card is now. `usb` is None when the tty is no USB device, or sysfs does not say."""

    tty: Path
    usb: UsbIdentity | None
