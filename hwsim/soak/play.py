"""One engine's run: a pair set up once, rounds of faults under load, a quiet time after each, the account last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hwsim.campaign.audit import RoundAudit
from hwsim.campaign.callers import Callers
from hwsim.campaign.round import (
    ASKS_EACH,
    BOUND,
    COMES_UP,
    PATIENCE,
    SITE,
    STAYS,
    Blow,
    beside,
    bring_home,
    chains_broken,
    drawn,
    strike_all,
    uneven_at_last,
)
from hwsim.demo.scenario import ScenarioFailed, Stage
from hwsim.introduction import introduce
from hwsim.mailbox import Mailbox
from hwsim.nodes import RackError
from hwsim.nodes.engines import Engine
from hwsim.pbxdata import MAIL
from hwsim.rack import SIDES, Rack
from hwsim.service_log import NeverSettled, ServiceLog, recorded
from hwsim.soak.explained import AFTERMATH, FaultWindow
from hwsim.soak.judgement import Soaked
from hwsim.soak.pages import Pages
from hwsim.soak.pool import pool
from hwsim.soak.record import Record

# A caller each 2 s leaves 16 kB: two hours of them, twice while they are fetched, and the journal.
_DISK = 320 << 20
# Seconds without a fault after a round, in which nothing may happen.
_QUIET = AFTERMATH + 30.0
_HOME = 90.0
_SEEDS_A_RUN = 100_000  # so that no two runs have a round in common


async def play(run: Soaked, engine: Engine, seed: int, out: Path, told: Callable[[str], None]) -> None:
    """Play `run` on a fresh rack, until its planned time is over; note in it what is seen, whatever happens.

    `told` is called every few seconds with what is going on. Logs are kept below `out` when something was wrong.
    """
    rack, mail = Rack(replace(SITE, engine=engine, disk_size=_DISK), ASKS_EACH), Mailbox()
    try:
        told("the pair is set up")
        await rack.up()
        async with mail.up(rack.network):
            await _Soak(run, rack, mail, seed, told).play()
    except (ScenarioFailed, NeverSettled, RackError, TimeoutError) as problem:
        run.stopped = f"{type(problem).__name__}: {problem}"
    except asyncio.CancelledError:
        run.stopped = "interrupted"
        raise
    finally:
        if rack.servers and (run.stopped or run.violations or run.uneven or run.unexplained):
            rack.keep_logs(out / f"{engine.name}-logs")
        await rack.down()


class _Soak:
    """The play of one run on a rack that is up."""

    def __init__(
        self, run: Soaked, rack: Rack, mail: Mailbox, seed: int, told: Callable[[str], None]
    ) -> None:
        self._run, self._rack, self._mail, self._seed = run, rack, mail, seed
        self._stage = Stage(rack, lambda text: None)
        self._pages = Pages(rack)
        self._doing = ""
        self._told = lambda: told(self._doing)

    async def play(self) -> None:
        stage, rack, run = self._stage, self._rack, self._run
        for server in rack.servers.values():
            server.node.path(MAIL).mkdir(parents=True)
        await self._pages.open()  # first, as the packages do: asha's own directory is for its user to enter
        await introduce(rack.servers)
        await stage.home(COMES_UP)
        record = Record(run, rack, self._mail, self._pages, self._told)
        async with recorded(rack, PATIENCE) as log:
            audit, callers = RoundAudit(rack, log, self._mail), Callers(rack, log)
            record.begin()
            async with beside(self._pages.run), beside(audit.run), beside(record.read_all):
                try:
                    async with beside(callers.run):
                        await self._rounds(record, audit, log, callers)
                    self._doing = "the messages are counted on both disks"
                    run.uneven = await uneven_at_last(stage, callers)
                    run.violations += await chains_broken(stage)
                finally:
                    run.left, run.lasted = callers.left, record.elapsed
                    record.collect()
                    run.violations += audit.found

    async def _rounds(self, record: Record, audit: RoundAudit, log: ServiceLog, callers: Callers) -> None:
        run = self._run
        await self._quiet(record)
        while record.elapsed < run.planned:
            seed = self._seed * _SEEDS_A_RUN + run.rounds
            blows = drawn(seed, pool(run.engine, record.elapsed / run.planned))
            run.rounds += 1
            run.blows += len(blows)
            self._doing = f"round {run.rounds}: {'; '.join(map(str, blows))}"
            await self._round(record, audit, log, blows, seed)
            await self._quiet(record)
            run.left, run.lasted = callers.left, record.elapsed

    async def _round(
        self, record: Record, audit: RoundAudit, log: ServiceLog, blows: tuple[Blow, ...], seed: int
    ) -> None:
        """Strike, repair, and bring the pair home, as an operator does who has looked at what happened."""
        stage = self._stage
        window = FaultWindow(stage.now(), None, tuple((blow.name, blow.side) for blow in blows))
        record.windows.append(window)
        self._mail.senders.clear()  # an alert of an earlier round says nothing of this one
        await strike_all(stage, audit, blows, seed)
        await log.settled(stage.now(), BOUND, STAYS)
        await bring_home(stage, log)
        for side in SIDES:
            await self._rack.servers[side].asha("cleanup")
        await stage.at_home(_HOME)
        record.windows[-1] = replace(window, ended=stage.now())

    async def _quiet(self, record: Record) -> None:
        """Let time pass in which nothing is injected; what was written meanwhile is judged then."""
        self._doing = "quiet: nothing is injected"
        record.quiet = True
        await self._rack.pause(_QUIET)
        record.quiet = False
        record.collect()
