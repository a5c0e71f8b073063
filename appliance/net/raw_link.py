"""A raw socket on one device: what the ways to ask the hosts on a LAN, of both families, have in common."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from appliance.core.errors import HostError

LONGEST = 2048  # bytes of a frame that are read
_MOST_AT_ONCE = 64
# <linux/filter.h>, <asm-generic/socket.h>: a program of struct sock_filter.
_SO_ATTACH_FILTER = 26
_INSTRUCTION = struct.Struct("=HBBI")
Instruction = tuple[int, int, int, int]
"""One of a filter's: code, jump if true, jump if false, value."""

LOAD_BYTE, LOAD_HALF, LOAD_HALF_BEHIND_HEADER, HEADER_LENGTH = 0x30, 0x28, 0x48, 0xB1
IF_EQUAL, IF_AT_LEAST, IF_MORE, IF_ANY_BIT, RETURN = 0x15, 0x35, 0x25, 0x45, 0x06
T = TypeVar("T")


def filtered(device: str, ethertype: int, program: Sequence[Instruction]) -> socket.socket:
    """Return a raw socket on `device` for the frames of `ethertype` that `program` passes, which never blocks.

    Raises OSError. It is bound to no protocol until the filter is in place: else everything that comes meanwhile would
    be queued.
    """
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    try:
        kept = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*each) for each in program))
        link.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(kept))
        )
        link.setblocking(False)
        link.bind((device, ethertype))
    except BaseException:
        link.close()
        raise
    return link


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
