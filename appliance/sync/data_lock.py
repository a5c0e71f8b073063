"""The lock on a node's data: one pass, merge or settling at a time, and who waits is next."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from appliance.host.clock import Clock
from appliance.host.disk import locked
from appliance.host.paths import SyncPaths
from appliance.sync.errors import Fault, SyncProblem

# The programs that a killed pass has started end within this many seconds, and release the lock then.
LOCK_PATIENCE = 40.0
_LOCK_LOOK = 0.05


@contextlib.contextmanager
def hold(places: SyncPaths, clock: Clock, patience: float) -> Iterator[int]:
    """Hold the lock on this node's data, waiting for it up to `patience` seconds.

    A process that waits is next: the agent's worker, which makes pass after pass while much changes, lets it
    go first. Yields the lock's descriptor. Raises SyncProblem when another process keeps the lock.
    """
    give_up = clock.now() + patience
    with contextlib.ExitStack() as turn:
        is_next = False
        while True:
            is_next = is_next or turn.enter_context(locked(places.turn)) is not None
            if is_next or patience:
                with locked(places.lock) as lock:
                    if lock is not None:
                        turn.close()
                        yield lock
                        return
            if clock.now() >= give_up:
                raise SyncProblem(Fault.BUSY, "Another synchronisation is under way on this node.")
            clock.sleep(_LOCK_LOOK)
