"""A device's serial port: opened for one command, for this program alone, and its troubles named."""

from __future__ import annotations

import contextlib
import errno
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from appliance.host.clock import Clock
from appliance.hw.relay import CardAbsent, CardBusy, CardRefused, CardSilent

if TYPE_CHECKING:
    from serial import Serial

_POLL = 0.01
_CFLAG = 2  # place in the list of tcgetattr
_GONE = (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO)

Parity: TypeAlias = Literal["N", "E", "O"]
Flow: TypeAlias = Literal["none", "rtscts", "xonxoff"]


@dataclass(frozen=True, slots=True)
class LineSettings:
    """The settings of the tty: `baud` in bit/s, 5 to 8 data `bits`, 1 or 2 `stop` bits."""

    baud: int = 9600
    bits: int = 8
    parity: Parity = "N"
    stop: int = 1
    flow: Flow = "none"

    def __str__(self) -> str:
        flow = "" if self.flow == "none" else f" {self.flow}"
        return f"{self.baud} {self.bits}{self.parity}{self.stop}{flow}"


@contextlib.contextmanager
def opened_port(
    tty: Path,
    line: LineSettings,
    clock: Clock,
    until: float,
    *,
    force: bool,
    lines_stay_raised: bool = False,
) -> Iterator[Serial]:
    """Open the port for this program alone, waiting for another program until `until`; monotonic seconds.

    With `force` it is opened even if another program has it for itself. With `lines_stay_raised` DTR and RTS stay as
    they are when the port is closed: a board that resets on their edge then does so when it is plugged in, released,
    and not at the next command (docs/facts/relays.md). Raises CardBusy, OSError, termios.error.
    """
    port = _open(tty, line, clock, until, force)
    try:
        if lines_stay_raised:
            _keep_raised(port.fileno())
        yield port
    finally:
        # Discard unsent bytes: when a dead card did not take them, close() would wait for up to 30 s (tty
        # closing_wait). Bytes that were sent may still be on their way, and stay.
        with contextlib.suppress(OSError, termios.error):
            if port.out_waiting:
                port.reset_output_buffer()
        port.close()


def _open(tty: Path, line: LineSettings, clock: Clock, until: float, force: bool) -> Serial:
    while True:
        try:
            return _serial(tty, line, exclusive=not force)
        except OSError as problem:
            if problem.errno != errno.EWOULDBLOCK:
                raise
            if clock.now() >= until:
                raise CardBusy(f"Another program keeps {tty} for itself.", todo="End it.") from problem
        clock.sleep(_POLL)


def _keep_raised(handle: int) -> None:
    settings = termios.tcgetattr(handle)
    settings[_CFLAG] &= ~termios.HUPCL
    termios.tcsetattr(handle, termios.TCSANOW, settings)


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


@contextlib.contextmanager
def port_trouble_named(tty: Path, what: str) -> Iterator[None]:
    """Turn errors of the port into errors of the card; `what` is the command under way."""
    from serial import SerialTimeoutException  # noqa: PLC0415

    try:
        yield
    except SerialTimeoutException as problem:
        raise CardSilent(f"The card at {tty} did not take {what}.", todo="Reset it.") from problem
    except (OSError, termios.error) as problem:
        number = getattr(problem, "errno", None) or (problem.args[0] if problem.args else None)
        if number in _GONE or not tty.exists():
            raise CardAbsent(
                f"The card at {tty} went away during {what}.",
                todo="Check its cable; the line is then at the secondary.",
            ) from problem
        raise CardRefused(f"{tty} could not be used: {problem}.", todo="Check who may use it.") from problem
