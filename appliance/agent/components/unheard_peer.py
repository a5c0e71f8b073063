"""Finds why a peer that lives is not heard, tells it, and gives way where both would serve (core/unheard_peer.py)."""

from __future__ import annotations

import asyncio

from appliance.agent.components.component import Component
from appliance.agent.components.engine_change import EngineChanges
from appliance.agent.context import NodeContext
from appliance.agent.engine_change_peer import lacks_address, peer_report
from appliance.agent.engine_facts import EngineFacts
from appliance.agent.engine_orders import EngineOrders
from appliance.core.engine_change import EngineReport
from appliance.core.errors import AshaError
from appliance.core.reading import is_known
from appliance.core.status import Status
from appliance.core.unheard_peer import ASKED_EVERY, SILENT, gives_way, why_unheard

_LOOK = 1.0  # seconds between two looks at whether the peer is heard
_LOST = 3  # questions without an answer after which a peer that this node gave way to may be gone


class UnheardPeer(Component):
    """Asks a peer that is not heard by ssh, and stops this node's engine when it can never hear one that serves."""

    def __init__(
        self, context: NodeContext, *, facts: EngineFacts, orders: EngineOrders, changes: EngineChanges
    ) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._journal = context.journal
        self._clock = context.clock
        self._facts = facts
        self._orders = orders
        self._changes = changes
        self._heard_at = self._clock.now()
        self._why = ""
        self._gave_way = False
        self._unanswered = 0

    async def run(self) -> None:
        """Ask while the peer is not heard, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            if not self._is_silent():
                continue
            try:
                await self._ask()
            except (AshaError, OSError) as problem:
                self._journal.note("unheard peer", says=str(problem))
            await asyncio.sleep(ASKED_EVERY)

    def problems(self) -> list[str]:
        """Return why the peer is not heard, and that this node has given way to it."""
        if not self._why:
            return []
        return [f"this node's engine was stopped: {self._why}" if self._gave_way else self._why]

    def report(self, status: Status) -> Status:
        """Add it to what people are told of the engine."""
        troubles = (*status.engine.troubles, *self.problems())
        return super().report(status)._replace(engine=status.engine._replace(troubles=troubles))

    def _is_silent(self) -> bool:
        now, runs = self._clock.now(), is_known(self._observations.engine, True)
        if runs:
            self._gave_way = False
        if (
            self._changes.under_way
            or is_known(self._observations.peer_alive, True)
            or not (runs or self._gave_way)
        ):
            self._heard_at, self._why = now, ""
        return now - self._heard_at > SILENT

    async def _ask(self) -> None:
        try:
            other = await peer_report(self._this_node, self._facts.name, brief=False, everywhere=True)
        except (AshaError, ValueError):
            await self._unreached()
            return
        self._unanswered = 0
        own = await self._facts.report(self._facts.name)
        if self._gave_way:
            await self._go_on_if_alone(other)
            return
        why = why_unheard(own, other)
        if why and why != self._why:
            self._journal.note("unheard peer", says=why)
        self._why = why
        if why and gives_way(own, other) and not self._changes.under_way:
            await self._orders.stop()
            self._gave_way = True
            self._journal.note("unheard peer", says=self.problems()[0])

    async def _unreached(self) -> None:
        """Serve again when the peer to which this node gave way is gone: nobody else would."""
        self._unanswered += 1
        if not self._gave_way:
            self._why = ""
        elif self._unanswered >= _LOST and await lacks_address(self._this_node, self._clock):
            await self._start("it does not answer any more, and nobody has the cluster address")

    async def _go_on_if_alone(self, other: EngineReport) -> None:
        if not other.running and not other.changes:
            await self._start(f"{other.name} runs no engine any more")

    async def _start(self, why: str) -> None:
        self._journal.note("unheard peer", says=f"this node's engine is started again: {why}")
        await self._orders.start()
