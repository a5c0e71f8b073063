"""A reading of the world: known with its time, or unknown with its reason. Never a bare bool."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """A value that was really seen, at `at` seconds on the monotonic clock.

    `why` is for people: what is behind the value, where that is not plain. Two readings that differ in it are equal.
    """

    value: T
    at: float
    why: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Unknown:
    """No value: `reason` says what was tried and why it told nothing. Unknown is not dead."""

    reason: str
    at: float


Reading: TypeAlias = Known[T] | Unknown


def is_known(reading: Reading[T], value: T) -> bool:
    """True only when `reading` is known and equals `value`."""
    return isinstance(reading, Known) and reading.value == value


def value_or(reading: Reading[T], default: T) -> T:
    """The value when known, else `default`. For display; decisions should match on the type."""
    return reading.value if isinstance(reading, Known) else default


def fresh(reading: Reading[T], now: float, max_age: float) -> Reading[T]:
    """`reading`, or Unknown when it is older than `max_age` seconds at `now`."""
    if isinstance(reading, Known) and now - reading.at > max_age:
        return Unknown(f"last seen {now - reading.at:.1f} s ago, more than {max_age:g} s", now)
    return reading
