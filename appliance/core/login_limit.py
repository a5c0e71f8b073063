"""How often one may try to log in: by address and by user, in bounded memory. Times are monotonic seconds.

A try counts as failed from the moment it begins, so that many at once are not all free; `succeeded` takes it back.
One that was refused does not count, so that nobody is kept out for longer by asking again.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TypeVar

WINDOW = 600.0
# So many failures from one address within the window are free; from then on each is followed by a wait.
FREE_OF_ADDRESS = 5
FIRST_WAIT = 30.0
LONGEST_WAIT = 900.0
# So many on one user, from wherever, within the window; from then on one in a while.
FREE_OF_USER = 20
USER_WAIT = 30.0
# Addresses, users, and pairs of both that are remembered.
MOST = 1024

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class _Address:
    failures: list[float] = field(default_factory=list)
    waits: int = 0
    until: float = float("-inf")
    made_by: float = float("-inf")  # the failure that made it wait until then


class LoginLimit:
    """What is remembered of failures. For one thread at a time."""

    def __init__(self) -> None:
        self._addresses: dict[str, _Address] = {}
        self._users: dict[str, list[float]] = {}
        # Who has logged in from where: whoever guesses at a user elsewhere does not keep that user out at home.
        self._at_home: dict[tuple[str, str], None] = {}

    def attempt(self, address: str, user: str, now: float) -> float:
        """0.0: go on, and it counts; else the seconds until the next try may be made."""
        place = _place(address)
        record = self._record(place, now)
        failures = _within(self._users.get(user, []), now)
        wait = max(record.until - now, 0.0 if (place, user) in self._at_home else _user_wait(failures, now))
        if wait > 0:
            return wait
        record.failures = [*_within(record.failures, now), now][-FREE_OF_ADDRESS:]
        if len(record.failures) >= FREE_OF_ADDRESS or record.waits:
            record.until = now + min(FIRST_WAIT * 2.0**record.waits, LONGEST_WAIT)
            record.made_by = now
            record.waits = min(record.waits + 1, 32)
        _remember(self._addresses, place, record)
        _remember(self._users, user, [*failures, now][-FREE_OF_USER:])
        return 0.0

    def succeeded(self, address: str, user: str, began: float) -> None:
        """The try that was let through at `began` was the right one. What failed before it stays counted."""
        place = _place(address)
        if record := self._addresses.get(place):
            record.failures = [at for at in record.failures if at != began]
            if record.made_by == began:
                record.waits, record.until = record.waits - 1, began
        if user in self._users:
            self._users[user] = [at for at in self._users[user] if at != began]
        _remember(self._at_home, (place, user), None)

    def forget_user(self, user: str) -> None:
        """`user` is gone, or has another password: whoever is at home must show it again."""
        self._at_home = {pair: None for pair in self._at_home if pair[1] != user}

    def _record(self, place: str, now: float) -> _Address:
        record = self._addresses.get(place)
        return record if record and now < max([record.until, *record.failures]) + WINDOW else _Address()


def _user_wait(failures: list[float], now: float) -> float:
    return failures[-1] + USER_WAIT - now if len(failures) >= FREE_OF_USER else 0.0


def _within(times: list[float], now: float) -> list[float]:
    return [at for at in times if now - WINDOW < at]


def _remember(table: dict[K, V], key: K, value: V) -> None:
    """As the newest; the oldest goes when there are too many."""
    table.pop(key, None)
    table[key] = value
    while len(table) > MOST:
        del table[next(iter(table))]


def _place(address: str) -> str:
    """What one visitor has: an address, or of IPv6 a whole /64."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    return known.exploded[:19] if known.version == 6 else str(known)
