"""What is known of a kind of relay hardware, as far as decisions and checks need it.

A relay's own answer is a register, not the contact: nothing here ever counts as "confirmed by the line"
(docs/facts/relays.md).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

WATCHDOG_SLACK = 1.0
"""Seconds that a relay's own watchdog may be late, besides those for which it is set; assumed."""


class Contacts(enum.Enum):
    """The state of the set of contacts that carry one line."""

    ENERGISED = "energised"
    RELEASED = "released"
    SPLIT = "split"  # some are energised and some are not: no node has the whole line, and only a release mends it


class ReadBack(enum.Enum):
    """What a device can say of its relays' position."""

    NONE = "none"  # it answers nothing
    COMMANDED = "commanded"  # it repeats the command that it took
    REGISTER = "register"  # it says what it drives its coils with, which is still not where the contacts are


class HowKnown(enum.Enum):
    """How well something is known of a device (docs/facts/relays.md); nothing was seen on one."""

    DOCUMENTED = "documented"
    INFERRED = "inferred"
    ASSUMED = "assumed"


class Falls(enum.Enum):
    """Whether the relay gives the line to the secondary when the device loses its power."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Attachment(enum.Enum):
    """How a device is attached to its node, and so where it is looked for and by what it is reached."""

    SERIAL = "serial port"  # on USB or not
    HID = "hidraw"  # a USB device of human interface class, which needs no driver of its own
    NETWORK = "network"  # at an address that both nodes reach


@dataclass(frozen=True, slots=True)
class RelayFacts:
    """What is known of one kind of device.

    Attributes:
        title: Its name for people.
        read_back: What it can say of its position.
        falls: Whether it falls to the secondary without power.
        own_supply: Whether it has a power supply besides the node's, which a dead primary does not switch off.
        attachments: How it can be attached.
        watchdog: Whether it has a watchdog of its own, which releases the line when nobody feeds it any more.
        first: The number of its first contact, as its own commands count.
        last: The highest number that a contact can have.
    """

    title: str
    read_back: ReadBack = ReadBack.NONE
    falls: Falls = Falls.YES
    own_supply: bool = False
    attachments: frozenset[Attachment] = frozenset({Attachment.SERIAL})
    watchdog: bool = False
    first: int = 1
    last: int = 8

    def freed_after(self, watchdog: float) -> float:
        """Return the seconds after which a primary that hangs has lost the line; 0 when it keeps the line.

        Args:
            watchdog: The seconds after which the device's own watchdog releases the line, if it has one.
        """
        return watchdog if self.watchdog else 0.0


RHINO = RelayFacts("Rhino SPF", first=0, last=15)
"""The card that RHINOSPF=YES means; that it falls without power is inferred (docs/facts/rhino-spf.md)."""

_SERIAL_OR_NETWORK = frozenset({Attachment.SERIAL, Attachment.NETWORK})

RELAYS: Mapping[str, RelayFacts] = MappingProxyType(
    {
        "lcus": RelayFacts("LCUS board that answers nothing"),
        "lcus-text": RelayFacts("LCUS board that answers with lines of text", ReadBack.REGISTER),
        "lcus-bytes": RelayFacts("LCUS board that answers with a byte for each relay", ReadBack.REGISTER),
        "lcus-samirob": RelayFacts("LCUS board that answers with frames (SAMIROB)", ReadBack.REGISTER),
        "lcus-d0": RelayFacts("LCUS board of one relay that obeys D0 only", last=1),
        "kmtronic-2": RelayFacts("KMTronic board of 1 or 2 relays", ReadBack.REGISTER, last=2),
        "kmtronic-8": RelayFacts("KMTronic board of 4 or 8 relays", ReadBack.REGISTER),
        "numato": RelayFacts("Numato board", ReadBack.REGISTER, own_supply=True, first=0, last=9),
        "devantech": RelayFacts("Devantech USB-RLY board", ReadBack.REGISTER, own_supply=True),
        "conrad": RelayFacts("Conrad 197720", ReadBack.REGISTER, own_supply=True),
        "modbus-waveshare": RelayFacts(
            "Waveshare Modbus board", ReadBack.REGISTER, own_supply=True, attachments=_SERIAL_OR_NETWORK
        ),
        "modbus-wirenboard": RelayFacts(
            "Wiren Board relay module",
            ReadBack.REGISTER,
            own_supply=True,
            attachments=_SERIAL_OR_NETWORK,
            watchdog=True,
            last=6,
        ),
        "dcttech": RelayFacts(
            "dcttech USBRelay board",
            ReadBack.REGISTER,
            own_supply=True,
            attachments=frozenset({Attachment.HID}),
        ),
        "berofos": RelayFacts(
            "berofos",
            ReadBack.REGISTER,
            own_supply=True,
            attachments=frozenset({Attachment.NETWORK}),
            watchdog=True,
            last=1,
        ),
    }
)
"""Every relay but the Rhino card, by its RELAYDRIVER (docs/facts/relays.md).

That the boards fall without power is assumed. That a berofos falls without power of its own is documented; but a dead
primary does not take that power, so there only the device's watchdog gives the line to the secondary. One mode moves
all of its lines: they count as one contact.
"""


_LANGUAGE = MappingProxyType(
    {
        "tool": HowKnown.DOCUMENTED,
        "serial": HowKnown.ASSUMED,
        "kmtronic-2": HowKnown.INFERRED,
        "modbus-wirenboard": HowKnown.INFERRED,
    }
)
"""By driver, how well its commands and answers are known; the others' are documented (docs/hardware.md)."""


def evidence_of(driver: str) -> HowKnown:
    """Return how well it is known what a driver says to its device, and what the answers mean; the weakest counts.

    Args:
        driver: A value of RELAYDRIVER, or of RHINODRIVER where that drives the relay.
    """
    return _LANGUAGE.get(driver, HowKnown.DOCUMENTED)


def attached_by(attachment: Attachment) -> tuple[str, ...]:
    """Return the RELAYDRIVERs of what can be attached so."""
    return tuple(name for name, facts in RELAYS.items() if attachment in facts.attachments)
