"""Simulated devices on a network: a berofos behind real HTTP and UDP, and Modbus boards behind TCP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from hwsim.card.berofos import Berofos
from hwsim.card.boards import SerialBoard
from hwsim.card.card import SLOW_DELAY, Fault
from hwsim.card.modbus import checksum

HTTP_PORT, UDP_PORT = 80, 50123
_LONGEST_LINE = 4096
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


class BerofosOnNetwork:
    """The sockets of `berofos`; the faults Fault.SILENT, GARBAGE and SLOW of the card are those of its web server."""

    def __init__(self, berofos: Berofos) -> None:
        self._berofos = berofos
        self._server: asyncio.Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None

    async def start(self, tcp: socket.socket, udp: socket.socket) -> None:
        """Switch it on, answering at these sockets."""
        self._berofos.power_on()
        self._server = await asyncio.start_server(self._serve, sock=tcp, limit=_LONGEST_LINE)
        loop = asyncio.get_running_loop()
        self._datagrams, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._answer_to), sock=udp
        )

    def stop(self) -> None:
        """Take it off the network and cut its power. Harmless when repeated."""
        self._berofos.power_off()
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._datagrams is not None:
            self._datagrams.close()
            self._datagrams = None

    def _answer_to(self, data: bytes) -> bytes:
        return b"" if Fault.DEAF in self._berofos.faults else self._berofos.datagram(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
            await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, _ = (await reader.readline()).decode("latin-1").split(" ", 2)
        authorization = ""
        while line := (await reader.readline()).decode("latin-1").strip():
            name, _, value = line.partition(":")
            if name.lower() == "authorization":
                authorization = value.strip()
        faults = self._berofos.faults
        if Fault.DEAF in faults:
            await reader.read()
            return
        if Fault.SLOW in faults:
            await asyncio.sleep(SLOW_DELAY)
        status, text = (
            self._berofos.page(target, authorization)
            if method == "GET" and self._berofos.powered
            else (400, "")
        )
        if Fault.SILENT in faults:
            await reader.read()
            return
        if Fault.GARBAGE in faults:
            text = "\x00\xff noise" * 20000
        body = text.encode("latin-1")
        head = f"HTTP/1.0 {status} {_REASONS[status]}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if said := self._answer(data):
            self._transport.sendto(said, addr)


class BoardOnNetwork:
    """A Modbus board behind TCP: with `mbap` by Modbus TCP, else by the frames of the serial line."""

    def __init__(self, board: SerialBoard, *, mbap: bool) -> None:
        self._board = board
        self._mbap = mbap
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._number = b""
        board.on_say.append(self._say)

    async def start(self, tcp: socket.socket) -> None:
        """Switch it on, answering at this socket."""
        self._board.power_on()
        self._server = await asyncio.start_server(self._serve, sock=tcp)

    def stop(self) -> None:
        """Take it off the network and cut its power. Harmless when repeated."""
        self._board.power_off()
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while data := await self._frame(reader):
                self._board.hear(data)
        writer.close()

    async def _frame(self, reader: asyncio.StreamReader) -> bytes:
        if not self._mbap:
            return await reader.read(_LONGEST_LINE)
        head = await reader.readexactly(6)
        self._number = head[:2]
        body = await reader.readexactly(int.from_bytes(head[4:], "big"))
        return body + checksum(body)

    def _say(self, data: bytes) -> None:
        if self._mbap:
            data = self._number + b"\0\0" + (len(data) - 2).to_bytes(2, "big") + data[:-2]
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)
