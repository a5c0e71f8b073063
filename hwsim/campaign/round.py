"""One round on real nodes: a fresh rack, faults from a seed, callers all the while, and the account at the end."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hwsim.campaign.audit import RoundAudit
from hwsim.campaign.callers import Callers
from hwsim.campaign.faults import FAULTS, HA_STOP, MOVES, calm, strike
from hwsim.demo.scenario import ScenarioFailed, Stage
from hwsim.introduction import introduce
from hwsim.mailbox import SERVER, Mailbox
from hwsim.nodes import RackError
from hwsim.pbxdata import MAIL
from hwsim.rack import SIDES, Rack
from hwsim.service_log import NeverSettled, ServiceLog, recorded
from hwsim.site import SYNCHRONISED, Site

# Seconds after the last fault from which one node serves alone: a joint start (12), what the pair's watchdog waits for
# and does (docs/pair-states.md), twice.
BOUND = 90.0
STAYS = 10.0
_HOME_BOUND = 60.0
_COUNT_BOUND = 90.0
_LINE_BOUND = 30.0
_ROUND_DEADLINE = 400.0
COMES_UP = 100.0  # longer than the pair's own remedy takes for a start that Heartbeat loses (docs/facts/heartbeat.md)
_GAPS = (0.0, 0.3, 1.0, 2.5, 6.0, 15.0)
_TRANSFER = 3.0  # seconds that a move takes, so that a blow falls into the midst of it
# Several racks share the machine: the telephone asks less often, and waits longer before it calls a node silent.
ASKS_EACH, PATIENCE = 0.1, 2.0
_HEARD_AGAIN = 5.0  # seconds after the repair from which a silence has no fault to blame
_DISK = 96 << 20
SITE = Site(
    disk_size=_DISK,
    extra={**SYNCHRONISED, "MAILTO": "noc@example.com", "NOTIFYSMTP": SERVER},
)


@dataclass(frozen=True, slots=True)
class Blow:
    """One fault of a round: `name` befalls `side`, `gap` seconds after the blow before began."""

    name: str
    side: str
    gap: float

    def __str__(self) -> str:
        """Return it in a few words."""
        return f"+{self.gap:.1f} s {self.name} ({self.side})"


@dataclass(slots=True)
class Ended:
    """How a round ended: its story, what was found wrong (empty when nothing), and its figures.

    `settled`: seconds from the repair until one node serves alone. `two`, `nobody`: seconds from the first blow on.
    `silences`: how long, in seconds, one node heard nothing of the other long after the repair.
    """

    seed: int
    blows: tuple[Blow, ...]
    wrong: list[str] = field(default_factory=list)
    settled: float | None = None
    two: float = 0.0
    nobody: float = 0.0
    messages: int = 0
    silences: list[float] = field(default_factory=list)

    @property
    def too_slow(self) -> str:
        """The sentence that blames the machine, and no fault, for a silence between the nodes; empty without one."""
        if not self.silences:
            return ""
        return (
            f"this machine was too slow: deadtime passed {len(self.silences)} times after the repair, when nothing "
            f"was cut, for up to {max(self.silences):.1f} s"
        )

    @property
    def figures(self) -> str:
        """The figures in words."""
        settled = "never settled" if self.settled is None else f"settled after {self.settled:.1f} s"
        return f"{settled}; two {self.two:.1f} s, nobody {self.nobody:.1f} s, {self.messages} messages"


def drawn(seed: int, among: Iterable[str] = FAULTS) -> tuple[Blow, ...]:
    """Return the blows of round `seed`: one to five, every other time with one in the midst of a transfer.

    `among`: the faults to draw from, with at least one of MOVES.
    """
    chance = random.Random(seed)
    names = sorted(among)
    moves = [name for name in MOVES if name in names]
    blows = [
        Blow(chance.choice(names), chance.choice(SIDES), chance.choice(_GAPS))
        for _ in range(chance.randint(1, 4))
    ]
    if chance.random() < 0.5:
        move = Blow(chance.choice(moves), chance.choice(SIDES), blows[-1].gap)
        blows[-1:] = [move, Blow(blows[-1].name, blows[-1].side, chance.uniform(0.0, _TRANSFER))]
    return tuple(blows)


async def play(seed: int, out: Path) -> Ended:
    """Play one round; keep its logs below `out` when something was found wrong."""
    ended = Ended(seed, drawn(seed))
    rack = Rack(SITE, ASKS_EACH)
    mail = Mailbox()
    try:
        async with asyncio.timeout(_ROUND_DEADLINE):
            await rack.up()
            async with mail.up(rack.network):
                await _round(Stage(rack, lambda text: None), mail, ended)
    except (ScenarioFailed, NeverSettled, RackError, TimeoutError) as problem:
        ended.wrong.append(f"{type(problem).__name__}: {problem}")
    finally:
        if ended.wrong and rack.servers:
            rack.keep_logs(out / f"seed-{seed}")
        await rack.down()
    return ended


async def _round(stage: Stage, mail: Mailbox, ended: Ended) -> None:
    for server in stage.rack.servers.values():
        server.node.path(MAIL).mkdir(parents=True)
    await introduce(stage.rack.servers)
    await stage.home(COMES_UP)
    async with recorded(stage.rack, PATIENCE) as log:
        audit, callers = RoundAudit(stage.rack, log, mail), Callers(stage.rack, log)
        async with beside(audit.run):
            began = repaired = stage.now()
            try:
                async with beside(callers.run):
                    await strike_all(stage, audit, ended.blows, ended.seed)
                    repaired = stage.now()
                    ended.settled = (await log.settled(repaired, BOUND, STAYS)).after
                await bring_home(stage, log)
                ended.wrong += await uneven_at_last(stage, callers)
                ended.wrong += await chains_broken(stage)
            finally:
                ended.messages = callers.left
                ended.two, ended.nobody = log.seconds_with_two(began), log.seconds_with_nobody(began)
                ended.wrong += audit.found + audit.moves_without_grant()
                ended.silences = audit.silences(repaired + _HEARD_AGAIN) if repaired > began else []


async def strike_all(stage: Stage, audit: RoundAudit, blows: Sequence[Blow], seed: int) -> None:
    """Strike each blow at its time, whether or not those before are over; then end all that lasts."""
    chance = random.Random(seed)
    async with asyncio.TaskGroup() as faults:
        for blow in blows:
            await stage.rack.pause(blow.gap)
            if blow.name == HA_STOP:
                audit.stopped.add(blow.side)
            faults.create_task(strike(stage, blow.name, blow.side, random.Random(chance.random())))
    await calm(stage)
    audit.stopped.clear()


async def bring_home(stage: Stage, log: ServiceLog) -> None:
    """Give the operator's `asha failback` when the secondary serves: only so everything is on both disks."""
    if log.serves("secondary"):
        await stage.until_status(stage.primary, _fit, _HOME_BOUND, "the primary stands by and is fit")
        await stage.ask(stage.primary, "failback", "--yes")
    await stage.until(
        lambda: stage.in_service("primary") and log.serves("primary"),
        _LINE_BOUND,
        "the line is in service on the primary, which serves",
    )


async def uneven_at_last(stage: Stage, callers: Callers) -> list[str]:
    """Wait until every message is on both disks, once; return what is wrong when that does not come."""
    ends = stage.now() + _COUNT_BOUND
    while (uneven := callers.account()) and stage.now() < ends:
        await stage.rack.pause(1.0)
    return uneven


async def chains_broken(stage: Stage) -> list[str]:
    """Return what `asha events --verify` says against each node's journal; empty when it says nothing."""
    wrong = []
    for side, server in stage.rack.servers.items():
        said = await server.asha("events", "--verify")
        if said.code:
            wrong.append(f"the {side}'s journal: {(said.output + said.error).strip()}")
    return wrong


@contextlib.asynccontextmanager
async def beside(run: Callable[[], Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Have `run` run while the block lasts; what it raises is raised when the block ends."""
    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _fit(status: dict[str, object]) -> bool:
    return status["role"] == "standby" and bool(status["fit"]) and not status["doubts"]
