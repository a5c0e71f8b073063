"""A mail server at the rack's outside host that accepts all mail (RFC 5321)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from hwsim.nodes import Network
from hwsim.nodes.netns import server_in

_ADDRESS, _PORT = Network.address("outside"), 2525
SERVER = f"{_ADDRESS}:{_PORT}"


class Mailbox:
    """The mail server. Of all mail so far `subjects` holds the subjects, and `senders` who had sent it, by address."""

    def __init__(self) -> None:
        self.subjects: list[str] = []
        self.senders: list[str] = []

    @contextlib.asynccontextmanager
    async def up(self, network: Network) -> AsyncIterator[None]:
        """Serve for the duration of the block."""
        listener = server_in(network.namespace("outside"), _ADDRESS, _PORT)
        server = await asyncio.start_server(self._serve, sock=listener)
        try:
            yield
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            writer.write(b"220 mail\r\n")
            while line := await reader.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    writer.write(b"354 go on\r\n")
                    self._keep(await reader.readuntil(b"\r\n.\r\n"), writer.get_extra_info("peername")[0])
                writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
        writer.close()

    def _keep(self, mail: bytes, sender: str) -> None:
        lines = mail.decode(errors="replace").splitlines()
        self.subjects += [line.partition(":")[2].strip() for line in lines if line.startswith("Subject:")][:1]
        self.senders.append(sender)
