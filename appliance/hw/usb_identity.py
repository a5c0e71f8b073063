"""The identity of a device: its current tty or hidraw node, and its lasting USB identity."""

from __future__ import annotations

import dataclasses
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from appliance.core.document import parse_object
from appliance.host.paths import CARD
from appliance.host.statefile import StateFile


@dataclass(frozen=True, slots=True)
class UsbIdentity:
    """The properties of a USB device that stay when its device file gets another number.

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
    """Where the card is now; `usb` is None when the tty is no USB device or sysfs does not tell.

    `tty` is the hidraw node of a board without a serial port, and the address of a relay on the network.
    """

    tty: Path
    usb: UsbIdentity | None


# The card's USB identity, kept on disk so that the card is recognised under another tty number.


_log = logging.getLogger(__name__)


class Card(NamedTuple):
    """The card's USB identity, and the tty that the conf file gives for the card."""

    configured: str
    usb: UsbIdentity


def card_file(store: Path = CARD) -> StateFile[Card | None]:
    """Return the state file at `store` that holds the card's identity."""
    return StateFile(
        store,
        _parse,
        lambda: None,
        "what is at RHINOUSB or RELAYDEVICE is taken for the card, and remembered from now on",
    )


def remembered(store: Path, tty: Path) -> UsbIdentity | None:
    """Return the identity last seen at the configured `tty`; None when none is stored for this tty.

    A store that cannot be read or understood counts as empty: it is written again when the card is next seen.
    """
    card = card_file(store).load()
    return card.usb if card is not None and card.configured == str(tty) else None


def _parse(content: bytes) -> Card:
    document = parse_object(content)
    texts = [document["configured"], *(document["usb"][name] for name in UsbIdentity.__slots__)]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a value in it is no text")
    return Card(texts[0], UsbIdentity(*texts[1:]))


def remember(store: Path, tty: Path, usb: UsbIdentity) -> None:
    """Store `usb` as the device that belongs at the configured `tty`, completely or not at all.

    A disk that cannot be written must not keep anyone from using the card: the problem is logged, not raised.
    """
    document = {"configured": str(tty), "usb": dataclasses.asdict(usb)}
    try:
        card_file(store).write(json.dumps(document, indent=1) + "\n", 0o644)
    except OSError as problem:
        _log.warning("the card's identity could not be kept in %s: %s", store, problem)


def forget(store: Path) -> None:
    """Remove the stored identity, so that the next device at the configured tty counts as the card.

    Raises OSError.
    """
    card_file(store).remove()
