"""Who may try to log in now: the limits of core/login_limit, for all threads of the server."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from appliance.core.login_limit import LoginLimit
from appliance.host.clock import Clock


@dataclass(frozen=True, slots=True)
class Knock:
    """One try. `wait`: seconds until it may be made; 0: it may now, and counts as failed until it has `entered`."""

    address: str
    name: str
    at: float
    wait: float


class Door:
    """The limits with a clock and a lock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._limit = LoginLimit()

    def knock(self, address: str, name: str) -> Knock:
        """`address` wants to try to log in as `name`."""
        now = self._clock.now()
        with self._lock:
            return Knock(address, name, now, self._limit.attempt(address, name, now))

    def entered(self, knock: Knock) -> None:
        """It was the right password."""
        with self._lock:
            self._limit.succeeded(knock.address, knock.name, knock.at)

    def forget(self, name: str) -> None:
        """That user's password was changed."""
        with self._lock:
            self._limit.forget_user(name)
