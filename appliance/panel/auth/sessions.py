"""Sessions of the users who are logged in, kept in memory so that ending a session takes effect at once."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, replace

from appliance.host.clock import Clock

# Seconds. A session ends after being unused for IDLE, and in any case after LONGEST. A page that is left open
# counts as used, because the browser asks for its live stream again every ten minutes.
IDLE = 30 * 60.0
LONGEST = 12 * 3600.0
# Largest number of sessions at once; the session unused for longest is dropped first.
_MOST = 500


@dataclass(frozen=True, slots=True)
class Session:
    """Login of a user.

    `stamp` is the user's stamp at login: when the user's stamp changes, the session has ended. `csrf` proves
    that a form comes from this panel. `began` and `used` are in monotonic seconds.
    """

    user: str
    stamp: str
    csrf: str
    began: float
    used: float


class Sessions:
    """All sessions, by a token that only the browser has.

    A new token is made at every login; a token is never taken from outside.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._all: dict[str, Session] = {}

    def begin(self, user: str, stamp: str) -> str:
        """Begin a session of `user`, and return its token."""
        token, now = secrets.token_urlsafe(32), self._clock.now()
        with self._lock:
            self._drop_old(now)
            while len(self._all) >= _MOST:
                del self._all[min(self._all, key=lambda one: self._all[one].used)]
            self._all[token] = Session(user, stamp, secrets.token_urlsafe(32), now, now)
        return token

    def get(self, token: str, *, used: bool = True) -> Session | None:
        """Return the session of `token`, or None once it has ended.

        `used` says whether this request counts as a use that keeps the session from ending.
        """
        now = self._clock.now()
        with self._lock:
            self._drop_old(now)
            session = self._all.get(token)
            if session is not None and used:
                session = self._all[token] = replace(session, used=now)
            return session

    def end(self, token: str) -> None:
        """End the session of `token`."""
        with self._lock:
            self._all.pop(token, None)

    def end_all_of(self, user: str) -> None:
        """End every session of `user`, whose password was changed or who was removed."""
        with self._lock:
            self._all = {token: one for token, one in self._all.items() if one.user != user}

    def _drop_old(self, now: float) -> None:
        self._all = {
            token: one
            for token, one in self._all.items()
            if now - one.used < IDLE and now - one.began < LONGEST
        }
