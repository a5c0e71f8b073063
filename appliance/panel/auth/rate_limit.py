"""Queue for login attempts.

The queue applies the limits of appliance/core/login_limit.py to all threads of the server.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from appliance.core.errors import UserError
from appliance.core.login_limit import LoginLimit, SentAway, Ticket
from appliance.host.clock import Clock

_TODO = "Root on this server lets you in at once: 'asha panel unlock NAME'."


class TooEarly(UserError):
    """Refusal of a login attempt that comes too early; `wait` is the seconds until the next may be made."""

    def __init__(self, away: SentAway) -> None:
        self.wait = max(1, round(away.wait))
        why = "Too many logins from here have failed" if away.own else "Many try to log in at this moment"
        place = "" if away.own else " Your place in the queue is kept for a minute longer than that."
        super().__init__(f"{why}. Try again in {self.wait} seconds.{place}", todo=_TODO)


@dataclass(slots=True)
class Try:
    """Login attempt whose turn has come; the attempt counts as failed unless `right` is set to True."""

    right: bool = False


class LoginThrottle:
    """The login limits with a clock and a lock.

    Only one login attempt at a time has its turn, so only one password at a time is hashed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._limit = LoginLimit()

    @contextmanager
    def turn(self, address: str, known: str = "") -> Iterator[Try]:
        """Wait for the turn of a client at `address`, and hold the turn for the length of the block.

        `known` names the browser if it is a known one, and is "" for a stranger. Raises TooEarly when the
        attempt is not admitted now.
        """
        ticket, one_try = self._wait(address, known), Try()
        try:
            yield one_try
        finally:
            with self._changed:
                self._limit.end(ticket, right=one_try.right)
                self._changed.notify_all()

    def _wait(self, address: str, known: str) -> Ticket:
        with self._changed:
            ticket = self._limit.join(address, self._clock.now(), known)
            if isinstance(ticket, SentAway):
                raise TooEarly(ticket)
            self._changed.notify_all()  # this attempt may have pushed another one out of the queue
            while (again := self._limit.turn(ticket, self._clock.now())) != 0.0:
                if isinstance(again, SentAway):
                    raise TooEarly(again)
                self._changed.wait(again)
            return ticket
