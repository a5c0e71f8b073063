"""Readings of the world: a known value with its time, or unknown with a reason; never a bare bool."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """A value that was really seen, at `at` seconds on the monotonic clock.

    `why` explains to people where the value comes from, where that is not plain. Readings that differ only in
    `why` are equal.
    """

    value: T
    at: float
    why: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Unknown:
    """The absence of a value: `reason` says what was tried and why that told nothing.

    Unknown does not mean dead.
    """

    reason: str
    at: float


Reading: TypeAlias = Known[T] | Unknown


def is_known(reading: Reading[T], value: T) -> bool:
    """Return True only when `reading` is known and equals `value`."""
    return isinstance(reading, Known) and reading.value == value


def fresh(reading: Reading[T], now: float, max_age: float) -> Reading[T]:
    """Return `reading`, or Unknown when it is older than `max_age` seconds at `now` (monotonic)."""
    if isinstance(reading, Known) and now - reading.at > max_age:
        return Unknown(f"last seen {now - reading.at:.1f} s ago, more than {max_age:g} s", now)
    return reading
