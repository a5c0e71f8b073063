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
# A site's browsers run on other machines: here they share two cores with both nodes, and run at low priority.
ELSEWHERE = ("nice", "-n", "19")


class PanelPair:
    """A pair made by `home`; `cookies` holds, by side, an operator's session once `log_in` was called."""

    def __init__(self, rack: Rack) -> None:
        self.rack = rack
        self.servers = {side: InstalledServer(rack.servers[side]) for side in SIDES}
        self.cookies: dict[str, str] = {}

    @classmethod
    async def home(cls, rack: Rack) -> PanelPair:
        """Return a pair at home: primary serving, secondary standing by, the last move forgotten.

        No panel has been asked for a page yet.
        """
        pair = cls(rack)
        await asyncio.gather(*(server.install() for server in pair.servers.values()))
        await asyncio.gather(*(server.start_panel() for server in pair.servers.values()))
        await Stage(rack, lambda words: None).home()
        moved = rack.history.first("relay", "primary", 0.0) or rack.now()
        await rack.pause(max(0.0, moved + rack.site.move_dwell - rack.now()))
        return pair

    def node(self, side: str) -> Node:
        """Return the machine on `side`."""
        return self.rack.servers[side].node

    async def process(self, side: str, pattern: str) -> Path:
        """Return the directory, in the node's /proc, of the one process that matches `pattern`."""
        return await asyncio.to_thread(only_process, self.node(side), pattern)

    async def agents(self) -> dict[str, Path]:
        """Return both sides' agents."""
        return {side: await self.process(side, AGENT) for side in SIDES}

    async def log_in(self) -> None:
        """Become the first operator of both panels."""
        for side, server in self.servers.items():
            self.cookies[side] = await self.visitor(side, "login", server.code)

    async def visitor(self, side: str, *words: str) -> Any:
        """Return what the browser program prints. Raises ScenarioFailed."""
        argv = [sys.executable, "-m", "hwsim.bench.panel.visitor", *words]
        done = await self.node(side).run(argv, 5 * _PATIENCE)
        if not done.ok:
            raise ScenarioFailed(f"the browser on the {side}: {done.err.strip()[-300:]}")
        return json.loads(done.out)

    @contextlib.asynccontextmanager
    async def watched(self, count: int) -> AsyncIterator[dict[str, Viewers]]:
        """Have `count` browsers on each node follow its page; all were shown something before the block."""
        viewers = {side: Viewers(self, side, count) for side in SIDES if count}
        try:
            await asyncio.gather(*(each.open() for each in viewers.values()))
            yield viewers
        finally:
            await asyncio.gather(*(each.close() for each in viewers.values()))


class Viewers:
    """Event streams of one node's panel, of which the first reports what it shows."""

    def __init__(self, pair: PanelPair, side: str, count: int) -> None:
        self._pair = pair
        self._side = side
        self._count = count
        self._log = pair.rack.servers[side].logs / f"{side}-viewers-{count}.log"
        self._program: Running | None = None

    async def open(self) -> None:
        """Open the streams. Raises ScenarioFailed when not all of them are accepted."""
        words = ("-m", "hwsim.bench.panel.viewers", self._pair.cookies[self._side], str(self._count))
        node = self._pair.node(self._side)
        self._program = await node.spawn([*ELSEWHERE, sys.executable, *words], self._log)
        await self.until(lambda told: "open" in told, f"{self._count} viewers follow the page")

    async def close(self) -> None:
        """Close the streams; harmless when they were not opened."""
        if self._program is not None:
            await self._program.stop(5.0)

    def first(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """Return the first report that is as `wanted`, or None."""
        text = self._log.read_text(errors="replace")
        lines = [line for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
        return next((told for told in map(json.loads, lines) if wanted(told)), None)

    async def until(self, wanted: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Wait for the first report that is as `wanted`, and return it.

        Raises ScenarioFailed when it does not come, also when one of the streams has ended.
        """
        end = self._pair.rack.now() + _PATIENCE
        while (found := self.first(wanted)) is None:
            if self._program is None or self._program.code is not None or self._pair.rack.now() > end:
                last = self._log.read_text(errors="replace").strip()[-300:]
                raise ScenarioFailed(f"on the {self._side} it was not seen that {what}: {last}")
            await self._pair.rack.pause(_LOOK)
        return found
