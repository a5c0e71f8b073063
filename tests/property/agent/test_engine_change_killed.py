"""A change of the cluster engine under random trouble: killed at any step, two engines never run, and both arrive."""

from __future__ import annotations

import asyncio
import itertools
import random
from pathlib import Path

import pytest

from tests.plugins.engine_change_world import AGREED, TITLES, World

_TROUBLES = ("nothing", "refusal", "half a start", "lost questions", "what hangs", "split and refusal")
_STRIKES = ("nothing", "kills", "power cut", "kills and power cut")
KINDS = [(trouble, strike) for trouble, strike in itertools.product(_TROUBLES, _STRIKES) if trouble != strike]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


async def disturb(world: World, trouble: str, strike: str) -> None:
    """Let a change be disturbed for a while by one kind of trouble and one kind of strike."""
    chance = world.chance
    victims = [chance.choice(world.machines)] if chance.random() < 0.8 else list(world.machines)
    if chance.random() < 0.5:  # Debian starts at boot what is installed
        for machine in world.machines:
            machine.at_boot = set(TITLES)
    world.loses = 0.3 if trouble == "lost questions" else 0.0
    world.hangs = 0.1 if trouble == "what hangs" else 0.0
    cut_at = world.clock.now() + chance.choice([5.0, 15.0, 60.0]) * chance.random()
    end = cut_at + chance.choice([20.0, 100.0, 400.0]) * chance.random()
    cut = "power cut" in strike
    while world.clock.now() < end:
        spoil(world, trouble)
        if "kills" in strike and chance.random() < 0.3:
            chance.choice(world.machines).kill_agent()
        if cut and world.clock.now() >= cut_at:
            for victim in victims:
                victim.cut_power()
            cut = False
        await asyncio.sleep(chance.choice([0.2, 1.0, 5.0]) * chance.random())
    for victim in victims:
        victim.boot()
        await asyncio.sleep(chance.choice([0.0, 10.0]) * chance.random())


def spoil(world: World, trouble: str) -> None:
    """Have each machine start the new engine, or not."""
    for machine in world.machines:
        bad = {"pacemaker"} if world.chance.random() < 0.7 else set[str]()
        if "refusal" in trouble and machine is world.primary:
            machine.refuses = bad
        if trouble == "half a start":
            machine.halves = bad
    if "split" in trouble:
        world.answers = world.lan = world.chance.random() < 0.5


@pytest.mark.parametrize("seed", range(230))
def test_killed_at_any_step_no_two_engines_run_and_both_end_with_the_same(world: World, seed: int) -> None:
    """Each seed has its kinds of trouble and strike, the same ones every time."""
    world.chance = random.Random(seed)
    trouble, strike = KINDS[seed % len(KINDS)]
    healed: list[float] = []

    async def scene() -> None:
        await world.begin()
        await disturb(world, trouble, strike)
        healed.append(world.clock.now())
        await world.settle()

    world.play(scene)
    if "split" in trouble:  # both may serve while no path between them works, and until they have agreed
        assert all(at < healed[0] + AGREED for at, *_ in world.torn)
    else:
        assert world.torn == []
    world.alike()
