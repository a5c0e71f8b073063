"""The only source of time; all other code takes `now` as an argument or asks a Clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of time; tests pass their own."""

    def now(self) -> float:
        """Return seconds on the monotonic clock, comparable between the processes of one machine."""
        ...

    def wall(self) -> float:
        """Return seconds since the epoch, for people and journals, never for decisions."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for `seconds`. Never called on the agent's event loop."""
        ...


def since_boot() -> float:
    """Return seconds since boot, with those in which the machine was suspended and the monotonic clock stood still."""
    try:
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    except OSError:  # a kernel before 2.6.39
        return time.monotonic()


class SystemClock:
    """The clock of the operating system."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
