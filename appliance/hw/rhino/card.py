"""The Rhino SPF as a RelayCard, by whichever way its commands travel."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from appliance.config import Conf
from appliance.core.model import Relay
from appliance.core.reading import Reading, Unknown
from appliance.core.relay_facts import RHINO, Contacts, RelayFacts
from appliance.host.clock import Clock
from appliance.hw.card_lock import CardLock
from appliance.hw.deadline import within
from appliance.hw.relay import CardSilent

# The three commands of the card, by the names of the vendor's tool.


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


# Seconds between RESET and the next command, as asha 1.0.0-2 waits (documented); the reason is not
# documented.
RESET_SETTLE = 1.0
_OWN_SHARE = 0.9  # of the deadline; the rest is left for reporting what went wrong


class CardTransport(Protocol):
    """The way in which one command reaches the card."""

    def send(self, tty: Path, command: CardCommand, until: float, *, force: bool) -> None:
        """Send `command` to the card at `tty`, and finish by `until` seconds on the monotonic clock.

        With `force`, the tty is used even if another program has it open exclusively. Raises HardwareError.
        """
        ...


class RhinoCard:
    """A Rhino SPF for which nothing is held open between commands.

    A caller that hangs must not lock out the caller that releases the line. The vendor's tool opens the tty
    for each command too, so this is the documented way to treat the card.
    """

    def __init__(
        self, way: CardTransport, conf: Conf, clock: Clock, locate: Callable[[], Path], turn: CardLock
    ) -> None:
        self._way = way
        self._deadline = conf.card_deadline
        self._clock = clock
        self._locate = locate
        self._turn = turn
        self._settled_at = clock.now()

    @property
    def facts(self) -> RelayFacts:
        return RHINO

    def reset(self) -> None:
        self._command(CardCommand.RESET)
        self._settled_at = self._clock.now() + RESET_SETTLE

    def move(self, relay: Relay) -> None:
        self._command(CardCommand.to_move(relay))

    def position(self) -> Reading[Contacts]:
        return Unknown("no read-back of this card is documented", self._clock.now())

    def guard(self, seconds: int) -> None:
        pass

    def feed(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _command(self, command: CardCommand) -> None:
        until = self._clock.now() + self._deadline * _OWN_SHARE
        within(lambda: self._send(command, until), self._deadline, f"{command.value} to the relay card")

    def _send(self, command: CardCommand, until: float) -> None:
        force = command is CardCommand.RELAYOFF
        with self._turn.taken(until, force=force):
            self._let_settle(until)
            tty = self._locate()
            if self._clock.now() >= until:  # the caller has given up and does not expect the command any more
                raise CardSilent(f"{command.value} was not sent: no time was left for it.", todo="Try again.")
            self._way.send(tty, command, until, force=force)

    def _let_settle(self, until: float) -> None:
        """Wait until a second after the last reset, but no longer than half of the time left until `until`."""
        now = self._clock.now()
        pause = min(self._settled_at - now, (until - now) / 2)
        if pause > 0:
            self._clock.sleep(pause)
