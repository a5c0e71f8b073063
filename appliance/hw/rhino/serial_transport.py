"""The card's serial protocol, spoken directly through pyserial: no program is started for a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from appliance.config import Conf
from appliance.host.clock import Clock
from appliance.hw.relay import CardGarbled, CardSilent
from appliance.hw.rhino.card import CardCommand
from appliance.hw.rhino.profile import Exchange, load_profile
from appliance.hw.serial_port import opened_port, port_trouble_named

if TYPE_CHECKING:
    from serial import Serial

_LONGEST_ANSWER = 4096  # bytes; anything longer is not an answer of the card


class WireWay:
    """The way over the tty, opened exclusively for each command, with the bytes of a wire profile."""

    def __init__(self, conf: Conf, clock: Clock) -> None:
        """Load the wire profile that the conf file names. Raises ProfileWrong."""
        self._profile = load_profile(conf.card_profile)
        self._relay = conf.card_relay
        self._clock = clock

    def send(self, tty: Path, command: CardCommand, until: float, *, force: bool) -> None:
        exchanges = self._profile.exchanges(command, self._relay)
        port_opened = opened_port(tty, self._profile.line, self._clock, until, force=force)
        with port_trouble_named(tty, command.value), port_opened as port:
            for exchange in exchanges:
                self._exchange(port, exchange, until)

    def _exchange(self, port: Serial, exchange: Exchange, until: float) -> None:
        left = self._left(until)
        if not left:  # opening the tty took all the time, and the caller has given up
            raise CardSilent("The card's tty took too long to open; nothing was sent.", todo="Try again.")
        port.write_timeout = left
        port.write(exchange.send)
        if exchange.reply:
            self._await(port, exchange.reply, min(until, self._clock.now() + self._profile.answer_deadline))
        else:
            port.flush()

    def _await(self, port: Serial, reply: bytes, until: float) -> None:
        heard = b""
        while reply not in heard:
            port.timeout = self._left(until)
            data = port.read(min(max(1, port.in_waiting), _LONGEST_ANSWER))
            if not data or len(heard) > _LONGEST_ANSWER:
                raise _no_answer(reply, heard)
            heard += data

    def _left(self, until: float) -> float:
        return max(0.0, until - self._clock.now())


def _no_answer(reply: bytes, heard: bytes) -> CardSilent | CardGarbled:
    if not heard:
        return CardSilent("The card did not answer.", todo="Check its cable and power.")
    if reply.startswith(heard):
        return CardSilent(f"The card answered only {heard!r}, a part of {reply!r}.", todo="Reset it.")
    return CardGarbled(
        f"The card answered {heard[:60]!r} instead of {reply!r}.",
        todo="Reset it; if it goes on, learn its language: asha card learn FILE.",
    )
