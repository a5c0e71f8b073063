"""The agent's post: a thread that puts alerts on disk and keeps a separate process delivering them.

The agent's loop only puts a batch into a queue in memory, so that neither a disk nor a mail server that hangs
can delay a failover.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.core.alerts import Alert
from appliance.core.errors import AshaError
from appliance.host.clock import Clock
from appliance.host.paths import OWN_COMMAND
from appliance.host.stream import Stream
from appliance.notify.deliver import is_due
from appliance.notify.notice import Notice
from appliance.notify.spool import Spool

_LOOK = 1.0
# How often the state of the notification ways is read, for people, in seconds.
_SEE = 5.0
# The start of a program costs a tenth of a second of processor time: so not while service moves, unless the
# alert has waited this many seconds.
_PATIENCE = 10.0
# An ended process is not started again sooner than this. A process that runs longer than _LONGEST_LIFE hangs
# where its own deadlines do not reach. In seconds.
_AGAIN = 5.0
_AGAIN_BROKEN = 30.0
_LONGEST_LIFE = 300.0
Start = Callable[[], Stream]


@dataclass(frozen=True, slots=True)
class AlertBatch:
    """Alerts to be queued, the ways they are to go, and what is to be remembered after that."""

    alerts: tuple[Alert, ...]
    ways: tuple[str, ...]
    memory: Any


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """The state of the notification ways.

    `waiting`: how many alerts wait (None: nobody has looked yet); `problems`: what is wrong with a way, by
    its name.
    """

    waiting: int | None = None
    problems: Mapping[str, str] = field(default_factory=dict)


def start_delivery() -> Stream:
    """Start `asha notify deliver` with this very interpreter and package. Raises HostError."""
    return Stream((*OWN_COMMAND, "notify", "deliver"), bound=False)


class AlertQueue:
    """The queue of alerts on disk and the process that delivers them.

    `node`, `host`: the origin named in the alerts. `said` holds the texts that the journal is to get.
    """

    def __init__(
        self, spool: Spool, clock: Clock, node: str, host: str, start: Start = start_delivery
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._node = node
        self._host = host
        self._start = start
        self._batches: queue.SimpleQueue[AlertBatch | None] = queue.SimpleQueue()
        self.said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.busy = False  # service is moving
        self.seen = QueueStatus()
        self._seen_at = float("-inf")
        self._worker: Stream | None = None
        self._started_at = self._not_before = float("-inf")
        self._waits_since: float | None = None
        self._fresh = True
        self._told = ""
        self._thread = threading.Thread(target=self._work, name="post", daemon=True)

    def open(self) -> None:
        """Start the thread."""
        self._thread.start()

    def take(self, batch: AlertBatch) -> None:
        """Have the batch queued on disk; returns at once."""
        self._batches.put(batch)

    def close(self) -> None:
        """Write what is waiting to the disk and end the process.

        Alerts that have not gone out wait on the disk for the next agent.
        """
        self._batches.put(None)
        self._thread.join(timeout=2.0)

    def _work(self) -> None:
        while True:
            try:
                batch = self._batches.get(timeout=_LOOK)
            except queue.Empty:
                self._look_safely()
                continue
            if batch is None:
                break
            self.store(batch)
        self._end_worker()

    def _look_safely(self) -> None:
        """Look, and survive a disk that fails.

        An error that is not caught would end this thread, and with it all alerts.
        """
        try:
            self.look()
        except OSError as problem:
            self._say_once(f"what waits cannot be seen: {problem.strerror}")

    def store(self, batch: AlertBatch) -> None:
        """Write the alerts to the disk, then the memory of them.

        In this order no alert that was not written is remembered as told.
        """
        try:
            for alert in batch.alerts:
                notice = Notice(
                    os.urandom(8).hex(), alert, self._node, self._host, self._clock.wall(), batch.ways
                )
                for lost in self._spool.put(notice):
                    self.said.put(f"the queue is full; dropped: {lost.subject}")
            self._spool.keep_memory(batch.memory)
        except OSError as problem:
            self._say_once(f"alerts cannot be written: {problem.strerror}")
        self._fresh = self._fresh or bool(batch.alerts)

    def look(self) -> None:
        """Keep the delivering process running while an alert is due, and not longer than its allowed life."""
        now = self._clock.now()
        if now - self._seen_at >= _SEE:
            self.see()
        if self._worker is not None:
            self._follow(self._worker, now)
        elif self._wanted(now):
            self._begin(now)

    def see(self) -> None:
        """Read the state of the notification ways from the disk."""
        self._seen_at = self._clock.now()
        problems = {name: way.problem for name, way in self._spool.ways().by_name.items() if way.problem}
        self.seen = QueueStatus(self._spool.count(), problems)

    def _follow(self, worker: Stream, now: float) -> None:
        while line := worker.line(0.0):
            self.said.put(line.decode(errors="replace"))
        if line == b"":
            code, words = worker.end(1.0), worker.complaint().splitlines()
            if code:
                self._say_once(
                    f"alerts are not delivered: status {code}: {words[-1] if words else 'no word'}"
                )
            self._end_worker(_AGAIN_BROKEN if code else _AGAIN)
        elif now - self._started_at > _LONGEST_LIFE:
            self._say_once("what delivers alerts hangs; it is killed and started again")
            self._end_worker()

    def _wanted(self, now: float) -> bool:
        if now < self._not_before or self._spool.is_empty():
            return False
        if not self._fresh and not is_due(self._spool.ways().next_at, self._clock.wall()):
            return False
        self._waits_since = now if self._waits_since is None else self._waits_since
        return not self.busy or now - self._waits_since >= _PATIENCE

    def _begin(self, now: float) -> None:
        self._fresh, self._waits_since = False, None
        try:
            self._worker, self._started_at = self._start(), now
        except AshaError as problem:
            self._not_before = now + _AGAIN_BROKEN
            self._say_once(f"alerts are not delivered: {problem}")

    def _end_worker(self, rest: float = _AGAIN) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker, self._not_before = None, self._clock.now() + rest

    def _say_once(self, words: str) -> None:
        """Pass `words` to the journal once, because the attempt is repeated again and again."""
        if words != self._told:
            self._told = words
            self.said.put(words)
