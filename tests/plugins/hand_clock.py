"""The clock of the tests: only the test moves it, or whoever sleeps on it."""

from __future__ import annotations


class HandClock:
    """`time` is what it shows, in monotonic seconds; `epoch` is what the wall clock showed when that was 0.

    Nothing passes by itself. Who sleeps on it fails, unless `sleeping`: then the time goes on by what was slept.
    """

    def __init__(
        self, time: float = 1000.0, epoch: float = 1_700_000_000.0, *, sleeping: bool = False
    ) -> None:
        self.time = time
        self.epoch = epoch
        self._sleeping = sleeping

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.epoch + self.time

    def sleep(self, seconds: float) -> None:
        assert self._sleeping, "nothing here may sleep"
        self.time += seconds
