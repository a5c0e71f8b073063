"""How old this node's copy of the data is, whatever is done to the wall clock meanwhile."""

from __future__ import annotations

from appliance.host.clock import Clock
from appliance.sync.state import State, age


class DataAge:
    """The age of the data by the monotonic clock, from the moment at which a new verification was first seen.

    The worker notes on disk, in seconds since the epoch, when it has last verified the data: this outlives the agent. A
    clock that is set forward or back afterwards made data of this minute an hour old, which was told as stale, or data
    that nobody fetches any more fresh for an hour.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._verified_at: float | None = None
        self._seen_at = 0.0

    def of(self, state: State) -> float | None:
        """Return how many seconds ago the data of `state` were known to equal the peer's; None for never."""
        seconds, now = age(state, self._clock.wall()), self._clock.now()
        if seconds is None:
            self._verified_at = None
            return None
        if state.verified_at != self._verified_at:
            self._verified_at, self._seen_at = state.verified_at, now - seconds
        return now - self._seen_at
