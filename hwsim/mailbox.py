"""A mail server at the rack's outside host that accepts all mail (RFC 5321)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from hwsim.nodes import Network
from hwsim.nodes.netns import server_in

_ADDRESS, _PORT = Network.address("outside"), 2525
SERVER = f"{_ADDRESS}:{_PORT}"


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail: when it was written, by its own word in whole seconds since the epoch, by which address, and on what."""

    at: float
    sender: str
    subject: str


class Mailbox:
    """The mail server. Of all mail so far `subjects` holds the subjects, and `senders` who had sent it, by address.

    `received` holds the mails that say when they were written.
    """

    def __init__(self) -> None:
        self.subjects: list[str] = []
        self.senders: list[str] = []
        self.received: list[ReceivedMail] = []

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
        subject = _first(lines, "Subject:")
        self.subjects += [subject] if subject is not None else []
        self.senders.append(sender)
        with contextlib.suppress(TypeError, ValueError):  # a mail without a date
            at = parsedate_to_datetime(_first(lines, "Date:") or "").timestamp()
            self.received.append(ReceivedMail(at, sender, subject or ""))


def _first(lines: list[str], field: str) -> str | None:
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), None)
