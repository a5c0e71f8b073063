"""The counter behind `asha tune`: what counts as a silence, and what survives the agent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from test_agent_cycle import Bench

from appliance.agent.components.silences import Silences
from appliance.agent.observations import PeerReport
from appliance.agent.peer_message import hear
from appliance.control.protocol import ControlRequest
from appliance.core.safe_deadtime import NodeFigures

SAYS = {"boot": "b1", "run": "5", "eng": "7:9"}


class Counted:
    """A counter on a node whose clock is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder)
        self.counter = Silences(self.bench.context, folder / "silences.json")

    def report(self, **fields: str) -> PeerReport:
        return hear({**SAYS, **fields}, self.bench.clock.now())

    def hear(self, after: float, **fields: str) -> None:
        self.bench.clock.time += after
        self.counter.heard(self.report(**fields), self.bench.clock.now())

    def figures(self) -> NodeFigures:
        answer = asyncio.run(self.counter.verbs["silences"](ControlRequest("silences", {})))
        assert isinstance(answer, NodeFigures)
        return answer


def test_a_silence_is_the_time_between_two_words(tmp_path: Path) -> None:
    counted = Counted(tmp_path)
    for after in (50.0, 1.0, 1.5):
        counted.hear(after)
    figures = counted.figures()
    assert (figures.silences.longest, figures.silences.watched) == (1.5, 2.5)
    assert (figures.node, figures.deadtime, figures.keepalive) == ("primary", 2.0, 0.2)


@pytest.mark.parametrize("fields", [{"boot": "b2"}, {"run": "6"}, {"eng": "8:1"}])
def test_a_start_of_anything_there_is_no_silence(tmp_path: Path, fields: dict[str, str]) -> None:
    counted = Counted(tmp_path)
    counted.hear(1.0)
    counted.hear(9.0, **fields)
    assert counted.figures().silences.bins == {}
    counted.hear(1.0, **fields)
    assert counted.figures().silences.watched == 1.0, "from then on it is counted again"


def test_a_start_of_the_engine_here_is_no_silence(tmp_path: Path) -> None:
    counted = Counted(tmp_path)
    counted.hear(1.0)
    counted.bench.observations.engine_id = "another"
    counted.hear(9.0)
    assert counted.figures().silences.bins == {}


def test_turns_are_counted_with_what_passed(tmp_path: Path) -> None:
    counted = Counted(tmp_path)
    counted.counter.turned(0.3, 1.3)
    assert (counted.figures().turns.longest, counted.figures().turns.watched) == (0.3, 1.3)


async def _life(counter: Silences) -> None:
    """Begin and end as an agent does."""
    await counter.first_look()
    work = asyncio.create_task(counter.run())
    await asyncio.sleep(0)
    counter.turned(0.5, 1.0)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


def test_what_was_counted_survives_the_agent(tmp_path: Path) -> None:
    counted = Counted(tmp_path)
    asyncio.run(_life(counted.counter))
    assert (tmp_path / "silences.json").exists()
    again = Counted(tmp_path)
    asyncio.run(_life(again.counter))
    assert again.figures().turns.watched == 2.0


def test_a_spoilt_file_is_told_and_set_aside(tmp_path: Path) -> None:
    (tmp_path / "silences.json").write_text("{")
    counted = Counted(tmp_path)
    asyncio.run(_life(counted.counter))
    assert counted.figures().turns.watched == 1.0
    assert list(tmp_path.glob("silences.json.spoilt-*"))
    said = [one.fields["says"] for one in counted.bench.journal.since(0) if one.kind == "silences"]
    assert said and "'asha tune' begins to count again" in said[0]


def test_a_disk_that_takes_nothing_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(tmp_path)

    def full(self: object, content: str, mode: int = 0) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(counted.counter._file), "write", full)
    for _ in range(2):
        asyncio.run(_life(counted.counter))
    said = [one.fields["says"] for one in counted.bench.journal.since(0) if one.kind == "silences"]
    assert said == ["they cannot be kept on disk: No space left on device"]


def test_a_report_of_an_older_asha_is_counted_too(tmp_path: Path) -> None:
    counted = Counted(tmp_path)
    old = replace(counted.report(), run="")
    counted.counter.heard(old, 10.0)
    counted.counter.heard(old, 11.0)
    assert counted.figures().silences.watched == 1.0
