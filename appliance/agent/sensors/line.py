"""The sensor for the telephone line, as the spans of this node show it."""

from __future__ import annotations

import asyncio

from appliance.agent.context import NodeContext
from appliance.agent.rhythm import until_beat
from appliance.core.model import Line
from appliance.core.reading import Known, Reading, Unknown
from appliance.core.timing import LINE_LOOK
from appliance.dahdi.line import read_line
from appliance.dahdi.span import Span
from appliance.dahdi.spans import read_heads, read_spans

# How often to look while something moves, in seconds. A look reads one small file in
# /proc for each span.
_BUSY = 0.05
# How often the spans are read with their channels, for people, in seconds; also whenever an alarm changes.
_WHOLE = 5.0


class LineSensor:
    """The sensor that reads the alarms of the spans, in a thread.

    A driver that hangs in /proc must not hang the agent. What is only shown (`Observations.spans`) is read
    separately: where sysfs or an ioctl hangs, the line is still seen.
    """

    def __init__(self, context: NodeContext) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._clock = context.clock
        self._service = context.service
        self._alarms: object = None
        self._whole_at = float("-inf")
        self._whole: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(until_beat(_BUSY if self._service.state.busy else LINE_LOOK))
        finally:
            if self._whole is not None:
                self._whole.cancel()

    async def first_look(self) -> None:
        """Write the line and the spans on the board before anybody asks."""
        await self._look()
        if self._whole is not None:
            await asyncio.shield(self._whole)

    async def _look(self) -> None:
        if self._this_node.transfer_policy.has_line:
            heads = await asyncio.to_thread(self._read)
            self._see(read_line(heads, self._this_node.conf.card_spans, heads.at))
            self._show(_alarms(heads))

    def _read(self) -> Reading[tuple[Span, ...]]:
        conf = self._this_node.conf
        return read_heads(conf.dahdi_root, conf.card_spans, self._clock.now())

    def _see(self, reading: Reading[Line]) -> None:
        before = self._observations.line
        self._observations.line = reading
        if _word(before) != _word(reading):
            self._observations.line_moved.set()
            self._observations.notify_changed()

    def _show(self, alarms: object) -> None:
        now = self._clock.now()
        if self._whole is not None and not self._whole.done():
            return
        if alarms != self._alarms or now - self._whole_at >= _WHOLE:
            self._alarms, self._whole_at = alarms, now
            self._whole = asyncio.create_task(self._read_whole())

    async def _read_whole(self) -> None:
        root = self._this_node.conf.dahdi_root
        self._observations.spans = await asyncio.to_thread(read_spans, root, self._clock.now())


def _word(reading: Reading[Line]) -> object:
    return reading.value if isinstance(reading, Known) else Unknown


def _alarms(heads: Reading[tuple[Span, ...]]) -> object:
    if isinstance(heads, Unknown):
        return heads.reason
    return tuple((span.number, span.alarms) for span in heads.value)
