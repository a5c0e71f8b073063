"""What every way out has in common."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Protocol

from appliance.core.errors import HostError
from appliance.notify.notice import Notice


class Undelivered(HostError):
    """It did not go out. `refused`: the other side will have nothing of this alert; others may well go.

    `left`: it did go out, but to these recipients.
    """

    def __init__(self, message: str, *, refused: bool = False, left: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.refused = refused
        self.left = left


class Transport(Protocol):
    """One way out."""

    @property
    def name(self) -> str:
        """Its name, as the queue and people know it."""
        ...

    @property
    def deadline(self) -> float:
        """The longest a try may take, in seconds."""
        ...

    def send(self, notice: Notice) -> None:
        """Hand it over. Raises Undelivered."""
        ...


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """End whatever the body waits for after `seconds`, by Undelivered. Only in the main thread.

    The timeouts of sockets count from the last byte: a server that sends one now and then would never run into them.
    """

    def strike(number: int, frame: FrameType | None) -> None:
        raise Undelivered(f"no end within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, strike)
    others = signal.setitimer(signal.ITIMER_REAL, seconds)  # somebody else's goes on afterwards
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *others)


def send(transport: Transport, notice: Notice) -> None:
    """One try, bounded. Raises Undelivered."""
    try:
        with deadline(transport.deadline):
            transport.send(notice)
    except ValueError as problem:  # what cannot even be written down must not stand in front of all others
        raise Undelivered(f"it cannot be made out of this alert: {problem}", refused=True) from problem


def host_and_port(text: str, port: int) -> tuple[str, int]:
    """`host` or `host:port`, as the conf file has it."""
    host, colon, number = text.partition(":")
    return host, int(number) if colon else port
