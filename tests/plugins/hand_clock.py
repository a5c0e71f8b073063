"""A clock that only the test moves."""

from __future__ import annotations


class HandClock:
    """`time` is what it shows, in seconds; nothing passes by itself, and who would sleep on it fails."""

    def __init__(self, time: float = 1000.0) -> None:
        self.time = time

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time + 1_700_000_000

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here may sleep")
