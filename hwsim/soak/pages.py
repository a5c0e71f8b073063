"""The page of both nodes, kept running as init would keep it, each followed by one browser."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from hwsim.bench.panel.pair import ELSEWHERE, PanelPair
from hwsim.nodes import NodeError, Running
from hwsim.page import Page
from hwsim.rack import SIDES, Rack

_LOOK_EACH = 2.0
_AGAIN = 30.0  # seconds until a browser that was not served tries again


class Pages:
    """The pages of `rack`. `starts`: when which side's page had to be started again, in monotonic seconds.

    A session does not outlive its page, so after a power cut no browser follows that node's page any more.
    """

    def __init__(self, rack: Rack) -> None:
        self.starts: list[tuple[str, float]] = []
        self._rack = rack
        self._browsers = PanelPair(rack)
        program = rack.site.program
        self._page = {side: Page(server, program) for side, server in rack.servers.items()}
        self._browser: dict[str, Running] = {}
        self._try_at: dict[str, float] = {}

    async def open(self) -> None:
        """Start both pages and log in to them. Raises NodeError and ScenarioFailed."""
        for side in SIDES:
            code = await self._page[side].open()
            self._browsers.cookies[side] = await self._browsers.visitor(side, "login", code)

    async def run(self) -> None:
        """Keep pages and browsers running, until cancelled."""
        while True:
            for side in SIDES:
                with contextlib.suppress(NodeError, OSError):  # its machine has just gone down or hung
                    await self._keep(side)
            await asyncio.sleep(_LOOK_EACH)

    def log(self, side: str) -> str:
        """Return what the page of `side` has written so far."""
        return self._page[side].log.read_text(errors="replace")

    async def _keep(self, side: str) -> None:
        server, now = self._rack.servers[side], self._rack.now()
        if not server.powered:
            return
        if await self._page[side].keep():
            self.starts.append((side, now))
        browser = self._browser.get(side)
        if (browser is None or browser.code is not None) and now >= self._try_at.get(side, 0.0):
            self._try_at[side] = now + _AGAIN
            self._browser[side] = await self._follow(side)

    async def _follow(self, side: str) -> Running:
        server = self._rack.servers[side]
        words = ("-m", "hwsim.bench.panel.viewers", self._browsers.cookies[side], "1")
        return await server.node.spawn(
            [*ELSEWHERE, sys.executable, *words], server.logs / f"{side}-browser.log"
        )
