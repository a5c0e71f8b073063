"""Rounds of the campaign on real nodes: each on a fresh rack, from a seed that plays it again."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from hwsim.campaign.faults import FAULTS, calm, strike
from hwsim.demo.scenario import ScenarioFailed, Stage
from hwsim.nodes import RackError
from hwsim.rack import SIDES, Rack
from hwsim.service_log import NeverSettled, ServiceLog, recorded
from hwsim.site import Site

# Seconds after the last fault from which one node serves alone: a joint start (12), what the pair's watchdog waits for
# and does (docs/pair-states.md), twice.
_BOUND = 90.0
_STAYS = 10.0
_ROUND_DEADLINE = 400.0


@dataclass(frozen=True, slots=True)
class Blow:
    """One fault of a round: `name` befalls `side`, `gap` seconds after the blow before."""

    name: str
    side: str
    gap: float

    def __str__(self) -> str:
        """Return it in a few words."""
        return f"+{self.gap:.1f} s {self.name} ({self.side})"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a round ended: its story, what was found wrong (empty when nothing), and the figures in words."""

    seed: int
    blows: tuple[Blow, ...]
    wrong: tuple[str, ...]
    figures: str


def drawn(seed: int) -> tuple[Blow, ...]:
    """Return the blows of round `seed`."""
    chance = random.Random(seed)
    names = sorted(FAULTS)
    return tuple(
        Blow(chance.choice(names), chance.choice(SIDES), chance.choice((0.0, 0.3, 1.0, 2.5, 6.0, 15.0)))
        for _ in range(chance.randint(1, 5))
    )


async def campaign(first: int, rounds: int, at_once: int, out: Path, console: Console) -> bool:
    """Play `rounds` rounds, `at_once` at a time; return True when nothing was found wrong.

    The rounds are those of the seeds from `first` on.
    """
    turns = asyncio.Semaphore(at_once)

    async def one(seed: int) -> Ended:
        async with turns:
            ended = await play(seed, out)
        story = "; ".join(map(str, ended.blows))
        verdict = "ok" if not ended.wrong else "WRONG: " + "; ".join(ended.wrong)
        console.print(f"seed {seed}: {story}\n   {verdict}. {ended.figures}", highlight=False, markup=False)
        return ended

    all_ended = await asyncio.gather(*map(one, range(first, first + rounds)))
    wrong = [ended.seed for ended in all_ended if ended.wrong]
    console.print(f"{rounds} rounds, violations {len(wrong)}{': seeds ' if wrong else ''}{wrong or ''}")
    return not wrong


async def play(seed: int, out: Path) -> Ended:
    """Play one round; keep its logs below `out` when something was found wrong."""
    blows = drawn(seed)
    rack = Rack(Site())
    wrong: list[str] = []
    figures = ""
    try:
        async with asyncio.timeout(_ROUND_DEADLINE):
            await rack.up()
            figures = await _round(Stage(rack, lambda text: None), seed, blows, wrong)
    except (ScenarioFailed, NeverSettled, RackError, TimeoutError) as problem:
        wrong.append(f"{type(problem).__name__}: {problem}")
    finally:
        if wrong and rack.servers:
            rack.keep_logs(out / f"seed-{seed}")
        await rack.down()
    return Ended(seed, blows, tuple(wrong), figures)


async def _round(stage: Stage, seed: int, blows: tuple[Blow, ...], wrong: list[str]) -> str:
    await stage.home()
    chance = random.Random(seed)
    async with recorded(stage.rack) as log:
        began = stage.now()
        for blow in blows:
            await stage.rack.pause(blow.gap)
            await strike(stage, blow.name, blow.side, chance)
        await calm(stage)
        settled = await log.settled(stage.now(), _BOUND, _STAYS)
        wrong += await _audit(stage, log)
        two, nobody = log.seconds_with_two(began), log.seconds_with_nobody(began)
    return f"After the last fault {settled}. In all: two {two:.1f} s, nobody {nobody:.1f} s."


async def _audit(stage: Stage, log: ServiceLog) -> list[str]:
    """Return what is wrong at the end, the pair having settled: the line's place, and the journals."""
    wrong = []
    owner = log.samples[-1].serving[0]
    if not await stage.rack.history.wait(lambda: stage.in_service(owner), 30):
        wrong.append(f"the {owner} serves, and the line is not in service there")
    for side, server in stage.rack.servers.items():
        said = await server.asha("events", "--verify")
        if said.code:
            wrong.append(f"the {side}'s journal: {(said.output + said.error).strip()}")
    return wrong
