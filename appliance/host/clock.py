"""The owner of time. Everything else takes `now` as an argument or asks a Clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from; tests hand in one of their own."""

    def now(self) -> float:
        """Seconds on the monotonic clock. Comparable between processes of one machine."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch, for people and journals; never for decisions."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block the calling thread. Never called on the agent's event loop."""
        ...


class SystemClock:
    """The real one."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
