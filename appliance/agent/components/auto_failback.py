"""The automatic way back: with HAAUTOFAILBACK=on, service returns to the primary.

The primary must be fit and have all the data.
"""

from __future__ import annotations

import asyncio

from appliance.agent.components.component import Component
from appliance.agent.components.data_sync import SyncSupervisor
from appliance.agent.context import NodeContext
from appliance.agent.cycle import Cycle
from appliance.agent.engine_control import EngineControl
from appliance.agent.rhythm import until_beat
from appliance.core.data_policy import why_not
from appliance.core.engine_traits import ENGINE
from appliance.core.errors import AshaError
from appliance.core.lost_request import is_lost
from appliance.core.move_limit import reached
from appliance.core.reading import is_known

_LOOK = 1.0
# Heartbeat is not asked again sooner than this, in seconds.
_AGAIN = 60.0


class AutoFailback(Component):
    """The job that asks for service when everything has been in order for FAILBACKWAIT, or longer after a relapse.

    `paused`: a drill brings service back in its own time, by the same way.
    """

    def __init__(
        self, context: NodeContext, data: SyncSupervisor, cycle: Cycle, engine: EngineControl
    ) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._data = data
        self._journal = context.journal
        self._clock = context.clock
        self._cycle = cycle
        self._engine = engine
        self._since: float | None = None
        self.paused = False

    async def run(self) -> None:
        """Look once a second whether service is to return, until cancelled."""
        while True:
            await asyncio.sleep(until_beat(_LOOK))
            if self._is_due():
                await self.go("the primary is fit and has all the data (HAAUTOFAILBACK)")
                await asyncio.sleep(_AGAIN)

    def _is_due(self) -> bool:
        now = self._clock.now()
        if not self._this_node.conf.auto_failback or self.paused or self.why_not(now) or self._limited(now):
            self._since = None
            return False
        if self._since is None:
            self._since = now
        return now - self._since >= self._cycle.state.moves.failback_wait(
            self._this_node.conf.failback_wait, now
        )

    def _limited(self, now: float) -> bool:
        return reached(self._this_node.conf.move_limit, self._cycle.state.moves.count(now))

    @property
    def _stands_down(self) -> bool:
        """True while an operator works on this node, or on the node that serves."""
        report = self._observations.report
        return self._cycle.maintenance.on or (report is not None and is_known(report.maintenance, True))

    def why_not(self, now: float) -> str:
        """Return what is in the way of service coming back here at `now`; "" when nothing is."""
        if self._stands_down:
            return "somebody works on the pair (maintenance)"
        if is_lost(self._cycle.state, self._cycle.seen(now).peer):
            return f"{ENGINE} drops requests to move service"
        home = self._data.home(fit=not self._cycle.unfit(now))
        return why_not(home, self._this_node.conf.sync_stale)

    async def go(self, reason: str) -> str:
        """Ask the engine to bring service here; return what went wrong, or ""."""
        self._journal.note("failback", says=reason)
        try:
            await self._engine.takeover()
        except AshaError as problem:
            self._journal.note("failback", says=str(problem))
            return str(problem)
        return ""
