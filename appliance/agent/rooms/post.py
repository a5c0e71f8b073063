"""The agent's post: a thread that puts alerts on disk and keeps a process of its own delivering them.

The agent's loop only puts a thing into a queue in memory, so that neither a disk nor a mail server that hangs is ever
in the way of a failover.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.agent.places import OWN_COMMAND
from appliance.core.alert import Alert
from appliance.core.errors import AshaError
from appliance.host.clock import Clock
from appliance.host.stream import Stream
from appliance.notify.deliver import is_due
from appliance.notify.notice import Notice
from appliance.notify.spool import Spool

_LOOK = 1.0
# How often it is looked how the ways out do, for people, in seconds.
_SEE = 5.0
# The start of a program costs a tenth of a second of a processor: not while service moves, or only after so long.
_PATIENCE = 10.0
# A process that ended is not started again sooner; one that runs longer hangs where its own deadlines do not reach.
_AGAIN = 5.0
_AGAIN_BROKEN = 30.0
_LONGEST_LIFE = 300.0
Start = Callable[[], Stream]


@dataclass(frozen=True, slots=True)
class Bag:
    """What is to be queued: alerts, the ways they are to go, and what is then to be remembered."""

    alerts: tuple[Alert, ...]
    ways: tuple[str, ...]
    memory: Any


@dataclass(frozen=True, slots=True)
class Seen:
    """How many alerts wait (None: nobody has looked yet), and what is wrong with a way out, by its name."""

    waiting: int | None = None
    problems: Mapping[str, str] = field(default_factory=dict)


def start_delivery() -> Stream:
    """`asha notify deliver`, by this very interpreter and package. Raises HostError."""
    return Stream((*OWN_COMMAND, "notify", "deliver"), bound=False)


class Post:
    """`node`, `host`: where the alerts come from. `said` holds what the journal is to know."""

    def __init__(
        self, spool: Spool, clock: Clock, node: str, host: str, start: Start = start_delivery
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._node = node
        self._host = host
        self._start = start
        self._bags: queue.SimpleQueue[Bag | None] = queue.SimpleQueue()
        self.said: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.busy = False  # service is moving
        self.seen = Seen()
        self._seen_at = float("-inf")
        self._worker: Stream | None = None
        self._started_at = self._not_before = float("-inf")
        self._waits_since: float | None = None
        self._fresh = True
        self._told = ""
        self._thread = threading.Thread(target=self._work, name="post", daemon=True)

    def open(self) -> None:
        """Begin."""
        self._thread.start()

    def take(self, bag: Bag) -> None:
        """Have it queued. Returns at once."""
        self._bags.put(bag)

    def close(self) -> None:
        """Put on disk what is waiting, end the process; what has not gone out waits there for the next agent."""
        self._bags.put(None)
        self._thread.join(timeout=2.0)

    def _work(self) -> None:
        while True:
            try:
                bag = self._bags.get(timeout=_LOOK)
            except queue.Empty:
                self._look_safely()
                continue
            if bag is None:
                break
            self.store(bag)
        self._end_worker()

    def _look_safely(self) -> None:
        """A disk that fails here ends this thread, and with it all alerts, if it is let."""
        try:
            self.look()
        except OSError as problem:
            self._say_once(f"what waits cannot be seen: {problem.strerror}")

    def store(self, bag: Bag) -> None:
        """Alerts first, then the memory of them: of one that was not written nobody believes that it was told."""
        try:
            for alert in bag.alerts:
                notice = Notice(
                    os.urandom(8).hex(), alert, self._node, self._host, self._clock.wall(), bag.ways
                )
                for lost in self._spool.put(notice):
                    self.said.put(f"the queue is full; dropped: {lost.subject}")
            self._spool.keep_memory(bag.memory)
        except OSError as problem:
            self._say_once(f"alerts cannot be written: {problem.strerror}")
        self._fresh = self._fresh or bool(bag.alerts)

    def look(self) -> None:
        """Keep the process running while something is due, and not longer than it may."""
        now = self._clock.now()
        if now - self._seen_at >= _SEE:
            self.see()
        if self._worker is not None:
            self._follow(self._worker, now)
        elif self._wanted(now):
            self._begin(now)

    def see(self) -> None:
        """Look on the disk how the ways out do."""
        self._seen_at = self._clock.now()
        problems = {name: way.problem for name, way in self._spool.ways().by_name.items() if way.problem}
        self.seen = Seen(self._spool.count(), problems)

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
        """It is tried again and again."""
        if words != self._told:
            self._told = words
            self.said.put(words)
