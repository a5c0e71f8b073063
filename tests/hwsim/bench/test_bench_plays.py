"""The loop over plays, and the record from which a stopped run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hwsim.bench.play import RunFailed
from hwsim.bench.plays import Play, Plays, Record, play_all
from hwsim.nodes import RackError


@dataclass(frozen=True)
class Seen:
    seconds: float


def record(out: Path) -> Record[Seen]:
    def restored(seen: Mapping[str, Any]) -> Seen:
        return Seen(**seen)

    def page(plays: Plays[Seen]) -> str:
        return f"{plays.count('cut', 'asha')}: {[one.seconds for one in plays.seen('cut', 'asha')]}\n"

    return Record(out, "figures", restored, page)


class Stage:
    """What was played, and by what a play ends."""

    def __init__(self) -> None:
        self.played: list[int] = []
        self.fails: set[int] = set()
        self.stops: set[int] = set()

    async def run(self, number: int, logs: Path) -> Seen:
        assert logs.name == f"cut-asha-{number}"
        self.played.append(number)
        if number in self.stops:
            raise KeyboardInterrupt
        if number in self.fails:
            raise RunFailed("the line did not come")
        return Seen(float(number))

    def plays(self, runs: int) -> list[Play[Seen]]:
        return [Play("cut", "asha", number, partial(self.run, number)) for number in range(1, runs + 1)]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def play(stage: Stage, runs: int, out: Path) -> bool:
    return asyncio.run(play_all(stage.plays(runs), record(out), 1, Console(quiet=True)))


def test_a_run_that_was_stopped_goes_on_after_the_plays_that_are_over(stage: Stage, tmp_path: Path) -> None:
    stage.stops = {3}
    with pytest.raises(KeyboardInterrupt):
        play(stage, 4, tmp_path)
    stage.stops = set()
    assert play(stage, 4, tmp_path)
    assert stage.played == [1, 2, 3, 3, 4]
    assert (tmp_path / "figures.md").read_text() == "4: [1.0, 2.0, 3.0, 4.0]\n"


def test_a_play_that_failed_is_kept_and_told(stage: Stage, tmp_path: Path) -> None:
    stage.fails = {2}
    assert not play(stage, 3, tmp_path)
    assert (tmp_path / "figures.md").read_text() == "2, 1 failed: [1.0, 3.0]\n"
    assert play(stage, 3, tmp_path)  # it is over, and not played until it works
    assert stage.played == [1, 2, 3]
    (failed,) = (one for one in record(tmp_path).plays.all if one.seen is None)
    assert (failed.number, failed.problem) == (2, "the line did not come")


def test_the_page_is_written_when_nothing_is_left_to_play(stage: Stage, tmp_path: Path) -> None:
    play(stage, 1, tmp_path)
    (tmp_path / "figures.md").unlink()
    assert play(stage, 1, tmp_path)
    assert (tmp_path / "figures.md").read_text() == "1: [1.0]\n"
    assert stage.played == [1]


def test_more_plays_are_added_to_those_that_are_there(stage: Stage, tmp_path: Path) -> None:
    play(stage, 1, tmp_path)
    play(stage, 2, tmp_path)
    assert [one.seconds for one in record(tmp_path).plays.seen("cut", "asha")] == [1.0, 2.0]


@pytest.mark.parametrize(
    "text", ['[["cut", "asha", [{"seconds": 1.0}]]]', "[{}]", "{", "[3]", '[{"seen": {"x": 1}}]']
)
def test_a_file_of_another_version_is_named_and_left_alone(text: str, stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "figures.json").write_text(text)
    with pytest.raises(RackError, match=r"figures\.json is no record of plays"):
        play(stage, 1, tmp_path)
    assert (tmp_path / "figures.json").read_text() == text
