"""Delivery: try each waiting alert by every way it has not gone out yet, until nothing is due.

Each alert goes out at least once. If the process is killed after an alert was handed over and before its file
says so, the alert goes out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from appliance.host.clock import Clock
from appliance.notify.notice import Notice
from appliance.notify.spool import Spool, Ways, WayState
from appliance.notify.transport import Transport, Undelivered, send

# Seconds. A way that failed rests for FIRST_PAUSE, twice as long after each further failure, up to
# LONGEST_PAUSE; so does an alert that a way has refused.
FIRST_PAUSE = 10.0
LONGEST_PAUSE = 1800.0
# Seconds. An alert that has not gone out after a day is given up: nobody needs it any more.
OLDEST = 86400.0
# Seconds. The process ends after this time, and is started again when something is due.
_LIFE = 120.0


def pause(failures: int) -> float:
    """Return the seconds until the next try, after `failures` failures in a row (1 or more)."""
    return min(FIRST_PAUSE * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE)


def is_due(at: float, wall: float) -> bool:
    """Return whether the time `at` has come; both times are in epoch seconds.

    A time further ahead than the longest pause counts as due: the wall clock must have been set back since.
    """
    return not wall < at <= wall + LONGEST_PAUSE


class Delivery:
    """Worker that empties the queue.

    `say` is called with a sentence when an alert is lost, and when a way fails or works again.
    """

    def __init__(
        self, spool: Spool, transports: Sequence[Transport], clock: Clock, say: Callable[[str], None]
    ) -> None:
        self._spool = spool
        self._transports = transports
        self._clock = clock
        self._say = say
        self._ways = dict(spool.ways().by_name)
        self._names = {transport.name for transport in transports}
        self._changed = False

    def run(self) -> None:
        """Deliver until nothing is due, or the process has lived long enough.

        Raises OSError when the queue cannot be read or written.
        """
        end = self._clock.now() + _LIFE
        self._changed = True
        while self._changed and self._clock.now() < end:
            self._changed = False
            for notice in self._spool.waiting():
                self._take(notice)
        self._spool.keep_ways(Ways(self._ways, min(self._rests(), default=0.0)))

    def _take(self, notice: Notice) -> None:
        owed = tuple(name for name in notice.owed if name in self._names)
        if self._clock.wall() - notice.at > OLDEST:
            self._say(f"given up after a day: {notice.subject} (by {', '.join(owed)})")
            owed = ()
        notice = replace(notice, owed=owed)
        for transport in self._transports:
            if transport.name in owed and self._may(transport, notice):
                notice = self._try(transport, notice)
        if not notice.owed:
            self._changed = self._spool.remove(notice) or self._changed

    def _keep(self, notice: Notice) -> Notice:
        if notice.owed:
            self._spool.put(notice)
        self._changed = True
        return notice

    def _may(self, transport: Transport, notice: Notice) -> bool:
        wall = self._clock.wall()
        rest = self._ways.get(transport.name, WayState()).again
        return is_due(rest, wall) and is_due(notice.again.get(transport.name, 0.0), wall)

    def _try(self, transport: Transport, notice: Notice) -> Notice:
        try:
            send(transport, notice)
        except Undelivered as problem:
            self._failed(transport.name, problem)
            return self._refused(transport.name, notice, problem.left) if problem.refused else notice
        way = self._ways.get(transport.name, WayState())
        if way.problem:
            self._say(f"alerts go out again by {transport.name}")
        self._ways[transport.name] = WayState(delivered=way.delivered + 1)
        # Written at once: if the next way kills this process, the alert must not go out by this way again.
        return self._keep(replace(notice, owed=tuple(name for name in notice.owed if name != transport.name)))

    def _refused(self, name: str, notice: Notice, left: tuple[str, ...]) -> Notice:
        """Let this alert rest for the way `name`, which goes on with other alerts.

        `left` names the recipients who have not got the alert; the others must not get it again.
        """
        count = notice.tries.get(name, 0) + 1
        tries = {**notice.tries, name: count}
        again = {**notice.again, name: self._clock.wall() + pause(count)}
        still = {**notice.left, name: left} if left else notice.left
        return self._keep(replace(notice, tries=tries, again=again, left=still))

    def _failed(self, name: str, problem: Undelivered) -> None:
        way = self._ways.get(name, WayState())
        if str(problem) != way.problem:
            self._say(f"alerts do not go out by {name}: {problem}")
        failures, again = way.failures, way.again
        if not problem.refused:
            failures += 1
            again = self._clock.wall() + pause(failures)
        self._ways[name] = replace(way, problem=str(problem), failures=failures, again=again)
        self._spool.keep_ways(Ways(self._ways))  # 'asha notify' is to show it now, not when the process ends

    def _rests(self) -> Iterator[float]:
        """Yield the time of the next try of each way that each waiting alert is owed."""
        for notice in self._spool.waiting():
            for name in self._names & set(notice.owed):
                yield max(self._ways.get(name, WayState()).again, notice.again.get(name, 0.0))
