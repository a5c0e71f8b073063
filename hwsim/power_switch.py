"""A switched power outlet: what a node's fence command turns off is the other node's mains.

The program on the node speaks to the outlet over a socket in the directory that the rack shares with the node, as a
fence agent speaks to a power switch over its own network.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hwsim.rack import Rack

PROGRAM = "/usr/local/sbin/fence_outlet"
_SOCKET = Path("/run/hwsim/outlet")
_OTHER = {"primary": "secondary", "secondary": "primary"}
_TEXT = f"""#!{sys.executable} -IS
import socket, sys
outlet = socket.socket(socket.AF_UNIX)
outlet.connect("{_SOCKET}")
sys.exit(0 if outlet.recv(16) == b"off" else 1)
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
        self.used.append(self._rack.now())
        if self.answers:
            self._rack.power_off(_OTHER[self._side])
            writer.write(b"off")
            await writer.drain()
        else:
            await reader.read()
        writer.close()
