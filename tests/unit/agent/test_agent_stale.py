"""What was true once is not told for ever: a value goes with its cause, and what nobody can see now is not known."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_agent_cycle import ENGINE, Bench

from appliance.agent.components.data_sync import SyncSupervisor
from appliance.agent.sensors import asterisk
from appliance.agent.sensors.asterisk import AsteriskSensor
from appliance.agent.sensors.engine import EngineSensor
from appliance.agent.status import node_status
from appliance.config import Conf
from appliance.core.as_json import to_json
from appliance.core.health import ProbeRecord
from appliance.core.model import DChannel, Node
from appliance.core.reading import Known, Reading, Unknown
from tests.plugins.fake_engine import OFF, FakeEngine, as_engine


def shown(bench: Bench) -> dict[str, Any]:
    document: dict[str, Any] = to_json(
        node_status(bench.this_node, bench.observations, bench.cycle, bench.clock.now())
    )
    return document


def test_what_heartbeat_held_ends_with_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    engine = FakeEngine()
    engine.run(ENGINE, holds=Known("all", 0.0), serves=Known(True, 0.0))
    sensor = EngineSensor(bench.context, as_engine(engine))

    async def look() -> None:
        sensor.look()
        assert bench.observations.engine_serves == Known(True, 0.0)
        engine.seen = OFF
        sensor.look()
        assert isinstance(bench.observations.engine_serves, Unknown)

    asyncio.run(look())
    assert shown(bench)["engine"] == {
        "running": {"value": False, "why": ""},
        "holds": {"value": None, "why": "the engine does not run"},
        "waits_another": None,
        "lost": False,
        "drops_requests": 0,
        "title": "the HA engine",
        "troubles": [],
    }


@pytest.mark.parametrize(
    ("process", "records", "why"),
    [
        (Known(False, 0.0), {}, "Asterisk does not run"),
        (Known(True, 0.0), {"cli": ProbeRecord()}, "Asterisk is starting"),
        (Known(True, 0.0), {"cli": ProbeRecord(True, 0, 9, 1.0, "silent")}, "Asterisk does not answer"),
        (Unknown("no /proc", 0.0), {}, "it is not known whether Asterisk runs: no /proc"),
    ],
)
def test_a_d_channel_is_told_of_while_asterisk_answers(
    tmp_path: Path, process: Reading[bool], records: dict[str, ProbeRecord], why: str
) -> None:
    """Whether or not this agent has seen an earlier Asterisk, and whatever its D-channels were."""
    for last in (Known(DChannel.UP, 0.0), Unknown("not checked yet", 0.0)):
        bench = Bench(tmp_path, card_spans=(1,))
        bench.observations.process, bench.observations.booted, bench.observations.probes = (
            process,
            False,
            records,
        )
        bench.observations.dchannel = last
        assert shown(bench)["dchannel"] == {"value": None, "why": why}


def test_without_a_line_nobody_looks_for_a_d_channel(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.this_node.adopt(Conf(card_installed=False))
    assert shown(bench)["dchannel"] == {"value": None, "why": "no line is watched on this node"}


def test_the_peers_maintenance_is_not_known_once_it_is_silent(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.observations.report is not None
    bench.observations.report = replace(bench.observations.report, maintenance=Known(True, bench.clock.now()))
    assert shown(bench)["peer"]["maintenance"] is True
    bench.clock.time += bench.this_node.conf.peer_max_age + 1
    assert shown(bench)["peer"]["maintenance"] is None


def test_asterisk_that_was_installed_meanwhile_makes_the_node_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, pbx_program=str(tmp_path / "asterisk"), pbx_pidfile=tmp_path / "pid")
    sensor = AsteriskSensor(bench.context)
    sensor.look()
    assert "Asterisk is not installed" in bench.cycle.unfit(bench.clock.now())
    (tmp_path / "asterisk").touch(0o755)
    monkeypatch.setattr(asterisk, "find_pid", lambda conf, now, thorough: Known(os.getpid(), now))

    async def look() -> None:
        sensor.look()
        sensor._forget()

    asyncio.run(look())
    assert "Asterisk is not installed" not in bench.cycle.unfit(bench.clock.now())


def test_a_life_seen_before_the_sensor_runs_has_its_probes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order to release, or the first look, finds the process before the sensor's loops have begun."""
    bench = Bench(tmp_path, sip_port=0)
    monkeypatch.setattr(asterisk, "find_pid", lambda conf, now, thorough: Known(os.getpid(), now))
    sensor = AsteriskSensor(bench.context)

    async def look() -> None:
        sensor.look()
        sensor._forget()

    asyncio.run(look())
    assert shown(bench)["probes"] == {"cli": {"ms": None, "silences": 0, "why": "not asked yet"}}


