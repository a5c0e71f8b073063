"""A pseudo-terminal between the vendor's tool and the card's tty that records the bytes that pass."""

from __future__ import annotations

import contextlib
import os
import select
import termios
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from appliance.host.clock import Clock
from appliance.hw.rhino.profile import Exchange
from appliance.hw.serial_port import Flow, LineSettings, Parity

# Conversion of a tty's settings between termios and a profile's [line].


_CFLAG, _OSPEED = 2, 5  # positions in the list of tcgetattr
_BITS = {termios.CS5: 5, termios.CS6: 6, termios.CS7: 7, termios.CS8: 8}
_BAUDS = {
    getattr(termios, f"B{baud}"): baud
    for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
}
# A pseudo-terminal forces eight bits and no parity (Linux, pty_set_termios), so it cannot show these flags.
_PTY_BLIND = termios.CSIZE | termios.PARENB | termios.PARODD


def line_settings(handle: int) -> LineSettings:
    """Return the current settings of the tty. Raises termios.error.

    A speed that is not in the usual table counts as 9600.
    """
    iflag, _, cflag, _, _, speed, _ = termios.tcgetattr(handle)
    return LineSettings(
        baud=_BAUDS.get(speed, 9600),
        bits=_BITS[cflag & termios.CSIZE],
        parity=_parity(cflag),
        stop=2 if cflag & termios.CSTOPB else 1,
        flow=_flow(iflag, cflag),
    )


def copy_settings(source: int, target: int) -> None:
    """Give the tty `target` the settings of `source`. Raises termios.error."""
    termios.tcsetattr(target, termios.TCSANOW, termios.tcgetattr(source))


def carry_settings(pty: int, real: int) -> None:
    """Give the tty `real` the settings that the tool made on `pty`, in raw mode; keep its bits and parity."""
    wanted = termios.tcgetattr(pty)
    now = termios.tcgetattr(real)
    cflag = (wanted[_CFLAG] & ~_PTY_BLIND) | (now[_CFLAG] & _PTY_BLIND) | termios.CLOCAL | termios.CREAD
    iflag = wanted[0] & (termios.IXON | termios.IXOFF)
    raw = [iflag, 0, cflag, 0, *wanted[4:6], now[6]]
    if raw[: _OSPEED + 1] != now[: _OSPEED + 1]:
        termios.tcsetattr(real, termios.TCSANOW, raw)


def _parity(cflag: int) -> Parity:
    if not cflag & termios.PARENB:
        return "N"
    return "O" if cflag & termios.PARODD else "E"


def _flow(iflag: int, cflag: int) -> Flow:
    if cflag & termios.CRTSCTS:
        return "rtscts"
    return "xonxoff" if iflag & (termios.IXON | termios.IXOFF) == termios.IXON | termios.IXOFF else "none"


_CHUNK = 4096
_MOST = 64 * 1024  # bytes between two calls of `take`; a command and its answer are a few dozen


@dataclass(frozen=True, slots=True)
class Passed:
    """Bytes that passed the recorder, at `at` seconds on the monotonic clock."""

    to_card: bool
    data: bytes
    at: float


class WireRecorder:
    """A recorder whose `path` the tool gets as its device; bytes pass both ways inside the context."""

    def __init__(self, real: int, clock: Clock) -> None:
        """Prepare to record on `real`, the open tty of the card, which the caller must close later."""
        self._real = real
        self._clock = clock
        self._master, self._slave = os.openpty()  # the slave stays open: no hang-up between two commands
        self.path = os.ttyname(self._slave)
        copy_settings(real, self._slave)
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._carry, name="card recorder", daemon=True)
        self._passed: list[Passed] = []
        self._bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._stop_write)
        self._thread.join()
        for handle in (self._stop_read, self._master, self._slave):
            os.close(handle)

    def take(self) -> tuple[Passed, ...]:
        """Return the bytes that passed since the last call."""
        passed, self._passed, self._bytes = self._passed, [], 0
        return tuple(passed)

    def line(self) -> LineSettings:
        """Return the tty settings that the tool chose; a pty does not show its bits and parity."""
        return line_settings(self._slave)

    def _carry(self) -> None:
        poll = select.poll()
        for handle in (self._master, self._real, self._stop_read):
            poll.register(handle, select.POLLIN)
        while True:
            ready = {handle for handle, _ in poll.poll()}
            if self._stop_read in ready:
                return
            try:
                if not all(self._pass_on(source) for source in ready):
                    return
            except (OSError, termios.error):  # the card went away: the tool reports that itself
                return

    def _pass_on(self, source: int) -> bool:
        """Pass on the bytes waiting at `source`; return False when `source` has hung up."""
        to_card = source == self._master
        with contextlib.suppress(BlockingIOError):
            data = os.read(source, _CHUNK)
            self._bytes += len(data)
            if not data or self._bytes > _MOST:
                return False  # Treated as a hang-up, because the card or the tool does not stop sending.
            if to_card:
                carry_settings(self._slave, self._real)
            self._passed.append(Passed(to_card, data, self._clock.now()))
            os.write(self._real if to_card else self._master, data)
        return True


def exchanges(passed: tuple[Passed, ...]) -> tuple[Exchange, ...]:
    """Return the recorded bytes as exchanges, without what the card sends before the first command."""
    steps: list[Exchange] = []
    for piece in passed:
        if piece.to_card and (not steps or steps[-1].reply):
            steps.append(Exchange(piece.data))
        elif piece.to_card:
            steps[-1] = Exchange(steps[-1].send + piece.data)
        elif steps:
            steps[-1] = Exchange(steps[-1].send, steps[-1].reply + piece.data)
    return tuple(steps)


def slowest_answer(passed: tuple[Passed, ...]) -> float:
    """Return the longest time in seconds from the last byte to the card until the last byte of its answer."""
    slowest, asked = 0.0, None
    for piece in passed:
        if piece.to_card:
            asked = piece.at
        elif asked is not None:
            slowest = max(slowest, piece.at - asked)
    return slowest
