"""The drill: hands service to the secondary and brings it back, when somebody asks for it or DRILL says so.

What may be done, and what the times mean, is `core/drill.py`. The ways there and back are those that the node takes
anyway: the hand-over of `asha standby`, and the way back of HAAUTOFAILBACK with its conditions for the data.

An agent that ends in the middle of a drill leaves the entry of its beginning as the last one in the journal. The next
agent says so, as a drill that was stopped: service stays where it is, and people are told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from appliance.agent.components.auto_failback import AutoFailback
from appliance.agent.components.component import Component, who
from appliance.agent.context import NodeContext
from appliance.agent.cycle import Cycle
from appliance.agent.operator_policy import OperatorPolicy
from appliance.config.bounds import bound_inputs
from appliance.control.protocol import ControlRequest
from appliance.core.answers import Said
from appliance.core.bound import bound_of
from appliance.core.drill import (
    KINDS,
    WINDOW,
    DrillFacts,
    DrillStep,
    Outcome,
    PastDrill,
    begun,
    past_drills,
    reached,
    steps_back,
    steps_there,
    verdict,
    why_no_drill,
)
from appliance.core.engine_traits import ENGINE
from appliance.core.errors import ClusterError
from appliance.core.journal_entry import JournalEntry
from appliance.core.model import Node
from appliance.core.operator_actions import OperatorAction
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.core.roles import Role
from appliance.core.schedule import minutes_late
from appliance.core.status import DrillStatus, Status
from appliance.core.timing import unhurried
from appliance.core.transfer import Goal, Phase
from appliance.pbx.calls import read_calls

# How often the ways of a drill are looked at, and how often the schedule is; seconds.
_LOOK = 0.1
_SCHEDULE_LOOK = 20.0
# How much longer than its bound a way is waited for, and how long the way back may be blocked, in seconds.
_SLACK = 30.0
_WAY_BACK = 600.0
_LINES_KEPT = 60
_BY_SCHEDULE = "the schedule (DRILL)"


class Drill(Component):
    """The component with the verb `drill`, its part of the status, and the schedule.

    `failback`: the way back, with what may be in it.
    """

    def __init__(
        self, context: NodeContext, cycle: Cycle, policy: OperatorPolicy, failback: AutoFailback
    ) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._journal = context.journal
        self._clock = context.clock
        self._cycle = cycle
        self._policy = policy
        self._failback = failback
        self._asked: asyncio.Queue[str] = asyncio.Queue()
        self._status = DrillStatus()
        self._tried = False
        self.verbs = {"drill": self._ask}

    @property
    def running(self) -> bool:
        """A drill is under way."""
        return self._status.running

    async def first_look(self) -> None:
        """Learn from the journal how the last drill went."""
        try:
            past = await asyncio.to_thread(self._past)
        except OSError:  # a journal that cannot be read ends no agent; it is named where asha's own files are
            past = []
        for drill in past:
            self._remember(drill)
        if past and past[-1].outcome == Outcome.BEGUN.value:
            self._note(
                Outcome.STOPPED,
                "the agent was restarted in the middle of it; 'asha failback' brings service back",
                past[-1].by,
            )

    async def run(self) -> None:
        """Hold the drills that are asked for, and those of the schedule, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_SCHEDULE_LOOK):
                    by = await self._asked.get()
            except TimeoutError:
                await self._follow_schedule()
            else:
                await self._hold(by)

    def report(self, status: Status) -> Status:
        """Add the drill under way, or the last one."""
        known = self._status
        failed = [f"the last drill {known.outcome}: {known.says}"] if known.failed else []
        return status._replace(drill=known).with_problems(failed)

    async def _ask(self, request: ControlRequest) -> Said:
        """Begin a drill. Raises ClusterError when none may be held now."""
        why = await self._why_not()
        self._journal.note("wish", wish="drill", allowed=not why, says=why, by=who(request))
        if why:
            raise ClusterError(f"No drill now: {why}.")
        self._begin(who(request))
        self._asked.put_nowait(who(request))
        return Said("The drill begins: service goes to the secondary and comes back.")

    async def _follow_schedule(self) -> None:
        """Hold the drill that is due, as soon as it may be held; say why when its time has gone by without."""
        local = time.localtime(self._clock.wall())
        late = minutes_late(self._this_node.conf.drill, local.tm_wday, local.tm_hour, local.tm_min)
        if late is None or late > WINDOW or self._this_node.node is not Node.PRIMARY:
            self._tried = False
            return
        if self._tried:
            return
        why = await self._why_not()
        if not why:
            self._tried = True
            self._begin(_BY_SCHEDULE)
            await self._hold(_BY_SCHEDULE)
        elif late == WINDOW:
            self._tried = True
            self._note(Outcome.SKIPPED, why, _BY_SCHEDULE)

    async def _why_not(self) -> str:
        conf, now, state = self._this_node.conf, self._clock.now(), self._cycle.state
        calls: Reading[int] = Unknown("this node does not serve", now)
        if state.role is Role.ACTIVE:
            calls = await asyncio.to_thread(read_calls, conf, self._clock.now, unhurried(conf.probe_deadline))
        if (
            self._status.running
        ):  # looked at last, because nothing is waited for from here to the beginning of a drill
            return "one is under way"
        report, permit = self._observations.report, self._policy.permits()[OperatorAction.STANDBY.value]
        facts = DrillFacts(
            node=self._this_node.node,
            role=state.role,
            refusal="" if permit.allowed else permit.says,
            old_there=self._policy.old_there,
            peer_fit=self._cycle.seen(now).peer.fit,
            maintenance=self._cycle.maintenance.on,
            peer_maintenance=Unknown("it says nothing", now) if report is None else report.maintenance,
            calls=calls,
            moved_ago=now - state.granted_at,
            handed_over_ago=now - max(state.moves.left, default=float("-inf")),
        )
        return why_no_drill(facts, conf.move_dwell)

    # -- one drill ------------------------------------------------------------------------------------------

    def _begin(self, by: str) -> None:
        self._status = DrillStatus(Outcome.BEGUN.value, self._clock.wall(), running=True)
        self._journal.note("drill", outcome=Outcome.BEGUN.value, by=by)

    async def _hold(self, by: str) -> None:
        self._failback.paused = True
        try:
            there = await self._go_there()
            steps = (*there, *await self._come_back())
        except _Stopped as stopped:
            self._note(Outcome.STOPPED, str(stopped), by)
        else:
            self._note(*verdict(steps), by, steps)
        finally:
            self._failback.paused = False

    async def _go_there(self) -> tuple[DrillStep, ...]:
        bound = bound_of(bound_inputs(self._this_node.conf), "standby", Node.SECONDARY)
        asked, since, patience = self._clock.now(), self._newest(), bound.whole + _SLACK
        self._say(f"service goes to the secondary; at the latest in {bound.whole:g} s it is in service there")
        self._cycle.hand_over("a drill")
        granted = await self._until(self._peer_granted, patience, "the secondary was not granted service")
        served = await self._until(self._peer_serves, patience, "the line is not in service at the secondary")
        let_go = await self._until(
            lambda: reached(self._entries(since), Goal.RELEASE, Phase.DONE),
            patience,
            "this node has not let go of everything",
        )
        return self._told(steps_there(bound, let_go - asked, granted - asked, served - asked))

    async def _come_back(self) -> tuple[DrillStep, ...]:
        await asyncio.sleep(self._this_node.conf.move_dwell)
        await self._way_is_free()
        bound = bound_of(bound_inputs(self._this_node.conf), "takeover", Node.PRIMARY)
        asked, since, patience = self._clock.now(), self._newest(), bound.whole + _SLACK
        self._say(f"service comes back; at the latest in {bound.whole:g} s it is in service here")
        if problem := await self._failback.go("the way back of a drill"):
            raise _Stopped(f"{ENGINE} was not asked to bring service back: {problem}")
        granted = await self._until(
            lambda: begun(self._entries(since), Goal.ACQUIRE), patience, "service was not granted here"
        )
        served = await self._until(
            lambda: reached(self._entries(since), Goal.ACQUIRE, Phase.DONE, Phase.UNVERIFIABLE),
            patience,
            "the line is not in service here",
        )
        return self._told(steps_back(bound, granted - asked, served - asked))

    async def _way_is_free(self) -> None:
        """Wait until nothing is in the way back: the data are here, this node is fit, and the secondary serves."""
        give_up = self._clock.now() + _WAY_BACK
        while why := self._failback.why_not(self._clock.now()):
            self._say(f"the way back waits: {why}")
            if self._clock.now() > give_up:
                raise _Stopped(f"service is at the secondary and cannot come back: {why}")
            await asyncio.sleep(_LOOK)

    async def _until(self, look: Callable[[], float | None], patience: float, otherwise: str) -> float:
        """Return when `look` has found something, in monotonic seconds. Raises _Stopped with `otherwise`."""
        give_up = self._clock.now() + patience
        while (found := look()) is None:
            if self._clock.now() > give_up:
                raise _Stopped(f"{otherwise} after {patience:.0f} s")
            await asyncio.sleep(_LOOK)
        return found

    def _peer_granted(self) -> float | None:
        report = self._observations.report
        granted = report.granted if report is not None else None
        return granted.at if isinstance(granted, Known) and is_known(granted, True) else None

    def _peer_serves(self) -> float | None:
        report = self._observations.report
        return report.at if report is not None and report.role == Role.ACTIVE.value else None

    # -- what is said of it ---------------------------------------------------------------------------------

    def _newest(self) -> int:
        return max((entry.number for entry in self._journal.since(0)), default=0)

    def _entries(self, since: int) -> Iterable[JournalEntry]:
        return self._journal.since(since)

    def _told(self, steps: tuple[DrillStep, ...]) -> tuple[DrillStep, ...]:
        for step in steps:
            self._say(str(step))
        return steps

    def _say(self, line: str) -> None:
        if self._status.lines[-1:] != (line,):
            self._status = self._status._replace(lines=(*self._status.lines, line)[-_LINES_KEPT:])

    def _note(self, outcome: Outcome, says: str, by: str, steps: tuple[DrillStep, ...] = ()) -> None:
        words = [str(step) for step in steps]
        self._journal.note("drill", outcome=outcome.value, says=says, by=by, steps=words)
        self._remember(PastDrill(self._clock.wall(), outcome.value, says, by))

    def _remember(self, drill: PastDrill) -> None:
        if drill.outcome == Outcome.SKIPPED.value:
            self._status = self._status._replace(skipped=drill.says)
        elif drill.outcome != Outcome.BEGUN.value:
            failed = drill.outcome in (Outcome.MISSED.value, Outcome.STOPPED.value)
            self._status = DrillStatus(drill.outcome, drill.at, drill.says, failed, lines=self._status.lines)

    def _past(self) -> list[PastDrill]:
        """Return what the journal says of drills, from the end of the last one that was held."""
        found: list[PastDrill] = []
        for drill in past_drills(self._journal.settled().backwards(KINDS)):
            found.append(drill)
            if drill.outcome not in (Outcome.BEGUN.value, Outcome.SKIPPED.value):
                break
        return found[::-1]


class _Stopped(Exception):
    """The reason why a drill goes no further."""
