"""A person who has service moved, or who says that he has looked, has the count of moves begin afresh (MOVELIMIT)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_agent_cycle import Bench, on_loop

from appliance.agent.components.data_sync import SyncSupervisor
from appliance.agent.control_api import ControlApi
from appliance.agent.operator_policy import OperatorPolicy
from appliance.agent.status import node_status
from appliance.control.protocol import ControlRequest
from appliance.core.answers import Said
from appliance.core.errors import ClusterError
from appliance.core.model import Node
from appliance.core.move_limit import MoveRecord
from appliance.core.status import MovesStatus
from appliance.core.transfer import Order

LIMIT = 6


class Moved(Bench):
    """A node that counts as many moves as MOVELIMIT allows, with the verbs and permits that ship."""

    def __init__(self, tmp_path: Path, node: Node = Node.PRIMARY) -> None:
        super().__init__(tmp_path, node)
        nothing: Any = None
        data = SyncSupervisor(self.context)
        self.api = ControlApi(
            self.context,
            cycle=self.cycle,
            executor=nothing,
            engine=self,  # type: ignore[arg-type] - of the engine only `takeover` is asked here
            orders=nothing,
            changes=nothing,
            engine_sensor=nothing,
            policy=OperatorPolicy(self.context, self.cycle, data),
            data=data,
            active_conf=nothing,
            sark=nothing,
            components=(),
        )

    def move(self) -> None:
        """Let service have moved: half of the times it left, half of the times it came."""
        now = self.clock.now()
        times = tuple(now - 60.0 - n for n in range(LIMIT // 2))
        state = self.context.service.state
        self.context.service.state = replace(state, moves=MoveRecord(left=times, came=times))

    def moves(self) -> MovesStatus:
        return node_status(self.this_node, self.observations, self.cycle, self.clock.now()).moves

    def ask(self, verb: str) -> Said:
        answer = asyncio.run(self.api.answer(ControlRequest(verb, {"by": "olga"})))
        assert isinstance(answer, Said)
        return answer


def test_standby_by_hand_begins_the_count_afresh(tmp_path: Path) -> None:
    bench = Moved(tmp_path)
    on_loop(bench.serve)
    bench.move()
    assert bench.moves().held
    bench.ask("standby")
    assert bench.moves() == MovesStatus(within_hour=0, limit=LIMIT, failback_wait=bench.moves().failback_wait)


def test_takeover_by_hand_begins_the_count_afresh_once_the_engine_has_taken_the_order(tmp_path: Path) -> None:
    bench = Moved(tmp_path)
    bench.move()

    async def refused() -> None:
        raise ClusterError("Heartbeat does not answer.")

    bench.takeover, right = refused, bench.takeover  # type: ignore[method-assign]
    with pytest.raises(ClusterError):
        bench.ask("takeover")
    assert bench.moves().held
    bench.takeover = right  # type: ignore[method-assign]
    bench.ask("takeover")
    assert bench.takeovers == 1 and bench.moves().within_hour == 0


def test_a_move_that_is_refused_counts_as_no_look(tmp_path: Path) -> None:
    bench = Moved(tmp_path)
    bench.move()
    with pytest.raises(ClusterError, match="does not hold the service"):
        bench.ask("standby")
    assert bench.moves().held


def test_after_the_acknowledgement_service_moves_by_itself_again(tmp_path: Path) -> None:
    """The same death of Asterisk, before it and after it, on the controller that ships."""
    bench = Moved(tmp_path)
    on_loop(bench.serve)
    bench.move()
    assert "'asha cleanup'" in bench.moves().says
    on_loop(lambda: die(bench))
    assert bench.standbys == 0 and bench.executor.orders[-1] is Order.START_PBX, "it waits for a person"
    assert bench.ask("cleanup").says.startswith(f"Acknowledged: moves of service counted so far ({LIMIT})")
    assert not bench.moves().held
    on_loop(lambda: die(bench))
    assert bench.standbys == 1
    wish = next(entry for entry in bench.journal.since(0) if entry.kind == "cleanup")
    assert wish.fields["by"] == "olga"


def test_with_no_move_counted_there_is_nothing_to_acknowledge(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="no move of service is counted here"):
        Moved(tmp_path).ask("cleanup")


def die(bench: Bench) -> None:
    """Asterisk has run for long, and dies."""
    bench.clock.time += 60.0
    bench.turn()
    bench.executor._do(Order.KILL_PBX)
    for _ in range(4):
        bench.turn()
