"""The sensor for the relay's position, as the device's own register has it: no proof of where the line is."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from appliance.agent.context import NodeContext
from appliance.core.errors import AshaError
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.relay_facts import Contacts, ReadBack
from appliance.core.transfer import Order
from appliance.hw.drivers import open_card

# How often the device is asked, in seconds; and how often in a hurry: while a second answer is awaited, too.
_PERIOD = 5.0
_SOON = 0.2
# For so many seconds after the line has gone from a node that serves, or come to one that does not, the same.
_JUST_MOVED = 5.0
_MOVES = frozenset({Order.ENERGISE, Order.RELEASE})


class _Commands(Protocol):
    @property
    def busy(self) -> frozenset[Order]: ...


class PositionSensor:
    """Asks the relay device what it drives its contacts with, where it can be asked.

    It has a thread of its own, and one question under way at most. It is asked only by a completed cycle (`turned`),
    so that a device with a watchdog, which takes any question for a sign of life, is never fed by anything else
    (docs/adr/0032-a-relay-with-a-watchdog.md).
    """

    def __init__(self, context: NodeContext, commands: _Commands) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._service = context.service
        self._clock = context.clock
        self._commands = commands
        self._thread = ThreadPoolExecutor(1, "relay position")
        self._question: asyncio.Future[Reading[Contacts]] | None = None
        self._asked_at = float("-inf")

    @property
    def asks(self) -> bool:
        """True on a node whose relay can be asked."""
        facts = self._this_node.conf.relay_facts
        return self._this_node.has_card and facts.read_back is not ReadBack.NONE

    def turned(self, *, feeds: bool) -> None:
        """Ask if that is due. `feeds`: the completed cycle has fed the relay's own watchdog too, if it has one."""
        if not self.asks or self._under_way or self._commands.busy & _MOVES:
            return
        now = self._clock.now()
        if self._this_node.conf.relay_facts.watchdog and not feeds:
            self._observations.contacts = Unknown("it is asked only while this node serves by it", now)
            return
        if now - self._asked_at < (_SOON if self._hurry else _PERIOD):
            return
        self._asked_at = now
        self._question = asyncio.get_running_loop().run_in_executor(self._thread, self._ask)
        self._question.add_done_callback(self._see)

    def close(self) -> None:
        """Ask nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    @property
    def _under_way(self) -> bool:
        return self._question is not None and not self._question.done()

    @property
    def _hurry(self) -> bool:
        state = self._service.state
        moved = state.line_absent_since if state.role.holds else state.line_here_since
        just_moved = moved is not None and self._clock.now() - moved < _JUST_MOVED
        return state.position.suspect or just_moved

    def _ask(self) -> Reading[Contacts]:
        """Return the answer with the time of the question: what was commanded after that is not in it."""
        began = self._clock.now()
        try:
            said = open_card(self._this_node.conf, self._clock).position()
        except AshaError as problem:
            return Unknown(str(problem), began)
        return Known(said.value, began, said.why) if isinstance(said, Known) else Unknown(said.reason, began)

    def _see(self, question: asyncio.Future[Reading[Contacts]]) -> None:
        if question.cancelled():
            return
        before, said = self._observations.contacts, question.result()
        self._observations.contacts = said
        if _word(before) != _word(said) or self._hurry:
            self._observations.notify_changed()


def _word(reading: Reading[Contacts]) -> object:
    return reading.value if isinstance(reading, Known) else None
