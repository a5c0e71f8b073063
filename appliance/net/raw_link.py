"""A raw socket on one device: what the ways to ask the hosts on a LAN, of both families, have in common."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Generic, TypeVar

from appliance.core.errors import HostError

LONGEST = 2048  # bytes of a frame that are read
_MOST_AT_ONCE = 64
T = TypeVar("T")


class RawLink(Generic[T]):
    """An open raw socket on a device; nothing in it ever waits. `T`: what is understood of a frame."""

    def __init__(
        self,
        device: str,
        name: str,
        opened: Callable[[str], socket.socket],
        parse: Callable[[bytes], T | None],
    ) -> None:
        """Open it. Raises HostError when the device is missing or down.

        Args:
            device: The interface.
            name: What it is for, as people are told when it is not possible.
            opened: Returns the socket for a device, which never blocks. Raises OSError.
            parse: Returns what a frame says, or None when it is nothing for this link.
        """
        self._device, self._name, self._parse = device, name, parse
        try:
            self._link = opened(device)
        except OSError as problem:
            raise self._error(problem) from problem
        self._mac = bytes(self._link.getsockname()[4])[:6]

    def fileno(self) -> int:
        """Return a descriptor that is readable when something has come."""
        return self._link.fileno()

    def heard(self) -> list[T]:
        """Return what has come, at most a few dozen at once. Raises HostError when the device went."""
        found: list[T] = []
        try:
            for _ in range(_MOST_AT_ONCE):
                seen = self._parse(self._link.recv(LONGEST))
                if seen is not None:
                    found.append(seen)
        except BlockingIOError:
            pass
        except OSError as problem:
            raise self._error(problem) from problem
        return found

    def close(self) -> None:
        """Close it; harmless when repeated."""
        self._link.close()

    def _send(self, *frames: bytes) -> None:
        """Send frames. Raises HostError when the device is down."""
        try:
            for frame in frames:
                self._link.send(frame)
        except BlockingIOError:
            pass  # the queue is full: an answer that does not come is counted, and an announcement is made again
        except OSError as problem:
            raise self._error(problem) from problem

    def _error(self, problem: OSError) -> HostError:
        why = problem.strerror or os.strerror(problem.errno or 0)
        return HostError(f"{self._name} on {self._device} is not possible: {why}.")
