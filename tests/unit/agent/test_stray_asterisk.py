"""Something else than asha starts Asterisk on the standby: it is ended, its starter named, and the alarm ends too."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_agent_cycle import Bench

from appliance.agent.components.maintenance import MaintenanceSwitch
from appliance.agent.status import node_status
from appliance.core.alert_rules import problems
from appliance.core.grant import Verb
from appliance.core.model import Line, Node
from appliance.core.reading import Known, Unknown
from appliance.core.roles import Role
from appliance.core.stray import REMEMBERED, STRAY_DWELL
from appliance.core.transfer import Order

STARTER = "started by the unit asterisk.service"


def standing_by(folder: Path, node: Node = Node.PRIMARY) -> Bench:
    bench = Bench(folder, node)
    bench.observations.engine_serves = Known(False, 0.0)
    bench.cycle.start()
    bench.see_line(Line.ABSENT)
    bench.hear_peer(granted=True)
    for _ in range(2):
        bench.turn(0.1)
    bench.executor.orders.clear()
    transfer = bench.cycle.state.transfer
    assert bench.role() is Role.STANDBY and transfer is not None and transfer.done
    return bench


def runs(bench: Bench) -> None:
    bench.observations.process, bench.observations.booted = Known(True, bench.clock.now()), True
    bench.observations.pbx_started_by = STARTER


def let_pass(bench: Bench, seconds: float) -> None:
    for _ in range(round(seconds / 0.5)):
        bench.turn(0.5)


def alerts(bench: Bench) -> dict[str, str]:
    status = node_status(bench.this_node, bench.observations, bench.cycle, bench.clock.now())
    return {found.alert.key: found.alert.text for found in problems(status)}


@pytest.mark.parametrize("node", list(Node))
def test_it_is_ended_after_a_dwell_and_what_started_it_is_named(tmp_path: Path, node: Node) -> None:
    bench = standing_by(tmp_path, node)
    runs(bench)
    let_pass(bench, STRAY_DWELL - 1)
    assert bench.executor.orders == [], "a start may be under way"
    assert STARTER in alerts(bench)["split"]
    let_pass(bench, 2)
    assert bench.executor.orders == [Order.STOP_PBX] and bench.role() is Role.STANDBY
    bench.journal.settle()
    (told,) = [entry for entry in bench.file.entries() if entry.kind == "stray"]
    assert STARTER in told.says
    assert alerts(bench) == {}, "and the alarm ends with it"
    assert bench.audit() == []


def test_one_that_comes_back_is_ended_each_time_and_the_alert_says_what_to_do(tmp_path: Path) -> None:
    bench = standing_by(tmp_path)
    for _ in range(3):
        runs(bench)
        let_pass(bench, STRAY_DWELL + 1)
    assert bench.executor.orders == [Order.STOP_PBX] * 3
    text = alerts(bench)["stray"]
    assert "3 times" in text and STARTER in text and "systemctl disable --now asterisk" in text
    status = node_status(bench.this_node, bench.observations, bench.cycle, bench.clock.now())
    assert any("again and again while" in problem for problem in status.problems)
    let_pass(bench, REMEMBERED - 2 * STRAY_DWELL)
    assert "stray" in alerts(bench)
    let_pass(bench, 2 * STRAY_DWELL)
    assert alerts(bench) == {}, "it does not come back any more"


def test_one_that_hangs_is_killed(tmp_path: Path) -> None:
    bench = standing_by(tmp_path)
    runs(bench)
    bench.executor.fails[Order.STOP_PBX] = "it does not obey"
    let_pass(bench, STRAY_DWELL + bench.this_node.conf.pbx_stop_deadline + 3)
    assert Order.KILL_PBX in bench.executor.orders


def test_under_maintenance_or_unseen_or_while_one_is_being_started_nothing_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = standing_by(tmp_path)
    runs(bench)
    with monkeypatch.context() as patch:
        patch.setattr(MaintenanceSwitch, "on", True)
        let_pass(bench, 3 * STRAY_DWELL)
    bench.turn()
    assert bench.executor.orders == []
    bench.observations.process = Known(False, bench.clock.now())
    bench.turn()
    runs(bench)
    bench.executor.busy = frozenset({Order.START_PBX})
    let_pass(bench, 3 * STRAY_DWELL)
    bench.executor.busy = frozenset()
    bench.observations.process = Unknown("/proc cannot be read", bench.clock.now())
    let_pass(bench, 3 * STRAY_DWELL)
    runs(bench)
    let_pass(bench, STRAY_DWELL - 1)
    bench.hear_peer(granted=False)
    bench.observations.engine_serves = Known(True, bench.clock.now())  # the grant was lost: it is taken up
    let_pass(bench, STRAY_DWELL - 1)
    assert Order.STOP_PBX not in bench.executor.orders and bench.role().holds


def test_a_grant_in_time_makes_it_the_service(tmp_path: Path) -> None:
    bench = standing_by(tmp_path)
    runs(bench)
    let_pass(bench, STRAY_DWELL - 1)
    bench.cycle.ask(Verb.START, bench.clock.now(), "100:5555")
    let_pass(bench, 2 * STRAY_DWELL)
    assert Order.STOP_PBX not in bench.executor.orders
