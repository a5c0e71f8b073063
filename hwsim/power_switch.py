"""A switched power outlet: what a node's fence command turns off is the other node's mains.

The program on the node speaks to the outlet over a socket in the directory that the rack shares with the node, as a
fence agent speaks to a power switch over its own network. It knows a fence agent's actions off and status, and ends
with their exit statuses.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hwsim.nodes import Power
from hwsim.rack import Rack

PROGRAM = "/usr/local/sbin/fence_outlet"
_SOCKET = Path("/run/hwsim/outlet")
_OTHER = {"primary": "secondary", "secondary": "primary"}
_TEXT = f"""#!{sys.executable} -IS
import socket, sys
action = sys.argv[1].removeprefix("--action=")
outlet = socket.socket(socket.AF_UNIX)
outlet.connect("{_SOCKET}")
outlet.sendall(action.encode() + b"\\n")
power = outlet.recv(16).decode()
sys.exit(0 if power == ("off" if action == "off" else "on") else 2 if power == "off" else 1)
"""


class PowerSwitch:
    """The outlet that the node on `side` controls: the other node's. `answers` False: it takes the order, and hangs."""

    def __init__(self, rack: Rack, side: str) -> None:
        self.answers = True
        self.used: list[float] = []
        self._rack = rack
        self._side = side
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Plug it in, and put its program on the node."""
        node = self._rack.servers[self._side].node
        node.write(PROGRAM, _TEXT, 0o755)
        self._server = await asyncio.start_unix_server(self._serve, str(node.shared / _SOCKET.name))

    async def stop(self) -> None:
        """Take it away. Harmless when repeated."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        action = (await reader.readline()).strip()
        if action == b"off":
            self.used.append(self._rack.now())
        if not self.answers:
            await reader.read()
        else:
            writer.write(self._obey(action))
            await writer.drain()
        writer.close()

    def _obey(self, action: bytes) -> bytes:
        """Do what is asked; return the state of the outlet."""
        other = _OTHER[self._side]
        if action == b"off":
            self._rack.power_off(other)
        return b"off" if self._rack.servers[other].node.power is Power.OFF else b"on"
