"""A pair at home on the RPMs' own runtime, its panels served, and browsers on both nodes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from hwsim.bench.agent_cost import AGENT
from hwsim.bench.family import only_process
from hwsim.demo.scenario import ScenarioFailed, Stage
from hwsim.installed import PROGRAM, InstalledServer
from hwsim.nodes import Node, Running
from hwsim.rack import SIDES, Rack
from hwsim.site import Site

SITE = Site(python="", asha=PROGRAM)
PANEL = r"asha panel run$"
_PATIENCE = 60.0
_LOOK = 0.05
# A site's browsers run on other machines: here they share two cores with both nodes, and give way.
_ELSEWHERE = ("nice", "-n", "19")


class PanelPair:
    """`home` makes it. `cookies`: by side, an operator's session, once `log_in` was called."""

    def __init__(self, rack: Rack) -> None:
        self.rack = rack
        self.servers = {side: InstalledServer(rack.servers[side]) for side in SIDES}
        self.cookies: dict[str, str] = {}

    @classmethod
    async def home(cls, rack: Rack) -> PanelPair:
        """The primary serves, the secondary stands by, the last move is forgotten; nobody has asked a panel yet."""
        pair = cls(rack)
        await asyncio.gather(*(server.install() for server in pair.servers.values()))
        await asyncio.gather(*(server.start_panel() for server in pair.servers.values()))
        await Stage(rack, lambda words: None).home()
        moved = rack.history.first("relay", "primary", 0.0) or rack.now()
        await rack.pause(max(0.0, moved + rack.site.move_dwell - rack.now()))
        return pair

    def node(self, side: str) -> Node:
        """That machine."""
        return self.rack.servers[side].node

    async def process(self, side: str, pattern: str) -> Path:
        """Its one process of that name, in its /proc."""
        return await asyncio.to_thread(only_process, self.node(side), pattern)

    async def agents(self) -> dict[str, Path]:
        """Both sides' agents."""
        return {side: await self.process(side, AGENT) for side in SIDES}

    async def log_in(self) -> None:
        """Become the first operator of both."""
        for side, server in self.servers.items():
            self.cookies[side] = await self.visitor(side, "login", server.code)

    async def visitor(self, side: str, *words: str) -> Any:
        """What the browser program says. Raises ScenarioFailed."""
        argv = [sys.executable, "-m", "hwsim.bench.panel.visitor", *words]
        done = await self.node(side).run(argv, 5 * _PATIENCE)
        if not done.ok:
            raise ScenarioFailed(f"the browser on the {side}: {done.err.strip()[-300:]}")
        return json.loads(done.out)

    @contextlib.asynccontextmanager
    async def watched(self, count: int) -> AsyncIterator[dict[str, Viewers]]:
        """`count` browsers on each node follow its page; all have been shown something when the block begins."""
        viewers = {side: Viewers(self, side, count) for side in SIDES if count}
        try:
            await asyncio.gather(*(each.open() for each in viewers.values()))
            yield viewers
        finally:
            await asyncio.gather(*(each.close() for each in viewers.values()))


class Viewers:
    """So many event streams of one node's panel, of which the first tells what it shows."""

    def __init__(self, pair: PanelPair, side: str, count: int) -> None:
        self._pair = pair
        self._side = side
        self._count = count
        self._log = pair.rack.servers[side].logs / f"{side}-viewers-{count}.log"
        self._program: Running | None = None

    async def open(self) -> None:
        """Raises ScenarioFailed when not all of them are let in."""
        words = ("-m", "hwsim.bench.panel.viewers", self._pair.cookies[self._side], str(self._count))
        node = self._pair.node(self._side)
        self._program = await node.spawn([*_ELSEWHERE, sys.executable, *words], self._log)
        await self.until(lambda told: "open" in told, f"{self._count} viewers follow the page")

    async def close(self) -> None:
        """Harmless when it was not opened."""
        if self._program is not None:
            await self._program.stop(5.0)

    def first(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """The first that was told and is so."""
        text = self._log.read_text(errors="replace")
        lines = [line for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
        return next((told for told in map(json.loads, lines) if wanted(told)), None)

    async def until(self, wanted: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """The first that is so, waited for. Raises ScenarioFailed, also when one of the streams has ended."""
        end = self._pair.rack.now() + _PATIENCE
        while (found := self.first(wanted)) is None:
            if self._program is None or self._program.code is not None or self._pair.rack.now() > end:
                last = self._log.read_text(errors="replace").strip()[-300:]
                raise ScenarioFailed(f"on the {self._side} it was not seen that {what}: {last}")
            await self._pair.rack.pause(_LOOK)
        return found
