"""Has this node speak to the LAN from the cluster address while it has it (HASOURCE=route, see `net/lan_source.py`)."""

from __future__ import annotations

import asyncio
import contextlib

from appliance.agent.components.component import Component
from appliance.agent.context import NodeContext
from appliance.agent.lan_routes import speak_from_cluster_address
from appliance.agent.rhythm import until_beat
from appliance.core.errors import AshaError
from appliance.core.reading import is_known
from appliance.host.worker_thread import WorkerThread
from appliance.net.lan_source import forget_source

# Others may take a route away: networkd and NetworkManager when they are restarted. Seconds.
_LOOK = 5.0


class LanSource(Component):
    """The component that keeps the routes: at once when an address has come or gone, and now and then besides."""

    def __init__(self, context: NodeContext) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._journal = context.journal
        self._worker = WorkerThread("source", "Setting the routes to the LAN")
        self._again = asyncio.Event()
        self._problem = ""

    def look_again(self) -> None:
        """Look at the routes now: an address has come or gone."""
        self._again.set()

    async def run(self) -> None:
        """Keep them until cancelled."""
        while True:
            self._again.clear()
            await self.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(until_beat(_LOOK)):
                    await self._again.wait()

    async def look(self) -> None:
        """Set what is missing where the address is here, and remove what is left where it is not."""
        conf = self._this_node.conf
        here = is_known(self._observations.address, True)
        if not conf.cluster_ip or not (here or is_known(self._observations.address, False)):
            return  # no address of IPv4, or it cannot be seen
        wanted = here and conf.lan_source == "route"
        try:
            report = self._observations.report
            peer = report.lan_address if report is not None else ""
            changed = await self._worker.do(
                lambda: speak_from_cluster_address(conf, peer) if wanted else forget_source(conf.device)
            )
        except (AshaError, OSError) as problem:
            self._say(str(problem) if wanted else "")
            return
        self._say("")
        if changed:
            spoken = f"this node speaks to the LAN from {conf.cluster_ip}"
            self._journal.note("source", says=spoken if wanted else "this node speaks from its own address")

    def problems(self) -> list[str]:
        """Return why telephones are answered from this node's own address, where they should not be."""
        return [f"telephones: {self._problem}"] if self._problem else []

    def _say(self, problem: str) -> None:
        self._problem = problem
        self._journal.note_once("source", "routes", problem, over="the routes to the LAN are set again")
