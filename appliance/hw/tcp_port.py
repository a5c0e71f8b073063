"""Where a device on the network is, and a TCP connection to it that is used like a serial port."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass

from appliance.hw.relay import CardSilent

_MOST_AT_ONCE = 2048  # bytes


@dataclass(frozen=True, slots=True)
class NetworkPlace:
    """Where a device is: its IPv4 address and its port."""

    host: str
    port: int

    @classmethod
    def of(cls, text: str, usual_port: int) -> NetworkPlace:
        """Return the place that RELAYDEVICE `text` names."""
        host, _, port = text.partition(":")
        return cls(host, int(port) if port else usual_port)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class TcpPort:
    """A TCP connection that is used like a serial port: `timeout` and `write_timeout` are in seconds."""

    def __init__(self, place: NetworkPlace, seconds: float) -> None:
        """Connect within `seconds`. Raises CardSilent."""
        self.timeout = self.write_timeout = seconds
        self._heard = b""
        try:
            self._socket = socket.create_connection((place.host, place.port), max(seconds, 0.001))
        except OSError as problem:
            raise CardSilent(
                f"The device at {place} does not answer: {problem}.",
                todo="Check its power, its cable and RELAYDEVICE.",
            ) from problem

    @property
    def in_waiting(self) -> int:
        """At least so many bytes can be read at once."""
        return len(self._heard)

    def write(self, data: bytes) -> None:
        """Send `data`. Raises OSError."""
        self._socket.settimeout(max(self.write_timeout, 0.001))
        self._socket.sendall(data)

    def flush(self) -> None:
        """Do nothing: what was written is on its way."""

    def reset_input_buffer(self) -> None:
        """Forget what has come so far. Raises OSError."""
        self._heard = b""
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            self._socket.recv(_MOST_AT_ONCE)

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes, b"" when none come in time. Raises OSError when the device hangs up."""
        if not self._heard:
            self._socket.settimeout(max(self.timeout, 0.001))
            try:
                self._heard = self._socket.recv(_MOST_AT_ONCE)
            except TimeoutError:
                return b""
            if not self._heard:
                raise ConnectionResetError("it has hung up")
        data, self._heard = self._heard[:size], self._heard[size:]
        return data

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
