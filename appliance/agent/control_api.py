"""The answers of the agent on its control socket.

They are the verbs of the resource script, and those of the operator.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from appliance.agent.active_conf import ActiveConf
from appliance.agent.components.component import Component, Handler, who
from appliance.agent.components.data_sync import SyncSupervisor
from appliance.agent.components.engine_change import EngineChanges
from appliance.agent.components.sark import SarkMirror
from appliance.agent.context import NodeContext
from appliance.agent.cycle import Cycle
from appliance.agent.engine_control import EngineControl
from appliance.agent.engine_orders import EngineOrders
from appliance.agent.executor import Executor
from appliance.agent.operator_policy import OperatorPolicy
from appliance.agent.sensors.engine import EngineSensor
from appliance.agent.status import node_status
from appliance.control.protocol import ControlRequest
from appliance.core.answers import DutyAnswer, LineHeld, Said, ScriptVerdict
from appliance.core.engine_traits import ENGINE
from appliance.core.errors import ClusterError, UserError
from appliance.core.grant import Verb, Verdict
from appliance.core.lost_request import forced_move
from appliance.core.operator_actions import OperatorAction
from appliance.core.pair_state import pair_state
from appliance.core.roles import Role
from appliance.core.status import Status
from appliance.core.transfer import Order

_ENDED_BY_FORCE = (
    "The HA engine is stopped by force: it did not heed the stop. Everything is let go here; a peer that is there "
    "takes over after HADEADTIME."
)


class ControlApi:
    """Every verb of the control socket, by name.

    `components` add their own verbs, and their parts of the status document.
    """

    def __init__(
        self,
        context: NodeContext,
        *,
        cycle: Cycle,
        executor: Executor,
        engine: EngineControl,
        orders: EngineOrders,
        changes: EngineChanges,
        engine_sensor: EngineSensor,
        policy: OperatorPolicy,
        data: SyncSupervisor,
        active_conf: ActiveConf,
        sark: SarkMirror,
        components: Iterable[Component],
    ) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._clock = context.clock
        self._cycle = cycle
        self._executor = executor
        self._engine = engine
        self._orders = orders
        self._changes = changes
        self._engine_sensor = engine_sensor
        self._policy = policy
        self._data = data
        self._active_conf = active_conf
        self._sark = sark
        self._components = tuple(components)
        self._verbs: dict[str, Handler] = {
            "start": self._start,
            "stop": self._stop,
            "running": self._running,
            "status": self._status,
            "data": self._data_duty,
            "reload": self._reloaded,
            "ha start": self._ha_start,
            "ha stop": self._ha_stop,
            "pbx start": self._pbx_start,
            "pbx stop": self._pbx_stop,
            "standby": self._standby,
            "takeover": self._takeover,
            "line release": self._line_release,
            "cleanup": self._cleanup,
        }
        for component in self._components:
            if twice := self._verbs.keys() & component.verbs.keys():
                raise ValueError(f"two components answer {sorted(twice)}")
            self._verbs |= component.verbs

    async def answer(self, request: ControlRequest) -> Any:
        """Carry out `request`; the result is a value of core. Raises AshaError when it cannot or may not be done."""
        verb = request.verb
        handler = self._verbs.get(verb)
        if handler is None:
            raise UserError(f"The agent knows no verb '{verb}'.")
        return await handler(request)

    # -- the resource script ------------------------------------------------------------------------------

    async def _start(self, request: ControlRequest) -> ScriptVerdict:
        # The grant is bound to the Heartbeat that gives it; ours may be a look behind.
        self._engine_sensor.look()
        verdict = self._cycle.ask(Verb.START, _ticket(request), self._observations.engine_id)
        self._observations.notify_changed()
        if verdict is Verdict.STALE and not self._cycle.state.grant.held:  # two starts at once are no trouble
            raise ClusterError("This start is late: a script that was started after it has spoken already.")
        return ScriptVerdict(verdict.value)

    async def _stop(self, request: ControlRequest) -> ScriptVerdict:
        verdict = self._cycle.ask(Verb.STOP, _ticket(request), self._observations.engine_id)
        self._observations.notify_changed()
        if verdict is not Verdict.STALE:
            await self._orders.released()
        return ScriptVerdict(verdict.value)

    async def _running(self, request: ControlRequest) -> LineHeld:
        """Tell whether the engine is to take this node for one that holds the line.

        Heartbeat asks after a stop that failed, and reboots the node only when it hears `running`.
        """
        return LineHeld(self._cycle.state.holds_service or self._orders.stop_fails())

    # -- looking ------------------------------------------------------------------------------------------

    async def _status(self, request: ControlRequest) -> Status:
        return self.status()

    def status(self) -> Status:
        """Return the whole status of this node, as it is now."""
        status = node_status(self._this_node, self._observations, self._cycle, self._clock.now())
        for component in self._components:
            status = component.report(status)
        return status._replace(state=pair_state(status))

    async def _data_duty(self, request: ControlRequest) -> DutyAnswer:
        duty = self._data.duty(asked_for=request.flag("asked_for"), last=request.flag("last"))
        return DutyAnswer(duty.duty.value, duty.why, duty.live)

    async def _reloaded(self, request: ControlRequest) -> Said:
        self._active_conf.reload()
        return Said("The conf file was read again.")

    # -- the operator -------------------------------------------------------------------------------------

    async def _ha_start(self, request: ControlRequest) -> Said:
        permit = self._policy.permitted(OperatorAction.START_HA, request)
        if self._changes.under_way:
            raise ClusterError(
                f"Not now: {self._changes.says()}.",
                todo="It starts the engine itself; 'asha engine status' says how far it is.",
            )
        await self._take_what_waits()
        unasked = await self._changes.why_not_asked()
        await self._orders.start()
        return Said(f"The HA engine runs: {permit.says}.{f' But {unasked}' if unasked else ''}")

    async def _take_what_waits(self) -> None:
        """Take the values that wait for the HA engine to be off, before the engine's files are made.

        Raises ClusterError when this agent must end because of them and a new one begin.
        """
        await self._sark.take_held()
        if self._active_conf.look():
            raise ClusterError(
                "A value that has waited for the HA engine to be off is being taken. Nothing was started.",
                todo="Ask again in a few seconds.",
            )

    async def _ha_stop(self, request: ControlRequest) -> Said:
        permit = self._policy.permitted(OperatorAction.STOP_HA, request)
        if not await self._orders.stop(leaving=request.flag("leaving")):
            return Said(_ENDED_BY_FORCE)
        return Said(f"The HA engine is stopped{': ' + permit.says if permit.says else ''}.")

    async def _pbx_start(self, request: ControlRequest) -> Said:
        permit = self._policy.permitted(OperatorAction.START_PBX, request)
        if self._cycle.state.role is Role.OFF:
            await self._executor.do(
                Order.START_PBX, "an operator asked for it", self._cycle.state.grant.generation
            )
        else:
            self._cycle.start_pbx("an operator asked for it")
        return Said(f"Asterisk starts{': ' + permit.says if permit.says else ''}.")

    async def _pbx_stop(self, request: ControlRequest) -> Said:
        permit = self._policy.permitted(OperatorAction.STOP_PBX, request)
        if self._cycle.state.role is Role.OFF:
            await self._executor.do(
                Order.STOP_PBX, "an operator asked for it", self._cycle.state.grant.generation
            )
            return Said("Asterisk is stopped.")
        self._cycle.hand_over("an operator stopped Asterisk")
        return Said(f"Asterisk stops: {permit.says}.")

    async def _standby(self, request: ControlRequest) -> Said:
        leave_data, force = request.flag("leave_data"), request.flag("force")
        permit = self._policy.permitted(OperatorAction.STANDBY, request)
        if not leave_data:
            self._refuse_to_leave(self._data.not_there())
        self._cycle.hand_over("an operator asked for standby", force=force)
        self._cycle.acknowledge_moves(who(request))
        return Said(f"Handing over: {permit.says}{self._cost() if force else ''}.")

    async def _takeover(self, request: ControlRequest) -> Said:
        leave_data = request.flag("leave_data")
        permit = self._policy.permitted(OperatorAction.TAKEOVER, request)
        if not leave_data:
            self._refuse_to_leave(self._data.not_home())
        if force := request.flag("force"):
            self._engine.demand()
        else:
            await self._engine.takeover()
        self._cycle.acknowledge_moves(who(request))
        return Said(f"Taking over: {permit.says}{self._cost() if force else ''}.")

    def _cost(self) -> str:
        seconds = forced_move(self._this_node.conf.deadtime)
        return (
            f" by force: {ENGINE} is ended on the node that serves, and the other node takes over after HADEADTIME. "
            f"Nobody serves for about {seconds:.0f} s and as long as Asterisk takes to stop and to start"
        )

    async def _cleanup(self, request: ControlRequest) -> Said:
        permit = self._policy.permitted(OperatorAction.CLEANUP, request)
        self._cycle.acknowledge_moves(who(request))
        return Said(f"Acknowledged: {permit.says}.")

    @staticmethod
    def _refuse_to_leave(why: str) -> None:
        """Raise ClusterError when `why` says that service would go where not all data are."""
        if why:
            raise ClusterError(
                f"Not now: {why}.",
                todo="'asha failback' on the primary brings the data first; --leave-data does not wait for them.",
            )

    async def _line_release(self, request: ControlRequest) -> Said:
        permit = self._policy.permitted(OperatorAction.RELEASE_LINE, request)
        if self._cycle.state.role.holds:
            self._cycle.hand_over("an operator released the line")
        elif self._this_node.has_card:
            await self._executor.do(
                Order.RELEASE, "an operator asked for it", self._cycle.state.grant.generation
            )
        return Said(f"The line is released{': ' + permit.says if permit.says else ''}.")


def _ticket(request: ControlRequest) -> float:
    return request.number("ticket")
