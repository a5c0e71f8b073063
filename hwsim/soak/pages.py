"""The page of both nodes, kept running as init would keep it, each followed by one browser."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import sys
from pathlib import Path

from hwsim.bench.panel.pair import ELSEWHERE, PanelPair
from hwsim.demo.scenario import ScenarioFailed
from hwsim.installed import FIRST_LOGIN_CODE, PANEL_ANSWERS
from hwsim.nodes import NodeError, Running
from hwsim.nodes.init import OVERLAID, in_tree
from hwsim.rack import SIDES, Rack

_LOOK_EACH = 2.0
_AGAIN = 30.0  # seconds until a browser that was not served tries again
_DEADLINE = 60.0
# What the packages do when they are installed.
_FURNISH = """\
getent group asha-panel >/dev/null || groupadd -r asha-panel
id asha-panel >/dev/null 2>&1 || useradd -r -M -g asha-panel -d /var/lib/asha/panel -s /usr/sbin/nologin asha-panel
mkdir -p -m 755 /var/lib/asha
mkdir -p -m 700 /var/lib/asha/panel
chown asha-panel:asha-panel /var/lib/asha/panel
"""


def _way_to_python() -> str:
    """Return a script that lets the page's user reach this interpreter on a node, as anybody may on a server.

    Only the node's own disk is changed: what is not on it is left as it is.
    """
    above = [str(place) for place in Path(sys.base_prefix).parents]
    own = [place for place in above if any(in_tree(place, directory) for directory in OVERLAID)]
    return "".join(f"chmod o+x {shlex.quote(place)}\n" for place in own)


class Pages:
    """The pages of `rack`. `starts`: when which side's page had to be started again, in monotonic seconds.

    A session does not outlive its page, so after a power cut no browser follows that node's page any more.
    """

    def __init__(self, rack: Rack) -> None:
        self.starts: list[tuple[str, float]] = []
        self._rack = rack
        self._browsers = PanelPair(rack)
        self._page: dict[str, Running] = {}
        self._browser: dict[str, Running] = {}
        self._try_at: dict[str, float] = {}

    async def open(self) -> None:
        """Start both pages and log in to them. Raises NodeError and ScenarioFailed."""
        for side in SIDES:
            await self._sh(side, _FURNISH + _way_to_python())
            said = await self._rack.servers[side].asha("panel", "welcome")
            code = FIRST_LOGIN_CODE.search(said.output)
            if code is None:
                raise NodeError(f"'asha panel welcome' on the {side} has printed no code: {said}")
            await self._start(side)
            await self._sh(side, PANEL_ANSWERS)
            self._browsers.cookies[side] = await self._browsers.visitor(side, "login", code.group())

    async def run(self) -> None:
        """Keep pages and browsers running, until cancelled."""
        while True:
            for side in SIDES:
                with contextlib.suppress(NodeError, OSError):  # its machine has just gone down or hung
                    await self._keep(side)
            await asyncio.sleep(_LOOK_EACH)

    def log(self, side: str) -> str:
        """Return what the page of `side` has written so far."""
        return (self._rack.servers[side].logs / f"{side}-panel.log").read_text(errors="replace")

    async def _keep(self, side: str) -> None:
        server, now = self._rack.servers[side], self._rack.now()
        if not server.powered:
            return
        if self._page[side].code is not None:
            self.starts.append((side, now))
            await self._start(side)
        browser = self._browser.get(side)
        if (browser is None or browser.code is not None) and now >= self._try_at.get(side, 0.0):
            self._try_at[side] = now + _AGAIN
            self._browser[side] = await self._follow(side)

    async def _start(self, side: str) -> None:
        server = self._rack.servers[side]
        argv = [*self._rack.site.program, "panel", "run"]
        self._page[side] = await server.node.spawn(argv, server.logs / f"{side}-panel.log")

    async def _follow(self, side: str) -> Running:
        server = self._rack.servers[side]
        words = ("-m", "hwsim.bench.panel.viewers", self._browsers.cookies[side], "1")
        return await server.node.spawn(
            [*ELSEWHERE, sys.executable, *words], server.logs / f"{side}-browser.log"
        )

    async def _sh(self, side: str, script: str) -> None:
        done = await self._rack.servers[side].node.run(["bash", "-ec", script], _DEADLINE)
        if not done.ok:
            raise ScenarioFailed(f"the page of the {side}: {done.err.strip() or done.out.strip()}")
