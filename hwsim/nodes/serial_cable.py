"""A null-modem cable: two pseudo-terminals, bytes carried both ways on the asyncio loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty


class SerialCable:
    """A cable that is plugged in at both ends; `ends` are the two tty paths, equal on host and nodes.

    Like a real cable without flow control, it loses what the receiver does not take in time.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._whole = True
        pairs = [pty.openpty() for _ in range(2)]
        self._masters = [master for master, _ in pairs]
        self._slaves = [slave for _, slave in pairs]  # kept open: a port with no program on it is no hang-up
        for slave in self._slaves:
            tty.setraw(slave)
        self.ends = (os.ttyname(self._slaves[0]), os.ttyname(self._slaves[1]))
        for master, other in zip(self._masters, reversed(self._masters), strict=True):
            os.set_blocking(master, False)
            self._loop.add_reader(master, self._carry, master, other)

    def cut(self) -> None:
        """Lose all bytes in both directions from now on."""
        self._whole = False

    def heal(self) -> None:
        """Carry bytes again from now on."""
        self._whole = True

    def close(self) -> None:
        """Remove the cable and both ports."""
        for master in self._masters:
            self._loop.remove_reader(master)
        for handle in (*self._masters, *self._slaves):
            os.close(handle)
        self._masters.clear()
        self._slaves.clear()

    def _carry(self, source: int, sink: int) -> None:
        with contextlib.suppress(BlockingIOError):
            sent = os.read(source, 4096)
            if self._whole:
                os.write(sink, sent)
