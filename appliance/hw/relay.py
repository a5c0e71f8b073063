"""The relay card as its users see it, and the errors that a card can raise."""

from __future__ import annotations

from typing import Protocol

from appliance.core.errors import HardwareError
from appliance.core.model import Relay


class RelayCard(Protocol):
    """A card whose relay sends the line to the primary (energised) or the secondary (released).

    No known card reports the position of its relay, so a call that returns means *commanded*, never *moved*:
    the line itself is the proof. Calls block for at most `conf.card_deadline` seconds, whatever the tty or a
    tool does, and may come from several threads and processes at once. They raise HardwareError.
    """

    def reset(self) -> None:
        """Send the card's own RESET, which is *assumed* to release the relay; only `move` commands a release."""
        ...

    def move(self, relay: Relay) -> None:
        """Command the relay with the number `conf.card_relay`; repeating a command is harmless."""
        ...

    def close(self) -> None:
        """Give up what is held between calls; the card may be used again afterwards."""
        ...


class CardAbsent(HardwareError):
    """The card is not at its tty, or went away during a command."""


class CardBusy(HardwareError):
    """Another caller kept the card for the whole deadline."""


class CardSilent(HardwareError):
    """The card, its tty or the vendor's tool did not answer, or not fully, within the deadline."""


class CardGarbled(HardwareError):
    """The card gave an answer that the profile does not know."""


class CardRefused(HardwareError):
    """The vendor's tool, or the tty, reported failure."""


class CardToolMissing(HardwareError):
    """The vendor's tool does not exist or cannot be started."""


class ProfileWrong(HardwareError):
    """A wire profile is missing, cannot be read, or is not for this relay."""
