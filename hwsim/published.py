"""The pages of both nodes at ports of this machine, for a browser that knows nothing of the rack's networks."""

from __future__ import annotations

import asyncio
import contextlib
import functools

from hwsim.nodes import RackError
from hwsim.nodes.netns import client_in
from hwsim.page import PANEL_PORT, Page
from hwsim.rack import SIDES, Rack

_LOOK_EACH = 2.0
_PIECE = 1 << 16
# A browser sends cookies to every port of a name: with two names both pages can be logged in to at once.
_NAMES = ("localhost", "127.0.0.1")


class PublishedPages:
    """The page of the primary at `port`, and that of the secondary at the next, of this machine's `address`."""

    def __init__(self, rack: Rack, address: str, port: int) -> None:
        self._rack = rack
        self._address = address
        self._ports = dict(zip(SIDES, (port, port + 1), strict=True))
        self._codes: dict[str, str] = {}
        self._pages: list[Page] = []
        self._listeners: list[asyncio.Server] = []
        self._keeping: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start both pages, before the agents as the packages do, and publish them. Raises RackError."""
        for side, server in self._rack.servers.items():
            page = Page(server, self._rack.site.program)
            self._codes[side] = await page.open()
            self._pages.append(page)
            await self._publish(side)
        self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Publish nothing any more; the pages end with their machines. Harmless when repeated."""
        for listener in self._listeners:
            listener.close()
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    def guide(self) -> str:
        """Return for people where the pages are and by which code each is entered first."""
        lines = [
            f"  {side:9}  https://{name}:{self._ports[side]}/  code for the first login: {self._codes[side]}"
            for side, name in zip(SIDES, _NAMES, strict=True)
        ]
        return "\n".join(("The pages (each with a certificate that it made itself):", *lines))

    async def _publish(self, side: str) -> None:
        carry = functools.partial(self._carry, side)
        try:
            self._listeners.append(await asyncio.start_server(carry, self._address, self._ports[side]))
        except OSError as problem:
            raise RackError(f"The page of the {side} cannot be published: {problem.strerror}.") from problem

    async def _keep(self) -> None:
        """Have the pages run wherever their machines do, as init would, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EACH)
            for page in self._pages:
                with contextlib.suppress(RackError, OSError):  # its machine has just gone down or hung
                    await page.keep()

    async def _carry(self, side: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one browser's connection to the page of `side` and back, until both have ended."""
        namespace = self._rack.network.namespace(side)
        with contextlib.suppress(RackError, OSError):  # the machine is off, or hangs
            client = await asyncio.to_thread(client_in, namespace, "127.0.0.1", PANEL_PORT)
            to_browser, to_page = await asyncio.open_connection(sock=client)
            await asyncio.gather(_pump(reader, to_page), _pump(to_browser, writer))
        writer.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Carry bytes from `source` to `sink`, and close `sink` at their end."""
    try:
        while piece := await source.read(_PIECE):
            sink.write(piece)
            await sink.drain()
    except OSError:  # one of the two has gone away
        pass
    finally:
        sink.close()
