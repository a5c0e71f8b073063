"""The automatic way back: with HAAUTOFAILBACK=on, service returns to the primary.

When it does so is decided in `core/auto_failback.py`.
"""

from __future__ import annotations

import asyncio

from appliance.agent.components.component import Component
from appliance.agent.components.data_sync import SyncSupervisor
from appliance.agent.context import NodeContext
from appliance.agent.cycle import Cycle
from appliance.agent.engine_control import EngineControl
from appliance.agent.rhythm import until_beat
from appliance.core.auto_failback import FailbackPolicy, WayBack, follow, why_not_back
from appliance.core.errors import AshaError
from appliance.core.reading import is_known

_LOOK = 1.0


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
        self._way = WayBack()
        self.paused = False

    async def run(self) -> None:
        """Look once a second whether service is to return, until cancelled."""
        while True:
            await asyncio.sleep(until_beat(_LOOK))
            if self._is_due():
                await self.go("the primary is fit and has all the data (HAAUTOFAILBACK)")

    def _is_due(self) -> bool:
        now, conf = self._clock.now(), self._this_node.conf
        policy = FailbackPolicy(conf.auto_failback and not self.paused, conf.failback_wait, conf.move_limit)
        blocked = self.why_not(now) if policy.wanted else ""
        self._way, due = follow(self._way, blocked, self._cycle.state.moves, policy, now)
        return due

    @property
    def _stands_down(self) -> bool:
        """True while an operator works on this node, or on the node that serves."""
        report = self._observations.report
        return self._cycle.maintenance.on or (report is not None and is_known(report.maintenance, True))

    def why_not(self, now: float) -> str:
        """Return what is in the way of service coming back here at `now`; "" when nothing is."""
        state, peer = self._cycle.state, self._cycle.seen(now).peer
        home = self._data.home(fit=self._cycle.fitness(now).ready)
        return why_not_back(state, peer, home, self._this_node.conf.sync_stale, stands_down=self._stands_down)

    async def go(self, reason: str) -> str:
        """Ask the engine to bring service here; return what went wrong, or ""."""
        self._journal.note("failback", says=reason)
        try:
            await self._engine.takeover()
        except AshaError as problem:
            self._journal.note("failback", says=str(problem))
            return str(problem)
        return ""
