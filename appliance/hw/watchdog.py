"""The machine's watchdog, which resets a node that stops feeding it.

The reset of a hung node frees the telephone line that the node holds.
"""

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
    """A watchdog that runs from the moment it is opened: from then on it must be fed or the machine is reset."""

    @property
    def timeout(self) -> int | None:
        """The seconds without feeding until the reset; None when the device does not tell."""
        ...

    def feed(self) -> None:
        """Restart the countdown. Raises HardwareError."""
        ...

    def disarm(self) -> None:
        """Stop the watchdog on purpose and close it; closing alone does not stop it."""
        ...


class LinuxWatchdog:
    """The watchdog at /dev/watchdog, which opening arms; see the kernel's watchdog-api."""

    def __init__(self, path: Path = Path("/dev/watchdog"), timeout: int | None = None) -> None:
        """Arm the watchdog, with `timeout` seconds when given. Raises HardwareError when absent or in use."""
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
        """Return a number of the driver, set or read by ioctl; None when the driver refuses.

        Simple drivers have a fixed timeout and refuse both requests.
        """
        number = array.array("i", [value])
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._handle, request, number, True)
            return number[0]
        return None
