"""The relay card as its users see it, and the errors that a card can raise."""

from __future__ import annotations

from typing import Protocol

from appliance.core.errors import HardwareError
from appliance.core.model import Relay
from appliance.core.reading import Reading
from appliance.core.relay_facts import Contacts, RelayFacts


class RelayCard(Protocol):
    """A device whose contacts send the line to the primary (energised) or the secondary (released).

    No device reports where its contacts are, at most what it drives them with. So a call that returns means
    *commanded*, never *moved*: the line itself is the proof. Calls block for at most `conf.card_deadline`
    seconds, whatever the tty or a tool does, and may come from several threads and processes at once. They
    raise HardwareError. No call but `move` and `reset` moves a contact.
    """

    @property
    def facts(self) -> RelayFacts:
        """What is known of this kind of device."""
        ...

    def reset(self) -> None:
        """Put the device into its first state: by its own RESET, *assumed* to release, or by a release."""
        ...

    def move(self, relay: Relay) -> None:
        """Command every contact that carries the line; repeating a command is harmless.

        Raises ContactsSplit, which names the contacts done, when not all of them were.
        """
        ...

    def position(self) -> Reading[Contacts]:
        """Ask the device what it drives its contacts with: never proof of where the line is.

        Unknown when the device cannot say, does not answer, or is not there.
        """
        ...

    def guard(self, seconds: int) -> None:
        """Start the device's own watchdog, or stop it with 0; the next `move` to energise needs it to run.

        Unless it is fed, it releases the line after `seconds`. A release stops it, or leaves it to run out. Call it
        only under a grant. A device without one (`facts.watchdog`) does nothing.
        """
        ...

    def feed(self) -> None:
        """Have the device's own watchdog wait for its whole time again; see `guard`."""
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


class ContactsSplit(HardwareError):
    """Not all contacts of the line follow the command: the line is whole at neither node."""


class CardToolMissing(HardwareError):
    """The vendor's tool does not exist or cannot be started."""


class ProfileWrong(HardwareError):
    """A wire profile is missing, cannot be read, or is not for this relay."""
