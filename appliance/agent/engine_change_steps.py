"""The steps of a change of the engine that touch this node: leave the old engine, prepare the new one, start it.

An agent works with one engine for all its life, and begins anew when HAENGINE has changed; so every step begins by
looking at how things are.
"""

from __future__ import annotations

import asyncio

from appliance.agent.active_conf import ActiveConf
from appliance.agent.context import NodeContext
from appliance.agent.engine_change_note import ChangeNote
from appliance.agent.engine_control import EngineControl
from appliance.agent.engine_orders import EngineOrders
from appliance.cluster.boot_services import swap_at_boot
from appliance.cluster.engine import ClusterEngine
from appliance.cluster.installed import other_engines
from appliance.config.edit import set_values
from appliance.core.engine_change import TITLES, EngineChange
from appliance.core.errors import AshaError, ClusterError, HostError
from appliance.host.boot import boot_identity

LOOK = 0.5  # seconds between two looks at how far the other node is
_RELEASES = 60.0  # seconds within which a node whose engine has ended has let go of everything


class ChangeSteps:
    """The steps that stop, prepare and start the cluster engines of this node while the pair changes engines."""

    def __init__(
        self,
        context: NodeContext,
        note: ChangeNote,
        *,
        engine: ClusterEngine,
        control: EngineControl,
        orders: EngineOrders,
        active_conf: ActiveConf,
    ) -> None:
        self._journal = context.journal
        self._clock = context.clock
        self._conf_path = context.conf_path
        self._note = note
        self._engine = engine
        self._control = control
        self._orders = orders
        self._active_conf = active_conf
        self._prepared = self._started = False

    @property
    def runs(self) -> bool:
        """True while the engine that this agent works with runs."""
        return bool(self._engine.identity())

    def may_be_whole(self, change: EngineChange) -> bool:
        """Tell whether an engine that runs was started by this change; else init may have done it, unasked."""
        return self._started or change.boot == boot_identity()

    async def leave_engine(self, change: EngineChange) -> None:
        """End the engine that this agent works with, and set HAENGINE: another agent begins, with the other engine."""
        await self.end_engine()
        try:
            edit = await asyncio.to_thread(set_values, self._conf_path, {"HAENGINE": change.to})
        except AshaError as problem:
            if change.goes_back or change.ordered:
                raise
            await self._note.write(change.returning(f"HAENGINE could not be set: {problem}"))
            return
        if edit.after != edit.before:
            self._journal.note("conf", by=change.by, diff=f"+HAENGINE={change.to}")
        self._active_conf.adopt(edit.conf)
        await asyncio.sleep(LOOK)

    async def end_engine(self) -> None:
        """End the engine, and wait until everything is let go. Raises ClusterError when it is not."""
        if self.runs or not self._active_conf.engine_off:
            await self._orders.stop()
        give_up = self._clock.now() + _RELEASES
        while not self._active_conf.engine_off:
            if self._clock.now() > give_up:
                raise ClusterError("this node has not let go of everything after the end of the engine")
            await asyncio.sleep(LOOK / 10)

    async def prepare(self) -> None:
        """Make this engine the only one that can start here, and write its files, once in an agent's life."""
        if self._prepared:
            return
        for other in other_engines(self._engine):
            await asyncio.to_thread(self._put_away, other)
        await self._control.prepare()
        self._prepared = True

    def _put_away(self, other: ClusterEngine) -> None:
        if other.identity():
            other.stop()
        try:
            other.place()
        except HostError:
            return  # one that is not installed has no files
        try:
            other.retire()
        except HostError as problem:
            self._journal.note("engine change", says=str(problem))

    async def start(self, change: EngineChange) -> None:
        """Start the engine, which is prepared; when that fails on the primary, the way back begins."""
        try:
            await self._orders.start()
        except AshaError as problem:
            await self.not_started(change, problem)
        else:
            self._started = True
            await self._arrived(change)

    async def complete_start(self, change: EngineChange) -> None:
        """Start what is missing: an agent that was killed may have started Corosync and not Pacemaker."""
        try:
            await self._control.start()
        except AshaError as problem:
            await self.not_started(change, problem)
        else:
            await self._arrived(change)

    async def not_started(self, change: EngineChange, problem: AshaError) -> None:
        """Leave nothing of an engine that did not start, as if it ran; raise `problem` when there is no way back."""
        if not (change.leads or change.goes_back):
            await self._note.write(change.returning(f"{TITLES[change.to]} could not be started: {problem}"))
            return
        if self.runs:
            await self.end_engine()
        if change.alone:
            await self._note.write(change.beginning_alone(False))
        raise problem

    async def _arrived(self, change: EngineChange) -> None:
        """Note that this node has arrived. From here on init starts this engine; until now it could start neither."""
        await asyncio.to_thread(self._swap_at_boot)
        way = (
            f"went back to {TITLES[change.to]}: {change.says}"
            if change.goes_back
            else f"runs {TITLES[change.to]}"
        )
        await self._note.write(change.ended(f"this node {way}", boot_identity()))

    def _swap_at_boot(self) -> None:
        try:
            for other in other_engines(self._engine):
                swap_at_boot(other.services, self._engine.services)
        except HostError as problem:
            self._journal.note("engine change", says=str(problem))
