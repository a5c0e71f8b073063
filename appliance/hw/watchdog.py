"""The machine's watchdog: it resets a node that stops feeding it, and so frees a line held by a hung one."""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
from pathlib import Path
from typing import Protocol

from appliance.core.errors import HardwareError

_SETTIMEOUT = 0xC0045706  # linux/watchdog.h: WDIOC_SETTIMEOUT, _IOWR('W', 6, int)
_GETTIMEOUT = 0x80045707  # WDIOC_GETTIMEOUT, _IOR('W', 7, int)
_FOOD = b"\0"
_MAGIC_CLOSE = b"V"


class WatchdogTimer(Protocol):
    """Running from the moment it is opened: from then on it must be fed or the machine is reset."""

    @property
    def timeout(self) -> int | None:
        """Seconds without food until the reset; None when the device does not tell."""
        ...

    def feed(self) -> None:
        """Start the count anew. Raises HardwareError."""
        ...

    def disarm(self) -> None:
        """Stop it on purpose, and give it up. Without this, closing does not stop it."""
        ...


class LinuxWatchdog:
    """/dev/watchdog. Opening it arms it; see the kernel's watchdog-api."""

    def __init__(self, path: Path = Path("/dev/watchdog"), timeout: int | None = None) -> None:
        """Arm it, with `timeout` seconds when given. Raises HardwareError when absent or in use."""
        try:
            self._handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as problem:
            raise HardwareError(
                f"The watchdog {path} could not be opened: {problem.strerror}.",
                todo="Load its driver (softdog when there is no hardware), and let nothing else use it.",
            ) from problem
        self._path = path
        if timeout is not None:
            self._number(_SETTIMEOUT, timeout)
        self._timeout = self._number(_GETTIMEOUT, 0)

    @property
    def timeout(self) -> int | None:
        return self._timeout

    def feed(self) -> None:
        self._write(_FOOD)

    def disarm(self) -> None:
        if self._handle < 0:
            return
        try:
            self._write(_MAGIC_CLOSE)
        finally:
            handle, self._handle = self._handle, -1
            os.close(handle)

    def _write(self, data: bytes) -> None:
        try:
            os.write(self._handle, data)
        except OSError as problem:
            raise HardwareError(f"The watchdog {self._path} took no food: {problem.strerror}.") from problem

    def _number(self, request: int, value: int) -> int | None:
        """A drivers' number, set or asked. Simple drivers have a fixed timeout and refuse both."""
        number = array.array("i", [value])
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._handle, request, number, True)
            return number[0]
        return None
