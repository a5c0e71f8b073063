"""Time for the models: virtual for pure tests, the asyncio loop's own for the rack."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that was scheduled."""

    def cancel(self) -> None:
        """Cancel the call; harmless when it already ran."""
        ...


class Scheduler(Protocol):
    """The clock and the timers that a model needs."""

    def now(self) -> float:
        """Return the time in seconds."""
        ...

    def call_later(self, delay: float, action: Callable[[], None]) -> Timer:
        """Call `action` once, `delay` seconds from now."""
        ...


class _VirtualTimer:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class VirtualTime:
    """Time that moves only when told: a day of telephone line in a millisecond."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._due: list[tuple[float, int, _VirtualTimer]] = []

    def now(self) -> float:
        return self._now

    def call_later(self, delay: float, action: Callable[[], None]) -> Timer:
        timer = _VirtualTimer(action)
        heapq.heappush(self._due, (self._now + max(0.0, delay), next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`, running what falls due, in order."""
        end = self._now + seconds
        while self._due and self._due[0][0] <= end:
            self._now, _, timer = heapq.heappop(self._due)
            if timer.action is not None:
                timer.action()
        self._now = end


class LoopTime:
    """The running asyncio loop's clock, which is the system's monotonic clock."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def now(self) -> float:
        return self._loop.time()

    def call_later(self, delay: float, action: Callable[[], None]) -> Timer:
        return self._loop.call_later(delay, action)
