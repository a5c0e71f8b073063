"""Delivery: take what waits in the queue and try every way it has not gone yet, until nothing is due.

At least once: what was handed over, and whose file says otherwise because we were killed between the two, goes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from appliance.host.clock import Clock
from appliance.notify.notice import Notice
from appliance.notify.spool import Spool, Way, Ways
from appliance.notify.transport import Transport, Undelivered, send

# A way that failed rests so long, twice as long each time, in seconds; so does an alert that was refused.
FIRST_PAUSE = 10.0
LONGEST_PAUSE = 1800.0
# What has not gone out after a day is news to nobody.
OLDEST = 86400.0
# We end then and are started afresh when something is due.
_LIFE = 120.0


def pause(failures: int) -> float:
    """Seconds until the next try, after so many failures in a row."""
    return min(FIRST_PAUSE * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE)


def is_due(at: float, wall: float) -> bool:
    """The wall clock may have been set back meanwhile: nothing rests for longer than the longest pause."""
    return not wall < at <= wall + LONGEST_PAUSE


class Delivery:
    """Works through the queue. `say` gets a sentence when something is lost, or a way fails or is well again."""

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
        """Until nothing is due. Raises OSError when the queue cannot be read or written."""
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
        rest = self._ways.get(transport.name, Way()).again
        return is_due(rest, wall) and is_due(notice.again.get(transport.name, 0.0), wall)

    def _try(self, transport: Transport, notice: Notice) -> Notice:
        try:
            send(transport, notice)
        except Undelivered as problem:
            self._failed(transport.name, problem)
            return self._refused(transport.name, notice, problem.left) if problem.refused else notice
        way = self._ways.get(transport.name, Way())
        if way.problem:
            self._say(f"alerts go out again by {transport.name}")
        self._ways[transport.name] = Way(delivered=way.delivered + 1)
        # On disk at once: what went out is not to go again when the next way takes us down.
        return self._keep(replace(notice, owed=tuple(name for name in notice.owed if name != transport.name)))

    def _refused(self, name: str, notice: Notice, left: tuple[str, ...]) -> Notice:
        """This alert rests; the way goes on with the others. Those who have got it are not to get it again."""
        count = notice.tries.get(name, 0) + 1
        tries = {**notice.tries, name: count}
        again = {**notice.again, name: self._clock.wall() + pause(count)}
        still = {**notice.left, name: left} if left else notice.left
        return self._keep(replace(notice, tries=tries, again=again, left=still))

    def _failed(self, name: str, problem: Undelivered) -> None:
        way = self._ways.get(name, Way())
        if str(problem) != way.problem:
            self._say(f"alerts do not go out by {name}: {problem}")
        failures, again = way.failures, way.again
        if not problem.refused:
            failures += 1
            again = self._clock.wall() + pause(failures)
        self._ways[name] = replace(way, problem=str(problem), failures=failures, again=again)
        self._spool.keep_ways(Ways(self._ways))  # 'asha notify' is to know now, not when we end

    def _rests(self) -> Iterator[float]:
        """When what waits is tried again."""
        for notice in self._spool.waiting():
            for name in self._names & set(notice.owed):
                yield max(self._ways.get(name, Way()).again, notice.again.get(name, 0.0))
