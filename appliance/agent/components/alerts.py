"""The choice, once a second, of what people are told from the status and the journal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from appliance.agent.components.alert_queue import AlertBatch, AlertQueue
from appliance.agent.components.component import Component
from appliance.agent.context import NodeContext
from appliance.agent.rhythm import until_beat
from appliance.core.alert_rules import FailoverTracker, problems, read_on
from appliance.core.alerts import Alert, AlertState, recall, remembered, tell
from appliance.core.engine_traits import in_words_of
from appliance.core.status import NotifyStatus, Status
from appliance.notify.notice import way_names
from appliance.notify.spool import Spool

_LOOK = 1.0


class Alerts(Component):
    """Nothing is looked at while the conf file names no way out. `status`: the status of this node as it is now."""

    def __init__(
        self, context: NodeContext, status: Callable[[], Status], spool: Spool | None = None
    ) -> None:
        self._this_node = context.this_node
        self._journal = context.journal
        self._clock = context.clock
        self._service = context.service
        self._title = context.engine.title
        self._status = status
        self._spool = spool or Spool()
        self._queue = AlertQueue(
            self._spool, context.clock, context.this_node.node.value, os.uname().nodename
        )
        self._story = FailoverTracker(context.this_node.node.value)
        self._memory = AlertState()
        self._kept: Any = None
        self._number = 0
        self.made = 0  # alerts, since this agent was started

    async def run(self) -> None:
        """Look for alerts once a second, until cancelled."""
        self._kept = await asyncio.to_thread(self._spool.memory)
        self._memory = recall(self._kept)
        self._queue.open()
        try:
            while True:
                self._look_safely()
                await asyncio.sleep(until_beat(_LOOK))
        finally:
            await asyncio.to_thread(self._queue.close)

    async def first_look(self) -> None:
        """Learn how the notification ways are doing, and how many alerts wait, before anybody is told."""
        await asyncio.to_thread(self._queue.see)

    def _look_safely(self) -> None:
        """Look once, and survive any error in making alerts.

        A job that breaks ends the agent, and an alert is not worth that: what cannot be told is noted in the
        journal.
        """
        try:
            self.look()
        except (LookupError, TypeError, ValueError, AttributeError) as problem:
            self._journal.note_once("notify", "made", f"alerts cannot be made of what there is: {problem!r}")

    def look(self) -> None:
        """Look once at the journal and, where the conf file names a notification way, at the status."""
        self._queue.busy = self._service.state.busy
        with contextlib.suppress(queue.Empty):
            while True:
                self._journal.note("notify", says=self._queue.said.get_nowait())
        entries = self._journal.since(self._number)
        self._number = max((entry.number for entry in entries), default=self._number)
        self._story, happened = read_on(self._story, entries)
        if ways := way_names(self._this_node.conf):
            self._tell(happened, ways)

    def ways_status(self) -> NotifyStatus:
        """Return how the ways out do, as the queue last saw it; of those that the conf file still names."""
        seen, ways = self._queue.seen, way_names(self._this_node.conf)
        return NotifyStatus(
            seen.waiting, {name: text for name, text in seen.problems.items() if name in ways}
        )

    def _tell(self, happened: tuple[Any, ...], ways: tuple[str, ...]) -> None:
        standing = problems(self._status())
        self._memory, news = tell(self._memory, standing, happened, self._clock.now())
        self.made += len(news)
        news = tuple(_in_words_of(self._title, alert) for alert in news)
        kept = remembered(self._memory)
        if news or kept != self._kept:
            self._kept = kept
            self._queue.take(AlertBatch(news, ways, kept))


def _in_words_of(title: str, alert: Alert) -> Alert:
    """Return `alert` with the engine's title in it."""
    return replace(alert, subject=in_words_of(title, alert.subject), text=in_words_of(title, alert.text))
