"""A build fails when asha has become slower than keepalived, and not because a machine was busy."""

from __future__ import annotations

import pytest

from hwsim.bench.engines.rows import NO_PBX, ROWS
from hwsim.bench.engines.runner import CONTENDERS
from hwsim.bench.plays import Played, Plays
from hwsim.bench.rounds import Seen
from hwsim.bench.slower import slower

KILLED = [row for row in ROWS if row.name in ("engines-killed", "engines-idle")]
FAST = {"asha/Heartbeat": (0.8, 0.9), "asha/Pacemaker": (0.7, 2.0), "keepalived": (0.8, 0.9)}


def plays(times: dict[str, tuple[float | None, ...]]) -> Plays[Seen]:
    return Plays(
        Played("engines-killed", who, number, Seen({NO_PBX: took}, "2026-01-01 00:00", 1.0))
        for who, all_took in times.items()
        for number, took in enumerate(all_took, 1)
    )


def said(**changed: tuple[float | None, ...]) -> list[str]:
    times = {**FAST, **{name.replace("asha_", "asha/"): took for name, took in changed.items()}}
    return list(slower(plays(times), KILLED, CONTENDERS, NO_PBX, 1.15))


def test_as_fast_as_keepalived_is_right_and_one_slow_play_is_the_machine() -> None:
    assert said() == []


def test_slower_in_its_fastest_play_is_named_with_the_figures() -> None:
    (sentence,) = said(asha_Heartbeat=(0.96, 3.0))
    assert "asha/Heartbeat takes 0.96 s at the fastest, 1.20 times keepalived's 0.80 s" in sentence
    assert "engines-killed" in sentence


def test_just_within_is_right() -> None:
    assert said(asha_Heartbeat=(0.92,)) == []


@pytest.mark.parametrize(
    ("changed", "sentences"),
    [
        ({"asha_Pacemaker": ()}, 1),
        ({"asha_Pacemaker": (None, None)}, 1),
        ({"keepalived": (None,)}, 2),
    ],
)
def test_what_was_not_measured_is_not_right(
    changed: dict[str, tuple[float | None, ...]], sentences: int
) -> None:
    found = said(**changed)
    assert len(found) == sentences
    assert all("cannot be compared" in one for one in found)
