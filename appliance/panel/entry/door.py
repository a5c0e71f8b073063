"""The turn of each login: the limits of core/login_limit, for all threads of the server."""

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
    """No try may be made now. `wait`: seconds until the next."""

    def __init__(self, away: SentAway) -> None:
        self.wait = max(1, round(away.wait))
        why = "Too many logins from here have failed" if away.own else "Many try to log in at this moment"
        place = "" if away.own else " Your place in the queue is kept for a minute longer than that."
        super().__init__(f"{why}. Try again in {self.wait} seconds.{place}", todo=_TODO)


@dataclass(slots=True)
class Try:
    """A login whose turn it is. It counts as failed unless it is set `right`."""

    right: bool = False


class Door:
    """The limits with a clock and a lock. One try at a time has its turn, so one password at a time is hashed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._limit = LoginLimit()

    @contextmanager
    def turn(self, address: str, known: str = "") -> Iterator[Try]:
        """Wait for the turn of somebody at `address`, and have it. Raises TooEarly.

        `known`: the name of the known browser it is, "" for a stranger.
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
            self._changed.notify_all()  # somebody may have lost the place in the line
            while (again := self._limit.turn(ticket, self._clock.now())) != 0.0:
                if isinstance(again, SentAway):
                    raise TooEarly(again)
                self._changed.wait(again)
            return ticket
