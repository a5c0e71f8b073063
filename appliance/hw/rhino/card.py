"""The Rhino SPF as a RelayCard, whichever way its commands travel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from appliance.config import Conf
from appliance.core.model import Relay
from appliance.host.clock import Clock
from appliance.hw.deadline import within
from appliance.hw.relay import CardSilent
from appliance.hw.rhino.command import Command
from appliance.hw.turn import Turn

# The later asha waits this long between RESET and the next command (documented); why is not.
RESET_SETTLE = 1.0
_OWN_SHARE = 0.9  # of the deadline: what is left is for saying what went wrong


class Way(Protocol):
    """How one command reaches the card."""

    def send(self, tty: Path, command: Command, until: float, *, insist: bool) -> None:
        """Send `command` to the card at `tty`, done by `until` seconds on the clock.

        `insist`: use the tty even if another program has taken it for itself. Raises HardwareError.
        """
        ...


class RhinoCard:
    """Nothing is held open between commands: a caller that hangs must not lock out the one that releases.

    The vendor's tool opens the tty for each command too, so this is the documented way to treat the card.
    """

    def __init__(self, way: Way, conf: Conf, clock: Clock, locate: Callable[[], Path], turn: Turn) -> None:
        self._way = way
        self._deadline = conf.card_deadline
        self._clock = clock
        self._locate = locate
        self._turn = turn
        self._settled_at = clock.now()

    def reset(self) -> None:
        self._command(Command.RESET)
        self._settled_at = self._clock.now() + RESET_SETTLE

    def move(self, relay: Relay) -> None:
        self._command(Command.to_move(relay))

    def close(self) -> None:
        pass

    def _command(self, command: Command) -> None:
        until = self._clock.now() + self._deadline * _OWN_SHARE
        within(lambda: self._send(command, until), self._deadline, f"{command.value} to the relay card")

    def _send(self, command: Command, until: float) -> None:
        insist = command is Command.RELAYOFF
        with self._turn.taken(until, insist=insist):
            self._let_settle(until)
            tty = self._locate()
            if self._clock.now() >= until:  # the caller has given up: sending now would surprise it
                raise CardSilent(f"{command.value} was not sent: no time was left for it.", todo="Try again.")
            self._way.send(tty, command, until, insist=insist)

    def _let_settle(self, until: float) -> None:
        """Give a card that was just reset its second, or half of the time there is."""
        now = self._clock.now()
        pause = min(self._settled_at - now, (until - now) / 2)
        if pause > 0:
            self._clock.sleep(pause)
