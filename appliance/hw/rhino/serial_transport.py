"""The card's serial protocol, spoken directly through pyserial: no program is started for a command."""

from __future__ import annotations

import contextlib
import errno
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.config import Conf
from appliance.host.clock import Clock
from appliance.hw.relay import CardAbsent, CardBusy, CardGarbled, CardRefused, CardSilent
from appliance.hw.rhino.card import CardCommand
from appliance.hw.rhino.profile import Exchange, LineSettings, load_profile

if TYPE_CHECKING:
    from serial import Serial

_POLL = 0.01
_LONGEST_ANSWER = 4096  # bytes; anything longer is not an answer of the card
_GONE = (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO)


class WireWay:
    """The way over the tty, opened exclusively for each command, with the bytes of a wire profile."""

    def __init__(self, conf: Conf, clock: Clock) -> None:
        """Load the wire profile that the conf file names. Raises ProfileWrong."""
        self._profile = load_profile(conf.card_profile)
        self._relay = conf.card_relay
        self._clock = clock

    def send(self, tty: Path, command: CardCommand, until: float, *, force: bool) -> None:
        exchanges = self._profile.exchanges(command, self._relay)
        with _sickness_named(tty, command), self._opened(tty, until, force) as port:
            for exchange in exchanges:
                self._exchange(port, exchange, until)

    @contextlib.contextmanager
    def _opened(self, tty: Path, until: float, force: bool) -> Iterator[Serial]:
        port = self._open(tty, until, force)
        try:
            yield port
        finally:
            # Discard unsent bytes: when a dead card did not take them, close() would wait for up to 30 s (tty
            # closing_wait).
            with contextlib.suppress(OSError, termios.error):
                port.reset_output_buffer()
            port.close()

    def _open(self, tty: Path, until: float, force: bool) -> Serial:
        while True:
            try:
                return _serial(tty, self._profile.line, exclusive=not force)
            except OSError as problem:
                if problem.errno != errno.EWOULDBLOCK:
                    raise
                if self._clock.now() >= until:
                    raise CardBusy(f"Another program keeps {tty} for itself.", todo="End it.") from problem
            self._clock.sleep(_POLL)

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


def _serial(tty: Path, line: LineSettings, *, exclusive: bool) -> Serial:
    from serial import Serial  # noqa: PLC0415 - the tool driver never needs it

    return Serial(
        str(tty),
        baudrate=line.baud,
        bytesize=line.bits,
        parity=line.parity,
        stopbits=line.stop,
        rtscts=line.flow == "rtscts",
        xonxoff=line.flow == "xonxoff",
        exclusive=exclusive or None,
    )


def _no_answer(reply: bytes, heard: bytes) -> CardSilent | CardGarbled:
    if not heard:
        return CardSilent("The card did not answer.", todo="Check its cable and power.")
    if reply.startswith(heard):
        return CardSilent(f"The card answered only {heard!r}, a part of {reply!r}.", todo="Reset it.")
    return CardGarbled(
        f"The card answered {heard[:60]!r} instead of {reply!r}.",
        todo="Reset it; if it goes on, learn its language: asha card learn FILE.",
    )


@contextlib.contextmanager
def _sickness_named(tty: Path, command: CardCommand) -> Iterator[None]:
    """Turn errors of the tty into errors of the card."""
    from serial import SerialTimeoutException  # noqa: PLC0415

    try:
        yield
    except SerialTimeoutException as problem:
        raise CardSilent(f"The card at {tty} did not take {command.value}.", todo="Reset it.") from problem
    except (OSError, termios.error) as problem:
        number = getattr(problem, "errno", None) or (problem.args[0] if problem.args else None)
        if number in _GONE or not tty.exists():
            raise CardAbsent(
                f"The card at {tty} went away during {command.value}.",
                todo="Check its cable; the line is then at the secondary.",
            ) from problem
        raise CardRefused(f"{tty} could not be used: {problem}.", todo="Check who may use it.") from problem
