"""The change of this node from one cluster engine to the other: it does its part by a note on disk, whoever is killed.

Who does what in which order, and why that is safe, is `core/engine_change.py`. An agent works with one engine for all
its life, and begins anew when HAENGINE has changed; so every step here begins by looking at how things are.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import replace
from pathlib import Path

from appliance.agent.active_conf import ActiveConf
from appliance.agent.components.component import Component, who
from appliance.agent.context import NodeContext
from appliance.agent.engine_change_file import change_file
from appliance.agent.engine_control import EngineControl, have_secret
from appliance.agent.engine_facts import EngineFacts
from appliance.agent.engine_orders import EngineOrders
from appliance.cluster.boot_services import swap_at_boot
from appliance.cluster.engine import ClusterEngine
from appliance.cluster.installed import installed_engine, other_engines
from appliance.config.bounds import bound_inputs
from appliance.config.edit import set_values
from appliance.control.protocol import ControlRequest
from appliance.core.answers import Said
from appliance.core.as_json import read_as, to_json
from appliance.core.engine_change import (
    TITLES,
    EngineChange,
    EngineReport,
    NextStep,
    hindrances,
    known_engine,
    next_step,
    of_node,
    patience,
    step_of_primary,
)
from appliance.core.errors import AshaError, ClusterError, HostError, UserError
from appliance.core.model import Node
from appliance.core.reading import is_known
from appliance.host.boot import boot_identity
from appliance.host.paths import ENGINE_CHANGE
from appliance.net.neighbours import duplicated
from appliance.sync.peer_link import ask_once
from appliance.sync.ssh import way_to_peer

_LOOK = 0.5  # seconds between two looks at how far the primary is
_AGAIN = 5.0  # seconds until a step that has failed is tried again
_RELEASES = 60.0  # seconds within which a node whose engine has ended has let go of everything
_NUMBER_LENGTH = 40
_PATIENCE = 15.0  # seconds for the peer's answer


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
        self._journal = context.journal
        self._clock = context.clock
        self._conf_path = context.conf_path
        self._engine = engine
        self._control = control
        self._orders = orders
        self._active_conf = active_conf
        self._facts = facts
        self._file = change_file(path)
        self._note = self._file.load()
        self._trouble = ""
        self._prepared = self._started = False
        self._reached_at = context.clock.now()
        self._begun = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self.verbs = {"engine": self._report, "engine migrate": self._migrate, "engine switch": self._switch}

    @property
    def under_way(self) -> bool:
        """True while a change is under way on this node."""
        return self._note is not None and not self._note.over

    def says(self) -> str:
        """Return how far the change is, for people; "" when none is under way."""
        note = self._note
        if note is None or note.over:
            return ""
        way = f"back to {TITLES[note.to]} ({note.says})" if note.goes_back else f"to {TITLES[note.to]}"
        return f"the pair's change {way} is under way{': ' + self._trouble if self._trouble else ''}"

    async def why_not_asked(self) -> str:
        """Return why the peer could not be asked which engine it runs, as a clause; "" when it runs no other.

        HAENGINE=auto may choose another one here, when this node is set up anew. Raises ClusterError when it has.
        """
        own = self._facts.name
        if self._this_node.conf.engine != "auto" or self._engine.identity():
            return ""
        try:
            answer = await asyncio.to_thread(self._ask, "report", own, "", brief=True)
            running = read_as(EngineReport, answer.get("report")).running
        except (AshaError, ValueError) as problem:
            return f"{self._this_node.peer_name} could not be asked which engine it runs: {problem}"
        if running not in TITLES or running == own:
            return ""
        raise ClusterError(
            f"{self._this_node.peer_name} runs {TITLES[running]}, and HAENGINE=auto has chosen {TITLES[own]} here: "
            "each would take the other node for dead, and both would serve. Nothing was started.",
            todo=f"Have the same here: asha conf set HAENGINE {running}.",
        )

    def problems(self) -> list[str]:
        return list(filter(None, [self.says()]))

    async def run(self) -> None:
        """Do this node's part of a change, until cancelled."""
        while True:
            if not self.under_way:
                await self._begun.wait()
                self._begun.clear()
            try:
                await self._go_on()
            except (AshaError, OSError) as problem:
                self._say_trouble(str(problem))
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
            if not self.under_way and (self._note is None or self._note.number != number):
                await self._write(
                    EngineChange(to, self._facts.name, number).ended("it was given up by the secondary")
                )

    async def _own_report(self, to: str, *, brief: bool = False) -> EngineReport:
        return replace(await self._facts.report(to, brief=brief), change=self._note, trouble=self._trouble)

    async def _migrate(self, request: ControlRequest) -> Said:
        """Begin a change of the pair, which the secondary leads. Raises ClusterError with all that is in the way."""
        to = known_engine(request.text("to"))
        if self._this_node.node is not Node.SECONDARY:
            raise UserError(
                "A change of the engine begins on the secondary, which changes first.",
                todo=f"Run it on {self._this_node.peer_name}.",
            )
        own, primary = await asyncio.gather(self._own_report(to), self._ask_peer(to, brief=False))
        if primary is None:
            raise ClusterError(f"Not now: {self._trouble} Nothing was changed.")
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
        self._reached_at = self._clock.now()
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
        self._journal.note(
            "wish", wish=f"engine switch {to}", allowed=not found, says="; ".join(found), by=who(request)
        )
        if found:
            raise ClusterError(f"Not now: {'; '.join(found)}.")
        await self._begin(EngineChange(to, own.engine, number, by=who(request)))
        return Said(f"This node changes to {TITLES[to]}.")

    async def _begin(self, change: EngineChange) -> None:
        """Note `change`, which begins now. Raises ClusterError when one is under way, or this one was given up."""
        async with self._one_at_a_time:
            if self.under_way or (self._note is not None and self._note.number == change.number):
                raise ClusterError(f"Not now: {self.says() or 'this change is over'}.")
            await self._write(replace(change, boot=boot_identity(), began=self._clock.wall()))
        self._begun.set()

    # -- this node's part -----------------------------------------------------------------------------------

    async def _go_on(self) -> None:
        """Take the next step of the change that is under way; one that takes long is taken in pieces."""
        note = self._note
        if note is None or note.over:
            return
        if self._facts.name != note.to:
            await self._leave_engine(note)
            return
        if self._engine.identity():
            if self._started or note.boot == boot_identity():
                await self._complete_start(note)
                return
            # Init may have started it at boot, without a question to the other node.
            await self._end_engine()
        await (self._lead(note) if note.leads else self._start(note))

    async def _complete_start(self, note: EngineChange) -> None:
        """Start what is missing: an agent that was killed may have started Corosync and not Pacemaker."""
        try:
            await self._control.start()
        except AshaError as problem:
            await self._not_started(note, problem)
        else:
            await self._arrived(note)

    async def _leave_engine(self, note: EngineChange) -> None:
        """End the engine that this agent works with, and set HAENGINE: another agent begins, with the other engine."""
        await self._end_engine()
        try:
            edit = await asyncio.to_thread(set_values, self._conf_path, {"HAENGINE": note.to})
        except AshaError as problem:
            if note.goes_back or note.ordered:
                raise
            await self._write(note.returning(f"HAENGINE could not be set: {problem}"))
            return
        if edit.after != edit.before:
            self._journal.note("conf", by=note.by, diff=f"+HAENGINE={note.to}")
        self._active_conf.adopt(edit.conf)
        await asyncio.sleep(_LOOK)

    async def _end_engine(self) -> None:
        if self._engine.identity() or not self._active_conf.engine_off:
            await self._orders.stop()
        give_up = self._clock.now() + _RELEASES
        while not self._active_conf.engine_off:
            if self._clock.now() > give_up:
                raise ClusterError("this node has not let go of everything after the end of the engine")
            await asyncio.sleep(_LOOK / 10)

    async def _prepare(self) -> None:
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

    async def _start(self, note: EngineChange) -> None:
        """Start the new engine; when that fails on the primary, the way back begins."""
        try:
            await (
                self._prepare()
            )  # ends the other one, which init may have started, before anybody is waited for
            if not note.leads and not await self._may_start(note):
                return
            await self._orders.start()
        except AshaError as problem:
            await self._not_started(note, problem)
        else:
            self._started = True
            await self._arrived(note)

    async def _not_started(self, note: EngineChange, problem: AshaError) -> None:
        """Leave nothing of an engine that did not start, as if it ran; raise `problem` when there is no way back."""
        if not (note.leads or note.goes_back):
            await self._write(note.returning(f"{TITLES[note.to]} could not be started: {problem}"))
            return
        if self._engine.identity():
            await self._end_engine()
        raise problem

    async def _may_start(self, note: EngineChange) -> bool:
        """Tell whether the primary may start this engine now; it follows a secondary that serves under the other one.

        On the straight way nothing is asked: the secondary's engine is off. It may have gone on alone meanwhile when
        this machine was off, or on its way back.
        """
        if not note.goes_back and note.boot == boot_identity():
            return True
        secondary = await self._ask_peer(note.to)
        if secondary is None:
            return await self._nobody_has_address()
        step = step_of_primary(note, secondary)
        if step is NextStep.WAIT:
            await asyncio.sleep(_LOOK)
        elif step is NextStep.FOLLOW:
            await self._write(note.following(secondary.running))
        elif step is NextStep.GO_BACK:
            await self._write(note.returning("the secondary goes back"))
        return step is NextStep.START

    async def _arrived(self, note: EngineChange) -> None:
        """Note that this node has arrived. From here on init starts this engine; until now it could start neither."""
        await asyncio.to_thread(self._swap_at_boot)
        way = f"went back to {TITLES[note.to]}: {note.says}" if note.goes_back else f"runs {TITLES[note.to]}"
        await self._write(note.ended(f"this node {way}"))

    def _swap_at_boot(self) -> None:
        try:
            for other in other_engines(self._engine):
                swap_at_boot(other.services, self._engine.services)
        except HostError as problem:
            self._journal.note("engine change", says=str(problem))

    # -- the secondary, which leads -------------------------------------------------------------------------

    async def _lead(self, note: EngineChange) -> None:
        """Do what is next for the secondary, whose engines are off."""
        try:
            await self._prepare()
        except AshaError as problem:
            if note.ordered:
                raise
            await self._write(note.returning(f"{TITLES[note.to]} could not be prepared: {problem}"))
            return
        primary = await self._ask_peer(note.to)
        step = self._next(note, primary)
        if step is NextStep.ASK_LAN:
            if not await self._nobody_has_address():
                return
            step = NextStep.START
        if step is NextStep.WAIT:
            await asyncio.sleep(_LOOK)
        elif step is NextStep.ORDER:
            await self._order(note)
        elif step is NextStep.START:
            await self._start(note)
        elif step is NextStep.FOLLOW and primary is not None:
            await self._write(note.following(primary.running))
        elif step is NextStep.GO_BACK:
            await self._go_back(note)

    def _next(self, note: EngineChange, primary: EngineReport | None) -> NextStep:
        return next_step(
            note,
            primary,
            unreached=self._clock.now() - self._reached_at,
            patience=patience(bound_inputs(self._this_node.conf)),
            boot=boot_identity(),
        )

    async def _order(self, note: EngineChange) -> None:
        """Order the primary to change, once: how that went is seen by what it says next."""
        await self._write(note.ordering())
        try:
            await asyncio.to_thread(self._ask, "switch", note.to, note.number)
        except AshaError as problem:
            self._journal.note("engine change", says=f"the primary was ordered to change: {problem}")

    async def _go_back(self, note: EngineChange) -> None:
        """Go back, after the primary has said once more that it is where it was: a late order comes to nothing then."""
        primary = await self._ask_peer(note.to, cancel=note.number)
        if self._next(note, primary) is not NextStep.GO_BACK:
            return
        why = "the primary cannot be asked" if primary is None else "the primary did not change"
        if primary is not None and primary.change is not None and primary.change.number == note.number:
            why = f"on the primary, {primary.change.says}"
        await self._write(note.returning(why))

    async def _ask_peer(self, to: str, cancel: str = "", *, brief: bool = True) -> EngineReport | None:
        """Return what the other node says; None, with the reason in `_trouble`, when it cannot be asked."""
        try:
            answer = await asyncio.to_thread(self._ask, "report", to, cancel, brief=brief)
            report = read_as(EngineReport, answer.get("report"))
        except (AshaError, ValueError) as problem:
            self._say_trouble(f"the other node cannot be asked: {problem}")
            return None
        self._reached_at = self._clock.now()
        self._say_trouble("")
        return report

    def _ask(self, do: str, to: str, number: str, *, brief: bool = False) -> dict[str, object]:
        way = way_to_peer(self._this_node.conf, self._this_node.node)
        asked = {"do": do, "to": to, "number": number, "brief": brief}
        return ask_once(way, "engine", asked, patience=_PATIENCE)

    async def _nobody_has_address(self) -> bool:
        conf = self._this_node.conf
        for address in conf.addresses:
            found = await asyncio.to_thread(duplicated, conf.device, address.ip, self._clock.now())
            if not is_known(found, None):
                await asyncio.sleep(_LOOK)
                return False
        return True

    # -- what is kept and said ------------------------------------------------------------------------------

    async def _write(self, note: EngineChange) -> None:
        """Keep the note on disk, then in mind.

        Raises HostError: a step that cannot be noted is not taken. But the way back is, whatever the disk says.
        """
        if note.goes_back:
            self._note = note
        try:
            await asyncio.to_thread(self._file.write, json.dumps(to_json(note)) + "\n")
        except OSError as problem:
            raise HostError(f"The change cannot be kept on disk: {problem.strerror}.") from problem
        self._note = note
        self._say_trouble("")
        self._journal.note(
            "engine change",
            to=note.to,
            back=note.back,
            ordered=note.ordered,
            over=note.over,
            by=note.by,
            says=note.says,
        )

    def _say_trouble(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            self._journal.note("engine change", says=trouble)
        self._trouble = trouble