def test_a_probe_that_is_switched_on_later_is_asked_in_the_same_life(tmp_path: Path) -> None:
    bench = Bench(tmp_path, sip_port=0)
    sensor = AsteriskSensor(bench.context)
    answered = ProbeRecord(True, 5, 0, None, "up")
    bench.observations.process, bench.observations.probes = Known(True, 0.0), {"cli": answered}

    async def follow() -> None:
        async with asyncio.TaskGroup() as tasks:
            sensor._follow_conf(tasks)
            assert list(bench.observations.probes) == ["cli"]
            bench.this_node.adopt(Conf(sip_port=0, ami_user="asha"))
            sensor._follow_conf(tasks)
            for task in sensor._asking:
                task.cancel()

    asyncio.run(follow())
    assert bench.observations.probes == {"cli": answered, "ami": ProbeRecord()}
    assert shown(bench)["probes"]["ami"]["why"] == "not asked yet"


def test_nobody_is_to_bring_home_what_is_not_synchronised(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Node.PRIMARY, synch="LOOSE")
    room = SyncSupervisor(bench.context)
    assert bench.observations.report is not None
    bench.observations.report = replace(bench.observations.report, served=Known(True, 0.0))
    assert (room.peer_newer, room.owed(), room.not_home()) == (False, False, "")
    bench.this_node.adopt(Conf(synch="LAZY"))
    assert room.peer_newer


@pytest.mark.parametrize(
    ("node", "synch", "age", "says"),
    [
        (Node.PRIMARY, "LAZY", 10_800.0, "its data were in step with this node's 3 h ago"),
        (Node.PRIMARY, "LAZY", None, "never known to be in step"),
        (Node.PRIMARY, "LAZY", 1.0, ""),
        (Node.PRIMARY, "LOOSE", None, ""),
        (Node.SECONDARY, "LAZY", None, ""),
    ],
)
def test_old_data_of_the_standby_are_told_where_they_follow(
    tmp_path: Path, node: Node, synch: str, age: float | None, says: str
) -> None:
    bench = Bench(tmp_path, node, synch=synch)
    assert bench.observations.report is not None
    bench.observations.report = replace(bench.observations.report, data_age=age)
    said = SyncSupervisor(bench.context).old_there()
    assert says in said and bool(said) is bool(says)


def test_telephones_wait_for_data_in_a_planned_move_only(tmp_path: Path) -> None:
    for node, planned, served, waits in (
        (Node.PRIMARY, True, True, True),
        (Node.PRIMARY, False, True, False),
        (Node.PRIMARY, True, False, False),
        (Node.SECONDARY, True, True, False),
    ):
        bench = Bench(tmp_path / f"{node.value}-{planned}-{served}", node, synch="LAZY")
        assert bench.observations.report is not None
        bench.observations.report = replace(
            bench.observations.report, served=Known(served, 0.0), planned=planned
        )
        assert SyncSupervisor(bench.context).owed() is waits
    bench.observations.report = None
    assert not SyncSupervisor(bench.context).owed(), "nothing is known of a peer that has said nothing"


@pytest.mark.parametrize(
    ("counted", "passed", "noted"),
    [(4, 20.0, {"channels": 4, "channels_ago": 20.0}), (0, 0.0, {"channels": 0, "channels_ago": 0.0}),
     (4, 120.0, {}), (None, 0.0, {})],
)  # fmt: skip
def test_a_release_notes_the_calls_that_it_ends_if_they_were_counted_lately(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    counted: int | None,
    passed: float,
    noted: dict[str, float],
) -> None:
    bench = Bench(tmp_path)
    bench.serve()
    now = bench.clock.now
    reading = Unknown("the console is silent", now()) if counted is None else Known(counted, now())
    monkeypatch.setattr(asterisk, "read_calls", lambda conf, now, deadline: reading)
    asyncio.run(AsteriskSensor(bench.context).count_channels())
    bench.clock.time += passed
    bench.cycle.hand_over("an operator asked for standby")
    begun = [entry.fields for entry in bench.journal.since(0) if entry.kind == "transfer"][-1]
    assert begun["goal"] == "release"
    assert {name: begun[name] for name in ("channels", "channels_ago") if name in begun} == noted


def test_a_standby_does_not_count_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, asked = Bench(tmp_path), []
    bench.observations.process = Known(True, 0.0)
    monkeypatch.setattr(asterisk, "read_calls", lambda *words: asked.append(words))
    asyncio.run(AsteriskSensor(bench.context).count_channels())
    assert asked == [] and isinstance(bench.observations.channels, Unknown)
