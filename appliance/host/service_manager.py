"""Notifications to the service manager (ready, alive, ending) by systemd's protocol, sd_notify(3).

Without a service manager that listens (SysV init, a shell) everything here does nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket


class ServiceManager:
    """The service manager that started this process, if it listens."""

    def __init__(self, address: str) -> None:
        self._address = address.replace("@", "\0", 1) if address.startswith("@") else address

    @classmethod
    def of_this_process(cls) -> ServiceManager:
        """Return the manager that the environment names, and remove its variables from the environment.

        Programs that this process starts must not notify the manager in its name.
        """
        for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
            os.environ.pop(name, None)
        return cls(os.environ.pop("NOTIFY_SOCKET", ""))

    def ready(self) -> None:
        """Tell the manager that the service is ready, so that units which wait for it may start."""
        self._tell("READY=1")

    def alive(self) -> None:
        """Feed the manager's watchdog."""
        self._tell("WATCHDOG=1")

    def ending(self) -> None:
        """Tell the manager that this process ends because it was told to."""
        self._tell("STOPPING=1")

    def _tell(self, state: str) -> None:
        """Send `state` without ever waiting or raising.

        A manager that does not listen is no reason to stop serving.
        """
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outlet:
            outlet.setblocking(False)
            outlet.sendto(state.encode(), self._address)
