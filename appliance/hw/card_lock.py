"""The card's lock: one caller of the card at a time, among threads and processes alike."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from appliance.host.clock import Clock
from appliance.host.disk import open_lock
from appliance.hw.relay import CardBusy

_POLL = 0.01
_log = logging.getLogger(__name__)


class CardLock:
    """A flock on `path`, which the kernel releases when its holder dies, however it dies."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    @contextlib.contextmanager
    def taken(self, until: float, *, force: bool) -> Iterator[None]:
        """Wait for the lock until `until`, in seconds on the monotonic clock, and hold it for the body.

        `force` is for releasing the line: when the holder does not give way in half the time (it may be
        frozen while holding the lock), the body runs without the lock. Otherwise CardBusy is raised.
        """
        handle = self._open()
        if handle is None:
            yield
            return
        try:
            self._wait(handle, until, force)
            yield
        finally:
            os.close(handle)

    def _open(self) -> int | None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return open_lock(self._path)
        except OSError as problem:
            # Go on without the lock: two callers at once are rare, and a line that cannot be released is a
            # dead line.
            _log.warning("no lock on the card, going on without: %s", problem)
            return None

    def _wait(self, handle: int, until: float, force: bool) -> None:
        now = self._clock.now()
        patience = now + (until - now) / 2 if force else until
        while not _locked(handle):
            if self._clock.now() >= patience:
                if force:
                    _log.warning("the card's lock is held by another caller; releasing the line without it")
                    return
                raise CardBusy(
                    f"The card was in use for {patience - now:.1f} s by another caller.", todo="Try again."
                )
            self._clock.sleep(_POLL)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
