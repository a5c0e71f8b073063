"""Who is logged in: sessions kept in memory, so that one that is ended has ended."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, replace

from appliance.host.clock import Clock

# Unused for so long, and in all; seconds. A page that is left open goes on being used.
IDLE = 30 * 60.0
LONGEST = 12 * 3600.0
# At most so many at once; the longest unused goes first.
_MOST = 500


@dataclass(frozen=True, slots=True)
class Session:
    """One login. `stamp` is the user's when he logged in: another one ends the session. `csrf` proves that a form is
    ours."""

    user: str
    stamp: str
    csrf: str
    began: float
    used: float


class Sessions:
    """By a token that only the browser has. A token is new with every login and never taken from outside."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._all: dict[str, Session] = {}

    def begin(self, user: str, stamp: str) -> str:
        """A new session; returns its token."""
        token, now = secrets.token_urlsafe(32), self._clock.now()
        with self._lock:
            self._drop_old(now)
            while len(self._all) >= _MOST:
                del self._all[min(self._all, key=lambda one: self._all[one].used)]
            self._all[token] = Session(user, stamp, secrets.token_urlsafe(32), now, now)
        return token

    def get(self, token: str, *, used: bool = True) -> Session | None:
        """The session of `token` while it lasts. `used`: this is a sign of life."""
        now = self._clock.now()
        with self._lock:
            self._drop_old(now)
            session = self._all.get(token)
            if session is not None and used:
                session = self._all[token] = replace(session, used=now)
            return session

    def end(self, token: str) -> None:
        """Log out."""
        with self._lock:
            self._all.pop(token, None)

    def end_all_of(self, user: str) -> None:
        """His password was changed, or he is no more."""
        with self._lock:
            self._all = {token: one for token, one in self._all.items() if one.user != user}

    def _drop_old(self, now: float) -> None:
        self._all = {
            token: one
            for token, one in self._all.items()
            if now - one.used < IDLE and now - one.began < LONGEST
        }
