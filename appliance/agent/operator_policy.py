"""The rules for what an operator may do on this node now.

The rules are those of core/operator_actions.py, applied to what the agent sees, in one place for every way in.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.agent.components.component import who
from appliance.agent.components.data_sync import SyncSupervisor
from appliance.agent.context import NodeContext
from appliance.agent.cycle import Cycle
from appliance.control.protocol import ControlRequest
from appliance.core.data_policy import Duty
from appliance.core.errors import ClusterError
from appliance.core.lost_request import minutes_of_both
from appliance.core.operator_actions import ActionContext, OperatorAction, Permit, permit_for
from appliance.core.status import PermitStatus


class OperatorPolicy:
    """The permits for one wish or for all of them.

    A wish that is really made is noted in the journal, with the name of the asker.
    """

    def __init__(self, context: NodeContext, cycle: Cycle, data: SyncSupervisor) -> None:
        self._this_node = context.this_node
        self._observations = context.observations
        self._cycle = cycle
        self._data = data
        self._journal = context.journal
        self._clock = context.clock

    def permits(self) -> dict[str, PermitStatus]:
        """Return whether each wish may be made now, by its name."""
        case, peer = self._case(), self._cycle.seen(self._clock.now()).peer
        permits = {
            wish.value: permit_for(wish, self._cycle.state.role, peer, case) for wish in OperatorAction
        }
        return {name: PermitStatus(permit.allowed, permit.says) for name, permit in permits.items()}

    @property
    def old_there(self) -> str:
        """How old the standby's data are, when that is told of as stale."""
        return self._data.old_there()

    def permitted(self, wish: OperatorAction, request: ControlRequest) -> Permit:
        """Return the permit of `wish` and note the wish in the journal.

        Whether the data are where service is to go is not checked here, but by the verbs that can be told not
        to wait for the data. Raises ClusterError when the wish is not allowed now.
        """
        case = replace(self._case(), not_there="", not_home="")
        if request.flag("force"):
            case = replace(case, dropped_minutes=0)
        if request.flag("not_ready"):
            case = replace(case, unready=True)
        permit = permit_for(wish, self._cycle.state.role, self._cycle.seen(self._clock.now()).peer, case)
        self._journal.note(
            "wish",
            wish=wish.value,
            allowed=permit.allowed,
            says=permit.says,
            by=who(request),
            generation=self._cycle.state.grant.generation,
        )
        if not permit.allowed:
            raise ClusterError(f"'{wish.value}' is not possible now: {permit.says}.")
        return permit

    def _case(self) -> ActionContext:
        report, now = self._observations.report, self._clock.now()
        fitness = self._cycle.fitness(now)
        peer = self._cycle.seen(now).peer
        return ActionContext(
            node=self._this_node.node,
            peer_role=report.role if report is not None else "",
            peer_newer=self._data.peer_newer,
            mergeable=self._data.duty().duty is Duty.MERGE,
            not_there=self._data.not_there(),
            not_home=self._data.not_home(),
            maintenance=self._cycle.maintenance.on,
            moved=self._cycle.state.moves.count(now),
            dropped_minutes=minutes_of_both(self._cycle.state, peer, now),
            unfit="; ".join(fitness.unfit),
            doubts="; ".join(fitness.doubts),
            old_there=self.old_there,
        )
