"""The three commands of the card, by the names of the vendor's tool."""

from __future__ import annotations

import enum

from appliance.core.model import Relay


class CardCommand(enum.Enum):
    """A command to the card (documented: the vendor tool's command line)."""

    RESET = "RESET"
    RELAYON = "RELAYON"  # energise: the line to the primary
    RELAYOFF = "RELAYOFF"  # release: the line to the secondary

    @classmethod
    def to_move(cls, relay: Relay) -> CardCommand:
        """Return the command that puts the relay into the position `relay`."""
        return cls.RELAYON if relay is Relay.ENERGISED else cls.RELAYOFF

    @property
    def key(self) -> str:
        """The command's name in a wire profile."""
        return self.value.lower()
