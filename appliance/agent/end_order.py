"""The order to end, which the service manager gives by a signal.

It is the process that is told, and not the part that the agent plays just then (this node, or a machine that is to be
set up). One part follows the other when the conf file changes, and an order that came in between was lost with the part
that had taken it: the agent went on until it was killed.
"""

from __future__ import annotations

import asyncio
import signal


class EndOrder:
    """SIGTERM or SIGINT, from the first moment on: `given`, once and for all, and passed on to the part that works."""

    def __init__(self) -> None:
        self.given = False
        self._end: asyncio.Event | None = None

    def take_signals(self) -> None:
        """Listen, on the running event loop, for as long as it lives."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._give)

    def ends(self, end: asyncio.Event) -> None:
        """Have `end` set when the order is given, and at once when it has been; the event before it is forgotten."""
        self._end = end
        if self.given:
            end.set()

    def _give(self) -> None:
        self.given = True
        if self._end is not None:
            self._end.set()
