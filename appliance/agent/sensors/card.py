"""The sensor for the relay card: whether it is there, and under which name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from appliance.agent.context import NodeContext
from appliance.agent.rhythm import until_beat
from appliance.agent.sensors.readiness import Readable
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.paths import CARD
from appliance.hw.discovery import DeviceInfo, watch_devices
from appliance.hw.drivers import find_relay

_LOOK_PERIOD = 3.0


class CardSensor:
    """The sensor that looks when the kernel reports a change among the ttys, and every few seconds besides.

    `moved` is called with the reason when the card went away or came back: the command it had before is then
    void.
    """

    def __init__(self, context: NodeContext, moved: Callable[[str], None]) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._clock = context.clock
        self._journal = context.journal
        self._moved = moved
        self._change = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        watch = watch_devices()
        ready = Readable(watch.fileno(), lambda: self._change.set() if watch.drain() else None)
        try:
            while True:
                self._change.clear()
                await self.first_look()
                await self._next()
        finally:
            ready.close()
            watch.close()

    async def first_look(self) -> None:
        """Write the card on the board before anybody asks.

        A node without a card has nothing to look for.
        """
        if self._this_node.has_card:
            self.see(await asyncio.to_thread(self._find))

    def see(self, reading: Reading[DeviceInfo | None]) -> None:
        """Write the result of a look at the card on the board."""
        observations = self._observations
        if isinstance(reading, Unknown):
            observations.card = reading
            return
        info = reading.value
        place = str(info.tty) if info is not None else ""
        before = observations.card
        observations.card = Known(info is not None, reading.at)
        if isinstance(before, Known) and (
            before.value != observations.card.value or place != observations.card_place
        ):
            self._changed(place)
        elif not isinstance(before, Known):
            observations.notify_changed()
        observations.card_place = place

    def _changed(self, place: str) -> None:
        why = f"the card is back at {place}" if place else "the card is gone"
        self._journal.note("card", says=why)
        self._moved(why)
        self._observations.notify_changed()

    def _find(self) -> Reading[DeviceInfo | None]:
        return find_relay(self._this_node.conf, self._clock, store=CARD)

    async def _next(self) -> None:
        try:
            async with asyncio.timeout(until_beat(_LOOK_PERIOD)):
                await self._change.wait()
        except TimeoutError:
            pass
