"""The events on the rack as an outside observer sees them: one list, one clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Happening:
    """One event that was seen at `at` (monotonic seconds).

    `kind`: relay (side it leads to now), alarm (detail: the alarm's new word), dchannel, in_service,
    out_of_service.
    """

    at: float
    kind: str
    side: str
    detail: str = ""


class History:
    """Every event in order, and a way to wait for more."""

    def __init__(self) -> None:
        self.happenings: list[Happening] = []
        self._new = asyncio.Event()

    def note(self, at: float, kind: str, side: str, detail: str = "") -> None:
        """Record an event."""
        self.happenings.append(Happening(at, kind, side, detail))
        self._new.set()

    def first(self, kind: str, side: str, after: float, detail: str | None = None) -> float | None:
        """Return when `kind` was first seen on `side` after `after`; None when not yet."""
        for happening in self._after(after):
            if happening.kind == kind and happening.side == side and detail in (None, happening.detail):
                return happening.at
        return None

    async def wait(self, condition: Callable[[], bool], deadline: float) -> bool:
        """Wait for `condition`, checked at every event and every 0.1 s; return False at the deadline."""
        end = asyncio.get_running_loop().time() + deadline
        while not condition():
            left = end - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            self._new.clear()
            try:
                async with asyncio.timeout(min(left, 0.1)):
                    await self._new.wait()
            except TimeoutError:
                pass
        return True

    def _after(self, after: float) -> list[Happening]:
        return [happening for happening in self.happenings if happening.at >= after]
