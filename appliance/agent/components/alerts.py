"""The choice, once a second, of what people are told from the status and the journal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
from collections.abc import Callable
from typing import Any

from appliance.agent.components.alert_queue import AlertBatch, AlertQueue
from appliance.agent.journal import Journal
from appliance.agent.this_node import ThisNode
from appliance.core.alert_rules import FailoverTracker, problems, read_on
from appliance.core.alerts import AlertState, recall, remembered, tell
from appliance.core.status import NotifyStatus, Status
from appliance.host.clock import Clock
from appliance.notify.notice import way_names
from appliance.notify.spool import Spool

_LOOK = 1.0


class Alerts:
    """Nothing is looked at while the conf file names no way out. `status`: the status of this node as it is now."""

    def __init__(
        self,
        *,
        this_node: ThisNode,
        journal: Journal,
        clock: Clock,
        status: Callable[[], Status],
        busy: Callable[[], bool],
        spool: Spool | None = None,
    ) -> None:
        self._this_node = this_node
        self._journal = journal
        self._clock = clock
        self._status = status
        self._busy = busy
        self._spool = spool or Spool()
        self._post = AlertQueue(self._spool, clock, this_node.node.value, os.uname().nodename)
        self._story = FailoverTracker(this_node.node.value)
        self._memory = AlertState()
        self._kept: Any = None
        self._number = 0
        self._broken = ""
        self.made = 0  # alerts, since this agent was started

    async def run(self) -> None:
        """Look for alerts once a second, until cancelled."""
        self._kept = await asyncio.to_thread(self._spool.memory)
        self._memory = recall(self._kept)
        self._post.open()
        try:
            while True:
                self._look_safely()
                await asyncio.sleep(_LOOK)
        finally:
            await asyncio.to_thread(self._post.close)

    async def first_look(self) -> None:
        """Learn how the notification ways are doing, and how many alerts wait, before anybody is told."""
        await asyncio.to_thread(self._post.see)

    def _look_safely(self) -> None:
        """Look once, and survive any error in making alerts.

        A job that breaks ends the agent, and an alert is not worth that: what cannot be told is noted in the
        journal.
        """
        try:
            self.look()
        except (LookupError, TypeError, ValueError, AttributeError) as problem:
            if repr(problem) != self._broken:
                self._broken = repr(problem)
                self._journal.note("notify", says=f"alerts cannot be made of what there is: {problem!r}")

    def look(self) -> None:
        """Look once at the journal and, where the conf file names a notification way, at the status."""
        self._post.busy = self._busy()
        with contextlib.suppress(queue.Empty):
            while True:
                self._journal.note("notify", says=self._post.said.get_nowait())
        entries = self._journal.since(self._number)
        self._number = max((entry.number for entry in entries), default=self._number)
        self._story, happened = read_on(self._story, entries)
        if ways := way_names(self._this_node.conf):
            self._tell(happened, ways)

    def ways_status(self) -> NotifyStatus:
        """Return how the ways out do, as the post last saw it; of those that the conf file still names."""
        seen, ways = self._post.seen, way_names(self._this_node.conf)
        return NotifyStatus(
            seen.waiting, {name: text for name, text in seen.problems.items() if name in ways}
        )

    def _tell(self, happened: tuple[Any, ...], ways: tuple[str, ...]) -> None:
        standing = problems(self._status())
        self._memory, news = tell(self._memory, standing, happened, self._clock.now())
        self.made += len(news)
        kept = remembered(self._memory)
        if news or kept != self._kept:
            self._kept = kept
            self._post.take(AlertBatch(news, ways, kept))
