"""Spans and probes as they are shown, and the sensor that reads them beside the line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_agent_cycle import Bench

from appliance.agent.sensors import line as line_sensor
from appliance.agent.sensors.line import LineSensor
from appliance.agent.status import node_status, probes_status, spans_status
from appliance.config import Conf
from appliance.core.as_json import to_json
from appliance.core.health import ProbeRecord
from appliance.core.model import Line
from appliance.core.reading import Known, Unknown
from appliance.dahdi.alarms import NONE
from appliance.dahdi.span import Span

QUICK = 0.001
R1T1 = (
    'Span 1: R1T1/0 "Rhino R1T1 T1/PRI Card 0" (MASTER) B8ZS/ESF {alarm}ClockSource \n\n'
    "\t   1 R1T1/0/1 Clear (In use) (EC: MG2 - INACTIVE) \n"
)


def put(root: Path, alarm: str) -> None:
    place = root / "proc/dahdi"
    place.mkdir(parents=True, exist_ok=True)
    (place / "new").write_text(R1T1.format(alarm=alarm))
    (place / "new").rename(place / "1")


async def until(condition: Callable[[], bool]) -> None:
    """What a thread of the sensor's does is nowhere told, only seen."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(QUICK)


class Spanned(Bench):
    """A node with one T1 in a tree of its own, and the sensor on it."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(tmp_path, dahdi_root=tmp_path / "root")
        monkeypatch.setattr(line_sensor, "_BUSY", QUICK)
        monkeypatch.setattr(line_sensor, "LINE_LOOK", QUICK)
        self.root = tmp_path / "root"
        self.reads = 0
        self.sensor = LineSensor(self.context)
        read = line_sensor.read_spans

        def counted(root: Path, now: float) -> Any:
            self.reads += 1
            return read(root, now)

        monkeypatch.setattr(line_sensor, "read_spans", counted)

    async def look(self, alarms: str) -> None:
        """Run the sensor until the first span shows `alarms`."""
        running = asyncio.create_task(self.sensor.run())
        await until(lambda: self.alarms() == alarms)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    def alarms(self) -> str:
        spans = spans_status(self.this_node, self.observations, self.clock.now())
        assert spans is not None
        return spans.why if spans.value is None else " ".join(spans.value[0].alarms)


def test_a_span_is_shown_with_its_alarms_and_channels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Spanned(tmp_path, monkeypatch)
    put(bench.root, "RED ")
    asyncio.run(bench.look("RED"))
    assert to_json(spans_status(bench.this_node, bench.observations, bench.clock.now())) == {
        "value": [
            {
                "number": 1,
                "name": "R1T1/0",
                "kind": "T1",
                "alarms": ["RED"],
                "line": "absent",
                "channels": 1,
                "in_use": 1,
            }
        ],
        "why": "",
    }
    put(bench.root, "")
    asyncio.run(bench.look(""))
    assert bench.observations.line == Known(Line.CLEAR, bench.clock.now())


def test_they_are_read_when_an_alarm_changes_and_else_rarely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Spanned(tmp_path, monkeypatch)
    put(bench.root, "")

    async def many_looks() -> None:
        looks = 0
        read = bench.sensor._read

        def counted() -> Any:
            nonlocal looks
            looks += 1
            return read()

        monkeypatch.setattr(bench.sensor, "_read", counted)
        running = asyncio.create_task(bench.sensor.run())
        await until(lambda: looks >= 20)
        assert bench.reads == 1
        bench.clock.time += 5
        await until(lambda: bench.reads == 2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(many_looks())


def test_where_reading_them_hangs_the_line_is_seen_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Spanned(tmp_path, monkeypatch)
    put(bench.root, "")
    release = threading.Event()

    def hangs(root: Path, now: float) -> Any:
        release.wait(10)
        return Unknown("it hung", now)

    monkeypatch.setattr(line_sensor, "read_spans", hangs)

    async def lost() -> None:
        running = asyncio.create_task(bench.sensor.run())
        for alarm, line in (("", Line.CLEAR), ("RED ", Line.ABSENT)):
            put(bench.root, alarm)
            wanted = Known(line, bench.clock.now())
            await until(lambda wanted=wanted: bench.observations.line == wanted)  # type: ignore[misc]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        release.set()

    asyncio.run(lost())


def test_old_spans_are_not_shown_as_if_they_were_true(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.observations.spans = Known((Span(1, "R1T1/0", "Rhino", NONE),), bench.clock.now())
    young = spans_status(bench.this_node, bench.observations, bench.clock.now() + 29)
    assert young is not None and young.value
    old = spans_status(bench.this_node, bench.observations, bench.clock.now() + 31)
    assert old is not None and old.value is None and "last seen 31.0 s ago" in old.why
    bench.this_node.adopt(Conf(card_installed=False))
    assert spans_status(bench.this_node, bench.observations, 0.0) is None


def test_each_probe_that_is_switched_on_is_shown(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ami_user="asha", sip_port=0)
    silent = {"ms": None, "silences": 0, "why": "Asterisk does not run"}
    assert to_json(probes_status(bench.this_node, bench.observations)) == {"ami": silent, "cli": silent}
    bench.observations.probes = {
        "ami": ProbeRecord(True, 3, 0, None, "Success"),
        "cli": ProbeRecord(True, 0, 2, 5.0, "no answer"),
    }
    bench.observations.answered("ami", 0.00123)
    document = to_json(node_status(bench.this_node, bench.observations, bench.cycle, bench.clock.now()))
    assert document["probes"] == {
        "ami": {"ms": 1.23, "silences": 0, "why": ""},
        "cli": {"ms": None, "silences": 2, "why": "no answer"},
    }
    assert document["set_up"] is True and document["job"] is None
    assert set(document["names"]) == {"primary", "secondary"}
