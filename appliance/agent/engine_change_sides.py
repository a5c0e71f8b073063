"""The two roles in a pair's change from one cluster engine to the other: the secondary leads, the primary takes part.

The rules, and why they are safe, are `core/engine_change.py`.
"""

from __future__ import annotations

import asyncio

from appliance.agent.context import NodeContext
from appliance.agent.engine_change_note import ChangeNote
from appliance.agent.engine_change_peer import ChangePeer
from appliance.agent.engine_change_steps import LOOK, ChangeSteps
from appliance.config.bounds import bound_inputs
from appliance.core.engine_change import (
    TITLES,
    EngineChange,
    EngineReport,
    NextStep,
    next_step,
    patience,
    step_of_primary,
)
from appliance.core.errors import AshaError
from appliance.host.boot import boot_identity


class PrimarySide:
    """The primary's part. It follows a secondary that serves under the other engine."""

    def __init__(self, note: ChangeNote, peer: ChangePeer, steps: ChangeSteps) -> None:
        self._note = note
        self._peer = peer
        self._steps = steps

    async def go_on(self, change: EngineChange) -> None:
        """Start the engine of `change`, with which this agent works, as soon as that may be."""
        if self._steps.runs:
            await self._steps.complete_start(change)
            return
        try:
            await self._steps.prepare()  # ends the other engine, which init may have started
        except AshaError as problem:
            await self._steps.not_started(change, problem)
            return
        if await self._may_start(change):
            await self._steps.start(change)

    async def _may_start(self, change: EngineChange) -> bool:
        """Tell whether the primary may start this engine now.

        On the straight way nothing is asked: the secondary's engine is off. It may have gone on alone meanwhile when
        this machine was off, or on its way back.
        """
        if not change.goes_back and change.boot == boot_identity():
            return True
        secondary = await self._peer.ask(change.to, everywhere=True)
        if secondary is None:
            alone = await self._peer.lacks_address()
            if not alone:
                await asyncio.sleep(LOOK)
            return alone
        step = step_of_primary(change, secondary)
        if step is NextStep.WAIT:
            await asyncio.sleep(LOOK)
        elif step is NextStep.FOLLOW:
            await self._note.write(change.following(secondary.running))
        elif step is NextStep.GO_BACK:
            await self._note.write(change.returning("the secondary goes back"))
        return step is NextStep.START


class SecondarySide:
    """The secondary's part. It leads, and its engine is off until the primary says which one it runs."""

    def __init__(self, context: NodeContext, note: ChangeNote, peer: ChangePeer, steps: ChangeSteps) -> None:
        self._this_node = context.this_node
        self._journal = context.journal
        self._note = note
        self._peer = peer
        self._steps = steps

    async def go_on(self, change: EngineChange) -> None:
        """Do what is next for the secondary."""
        if self._steps.runs:
            await self._complete(change)
            return
        try:
            await self._steps.prepare()
        except AshaError as problem:
            if change.ordered:
                raise
            await self._note.write(change.returning(f"{TITLES[change.to]} could not be prepared: {problem}"))
            return
        await self._lead(await self._asked(change))

    async def _complete(self, change: EngineChange) -> None:
        """Complete a start that was begun, by an agent that was killed perhaps, unless the primary is elsewhere now."""
        change, primary = await self._asked(change)
        is_with_us = primary is not None and not primary.changes and primary.running in ("", change.to)
        goes_on = is_with_us or (primary is None and change.alone)
        await (self._steps.complete_start(change) if goes_on else self._steps.end_engine())

    async def _asked(
        self, change: EngineChange, *, everywhere: bool = False
    ) -> tuple[EngineChange, EngineReport | None]:
        """Return the change, and what the primary says; one that speaks is not to be done without."""
        primary = await self._peer.ask(change.to, everywhere=everywhere)
        change = self._note.change or change
        if primary is not None and change.alone:
            change = change.beginning_alone(False)
            await self._note.write(change)
        return change, primary

    async def _lead(self, asked: tuple[EngineChange, EngineReport | None]) -> None:
        change, primary = asked
        step = self._next(change, primary)
        if step is NextStep.WAIT:
            await asyncio.sleep(LOOK)
        elif step is NextStep.ORDER:
            await self._order(change)
        elif step is NextStep.FOLLOW and primary is not None:
            await self._note.write(change.following(primary.running))
        elif step is NextStep.GO_BACK:
            await self._go_back(change)
        elif primary is None:
            await self._begin_alone(change, look=step is NextStep.ALONE)
        else:
            await self._steps.start(change)

    def _next(self, change: EngineChange, primary: EngineReport | None) -> NextStep:
        return next_step(
            change,
            primary,
            unreached=self._peer.unreached,
            patience=patience(bound_inputs(self._this_node.conf)),
            boot=boot_identity(),
        )

    async def _begin_alone(self, change: EngineChange, *, look: bool) -> None:
        """Start the engine without a word of the primary, unless it speaks now; `look`: or has the cluster address.

        What this node is about to do is noted before the primary is asked: one that comes back meanwhile sees it.
        """
        change = change.beginning_alone(True)
        await self._note.write(change)
        change, primary = await self._asked(change, everywhere=True)
        if primary is not None:
            return
        if look and not await self._peer.lacks_address():
            await self._note.write(change.beginning_alone(False))
            await asyncio.sleep(LOOK)
            return
        await self._steps.start(change)

    async def _order(self, change: EngineChange) -> None:
        """Order the primary to change, once: how that went is seen by what it says next."""
        change = change.ordering()
        await self._note.write(change)
        try:
            await self._peer.order(change.to, change.number)
        except AshaError as problem:
            self._journal.note("engine change", says=f"the primary was ordered to change: {problem}")
        else:
            await self._note.write(change.heeded())

    async def _go_back(self, change: EngineChange) -> None:
        """Go back, after the primary has said once more that it is where it was: a late order comes to nothing then."""
        primary = await self._peer.ask(change.to, cancel=change.number, everywhere=True)
        change = self._note.change or change
        if self._next(change, primary) is not NextStep.GO_BACK:
            return
        why = "the primary cannot be asked" if primary is None else "the primary did not change"
        if primary is not None and primary.change is not None and primary.change.number == change.number:
            why = f"on the primary, {primary.change.says}"
        await self._note.write(change.returning(why))
