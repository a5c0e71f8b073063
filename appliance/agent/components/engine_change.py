"""The change of this node from one cluster engine to the other: it does its part by a note on disk, whoever is killed.

Who does what in which order, and why that is safe, is `core/engine_change.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import replace
from pathlib import Path

from appliance.agent.active_conf import ActiveConf
from appliance.agent.components.component import Component, who
from appliance.agent.context import NodeContext
from appliance.agent.engine_change_note import ChangeNote
from appliance.agent.engine_change_peer import ChangePeer
from appliance.agent.engine_change_sides import PrimarySide, SecondarySide
from appliance.agent.engine_change_steps import LOOK, ChangeSteps
from appliance.agent.engine_control import EngineControl, have_secret
from appliance.agent.engine_facts import EngineFacts
from appliance.agent.engine_orders import EngineOrders
from appliance.cluster.engine import ClusterEngine
from appliance.cluster.installed import installed_engine
from appliance.control.protocol import ControlRequest
from appliance.core.answers import Said
from appliance.core.engine_change import (
    ASKED_AGAIN,
    TITLES,
    EngineChange,
    EngineReport,
    NextStep,
    agreement,
    ask_later,
    hindrances,
    known_engine,
    of_node,
    order_stands,
)
from appliance.core.errors import AshaError, ClusterError, UserError
from appliance.core.model import Node
from appliance.core.reading import is_known
from appliance.host.boot import boot_identity
from appliance.host.paths import ENGINE_CHANGE

_AGAIN = 5.0  # seconds until a step that has failed is tried again
_NUMBER_LENGTH = 40


class EngineChanges(Component):
    """The component with the verbs of a change: `engine`, `engine migrate`, `engine switch`."""

    def __init__(
        self,
        context: NodeContext,
        *,
        engine: ClusterEngine,
        control: EngineControl,
        orders: EngineOrders,
        facts: EngineFacts,
        active_conf: ActiveConf,
        path: Path = ENGINE_CHANGE,
    ) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._journal = context.journal
        self._clock = context.clock
        self._engine = engine
        self._facts = facts
        self._note = ChangeNote(context, path, facts.name)
        self._peer = ChangePeer(context, self._note)
        self._steps = steps = ChangeSteps(
            context, self._note, engine=engine, control=control, orders=orders, active_conf=active_conf
        )
        self._primary = PrimarySide(self._note, self._peer, steps)
        self._secondary = SecondarySide(context, self._note, self._peer, steps)
        self._begun = asyncio.Event()
        self._pause = ASKED_AGAIN
        self._one_at_a_time = asyncio.Lock()
        self.verbs = {"engine": self._report, "engine migrate": self._migrate, "engine switch": self._switch}

    @property
    def under_way(self) -> bool:
        """True while a change is under way on this node."""
        return self._note.under_way

    def says(self) -> str:
        """Return how far the change is, for people; "" when none is under way."""
        return self._note.says()

    async def why_not_asked(self) -> str:
        """Return why the peer could not be asked which engine it runs, as a clause; "" when it runs no other.

        HAENGINE=auto may choose another one here, when this node is set up anew. Where HAENGINE names an engine, a
        peer that cannot be asked is nothing to tell. Raises ClusterError when the peer runs another one.
        """
        own, chosen_by = self._facts.name, self._this_node.conf.engine
        if self._engine.identity():
            return ""
        try:
            running = (await self._peer.answer(own)).running
        except (AshaError, ValueError) as problem:
            if chosen_by != "auto":
                return ""
            return f"{self._this_node.peer_name} could not be asked which engine it runs: {problem}"
        if running not in TITLES or running == own:
            return ""
        here = "HAENGINE=auto has chosen" if chosen_by == "auto" else f"HAENGINE={chosen_by} names"
        raise ClusterError(
            f"{self._this_node.peer_name} runs {TITLES[running]}, and {here} {TITLES[own]} here: "
            "each would take the other node for dead, and both would serve. Nothing was started.",
            todo=f"Have the same here: asha conf set HAENGINE {running}.",
        )

    def problems(self) -> list[str]:
        return list(filter(None, [self.says()]))

    async def run(self) -> None:
        """Do this node's part of a change, until cancelled."""
        while True:
            if not self._note.unsettled:
                await self._begun.wait()
            self._begun.clear()
            try:
                await self._go_on()
            except (AshaError, OSError) as problem:
                self._note.say_trouble(str(problem))
                await asyncio.sleep(_AGAIN)

    # -- what is asked --------------------------------------------------------------------------------------

    async def _report(self, request: ControlRequest) -> EngineReport:
        """Tell how things are. `cancel`: the number of a change that this node is not to take part in any more."""
        to = known_engine(request.text("to"))
        if number := request.text("cancel")[:_NUMBER_LENGTH]:
            await self._give_up(to, number)
        return await self._own_report(to, brief=request.flag("brief"))

    async def _give_up(self, to: str, number: str) -> None:
        """Note that the change `number` is over for this node, unless it is under way: a late order is then refused.

        It is noted on disk, since an order may be later than the next agent. One that this node has taken part in is
        over already, and says how it ended.
        """
        async with self._one_at_a_time:
            known = self._note.change
            if not self.under_way and (known is None or known.number != number):
                given_up = EngineChange(to, self._facts.name, number)
                await self._note.write(given_up.ended("it was given up by the secondary", boot_identity()))
                self._begun.set()

    async def _own_report(self, to: str, *, brief: bool = False) -> EngineReport:
        return replace(
            await self._facts.report(to, brief=brief), change=self._note.change, trouble=self._note.trouble
        )

    async def _migrate(self, request: ControlRequest) -> Said:
        """Begin a change of the pair, which the secondary leads. Raises ClusterError with all that is in the way."""
        to = known_engine(request.text("to"))
        if self._this_node.node is not Node.SECONDARY:
            raise UserError(
                "A change of the engine begins on the secondary, which changes first.",
                todo=f"Run it on {self._this_node.peer_name}.",
            )
        own, primary = await asyncio.gather(self._own_report(to), self._peer.ask(to, brief=False))
        if primary is None:
            raise ClusterError(f"Not now: {self._note.trouble} Nothing was changed.")
        found = hindrances(own, primary, to)
        self._journal.note(
            "wish", wish=f"engine migrate {to}", allowed=not found, says="; ".join(found), by=who(request)
        )
        if found:
            raise ClusterError(f"Not now: {'; '.join(found)}. Nothing was changed.")
        if why := await asyncio.to_thread(have_secret, installed_engine(to), self._this_node):
            raise ClusterError(f"{TITLES[to]} has no secret here.{why}")
        change = EngineChange(to, own.engine, secrets.token_hex(8), leads=True, by=who(request))
        await self._begin(change)
        self._peer.begin()
        return Said(f"The change to {TITLES[to]} begins.")

    async def _switch(self, request: ControlRequest) -> Said:
        """Change this node, the primary, by order of the secondary. Raises ClusterError when it may not be now."""
        to, number = known_engine(request.text("to")), request.text("number")[:_NUMBER_LENGTH]
        own = await self._own_report(to)
        found = list(of_node(own, to))
        if self._this_node.node is not Node.PRIMARY:
            found.append("it is the secondary, which leads a change and is ordered by nobody")
        if not number:
            found.append("the order has no number")
        if not found and not await self._is_meant(to, number):
            found.append("the secondary does not say, when it is asked back, that it still means the order")
        self._journal.note(
            "wish", wish=f"engine switch {to}", allowed=not found, says="; ".join(found), by=who(request)
        )
        if found:
            raise ClusterError(f"Not now: {'; '.join(found)}.")
        await self._begin(EngineChange(to, own.engine, number, by=who(request)))
        return Said(f"This node changes to {TITLES[to]}.")

    async def _is_meant(self, to: str, number: str) -> bool:
        """Ask the secondary whether it means its order, which may be late, or nobody's."""
        secondary = await self._peer.ask(to)
        return secondary is not None and order_stands(secondary, to, number)

    async def _begin(self, change: EngineChange) -> None:
        """Note `change`, which begins now. Raises ClusterError when one is under way, or this one was given up."""
        async with self._one_at_a_time:
            known = self._note.change
            if self.under_way or (known is not None and known.number == change.number):
                raise ClusterError(f"Not now: {self.says() or 'this change is over'}.")
            await self._note.write(replace(change, boot=boot_identity(), began=self._clock.wall()))
            self._pause = ASKED_AGAIN
        self._begun.set()

    # -- this node's part -----------------------------------------------------------------------------------

    async def _go_on(self) -> None:
        """Take the next step of the change that is under way; one that takes long is taken in pieces."""
        await self._note.keep()
        change = self._note.change
        if change is None or change.settled:
            return
        if change.over:
            await self._settle(change)
        elif self._facts.name != change.to:
            await self._steps.leave_engine(change)
        elif self._steps.runs and not self._steps.may_be_whole(change):
            await self._steps.end_engine()
        else:
            await (self._secondary if change.leads else self._primary).go_on(change)

    async def _settle(self, change: EngineChange) -> None:
        """See which engine the other node runs by now, and follow it when it is another one and this node should."""
        own = await self._own_report(change.to, brief=True)
        hears = is_known(self._observations.peer_alive, True)
        try:
            other = await self._peer.answer(change.to)
        except (AshaError, ValueError):
            await self._pause_longer(hears)
            return
        async with self._one_at_a_time:
            if self._note.change != change:
                return
            step = agreement(own, other)
            if step is NextStep.SETTLED:
                await self._note.write(replace(change, settled=True))
                return
            if step is NextStep.FOLLOW:
                await self._note.write(change.following(other.running))
                self._peer.begin()
                self._pause = ASKED_AGAIN
                return
        if other.changes:
            self._pause = ASKED_AGAIN
            await asyncio.sleep(LOOK)
        else:
            await self._pause_longer(hears)

    async def _pause_longer(self, hears: bool) -> None:
        """Wait until the other node may be asked again, each time longer, up to ASKED_SELDOM.

        The wait is over at once when another change begins here, and when the engine hears the other node, which it did
        not (`hears` is False) when that was asked: whoever comes back after a week is asked then.
        """
        end = self._clock.now() + self._pause
        self._pause = ask_later(self._pause)
        while self._clock.now() < end and not self._begun.is_set():
            if not hears and is_known(self._observations.peer_alive, True):
                self._pause = ASKED_AGAIN
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK, end - self._clock.now())):
                    await self._begun.wait()
