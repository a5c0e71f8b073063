"""Common parts of all ways out."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Protocol

from appliance.core.errors import HostError
from appliance.notify.notice import Notice


class Undelivered(HostError):
    """Failure to deliver an alert.

    `refused`: the other side refuses this very alert, and may accept others. `left`: the alert was delivered,
    except to these recipients.
    """

    def __init__(self, message: str, *, refused: bool = False, left: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.refused = refused
        self.left = left


class Transport(Protocol):
    """Way by which alerts go out."""

    @property
    def name(self) -> str:
        """The name of the way, as the queue and people know it."""
        ...

    @property
    def deadline(self) -> float:
        """The longest time that one try may take, in seconds."""
        ...

    def send(self, notice: Notice) -> None:
        """Hand `notice` over. Raises Undelivered."""
        ...


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """End whatever the block waits for after `seconds`, by raising Undelivered. For the main thread only.

    The timeouts of sockets count from the last byte: a server that sends a byte now and then would never
    exceed them.
    """

    def strike(number: int, frame: FrameType | None) -> None:
        raise Undelivered(f"no end within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, strike)
    others = signal.setitimer(signal.ITIMER_REAL, seconds)  # a timer set before goes on afterwards
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *others)


def send(transport: Transport, notice: Notice) -> None:
    """Try once to send `notice`, within the deadline of `transport`. Raises Undelivered."""
    try:
        with deadline(transport.deadline):
            transport.send(notice)
    except ValueError as problem:  # an alert that cannot even be encoded must not block all others
        raise Undelivered(f"it cannot be made out of this alert: {problem}", refused=True) from problem


def host_and_port(text: str, port: int) -> tuple[str, int]:
    """Return host and port of `text`, `host` or `host:port` as in the conf file; `port` is the default."""
    host, colon, number = text.partition(":")
    return host, int(number) if colon else port
