"""The file descriptors of the sensors' sources on the agent's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Readable:
    """A registration that calls `action` whenever `descriptor` is readable, until closed.

    A descriptor of None or -1 never is readable.
    """

    def __init__(self, descriptor: int | None, action: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor if descriptor is not None and descriptor >= 0 else None
        if self._descriptor is not None:
            self._loop.add_reader(self._descriptor, action)

    def close(self) -> None:
        """Stop listening; to be called before the source itself is closed."""
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            self._descriptor = None
