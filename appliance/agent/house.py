"""The parts of the agent, put together: which part is given what of the others.

A new room is added as a line in the tuple of rooms that can be asked.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from appliance.agent.actuator import Actuator
from appliance.agent.cycle import Cycle
from appliance.agent.desk import Desk
from appliance.agent.engine_control import EngineControl
from appliance.agent.grantbook import GrantBook
from appliance.agent.journal import Journal, JournalFile
from appliance.agent.kept_conf import load_or_kept
from appliance.agent.places import GRANT, JOURNAL, MAINTENANCE, TRENDS
from appliance.agent.requests import Requests
from appliance.agent.rooms.data import DataRoom
from appliance.agent.rooms.data_report import DataReport
from appliance.agent.rooms.errands import Errands
from appliance.agent.rooms.files import FilesRoom
from appliance.agent.rooms.looks import Looks
from appliance.agent.rooms.maintenance import MaintenanceRoom
from appliance.agent.rooms.notices import NoticeRoom
from appliance.agent.rooms.paperwork import Paperwork, Threads
from appliance.agent.rooms.provision import ProvisionRoom
from appliance.agent.rooms.recorder import Recorder
from appliance.agent.rooms.room import Room
from appliance.agent.rooms.sark import SarkRoom
from appliance.agent.rooms.written import Written
from appliance.agent.rules import Rules
from appliance.agent.sensors.address import AddressSensor
from appliance.agent.sensors.asterisk import AsteriskSensor
from appliance.agent.sensors.card import CardSensor
from appliance.agent.sensors.engine import EngineSensor
from appliance.agent.sensors.line import LineSensor
from appliance.agent.standing import ActiveConf, InstalledConf, read_site
from appliance.agent.way_home import WayHome
from appliance.agent.world import World
from appliance.cluster.installed import installed_engine
from appliance.core.errors import ClusterError
from appliance.core.roles import Role
from appliance.core.status import NotifyStatus
from appliance.core.transfer import Order
from appliance.host.clock import Clock
from appliance.sync.acquaint import Place

# A look that hangs delays the agent's start by at most this many seconds, twice; the resource script waits
# for 2 s.
_FIRST_LOOK = 0.75


class House:
    """Everything that an agent consists of, not running yet.

    `begin_anew`: a function that ends this agent, so that another begins as the conf file now says.
    """

    def __init__(
        self, conf_path: Path, clock: Clock, threads: Threads, begin_anew: Callable[[], None]
    ) -> None:
        self._conf_path = conf_path
        self._clock = clock
        self._late: set[asyncio.Task[None]] = set()
        self._book = InstalledConf()
        self.site = read_site(conf_path, self._book)
        file = JournalFile(JOURNAL)
        self.journal = Journal(file, clock, _complain)
        self.world = World()
        self._grants = GrantBook(GRANT, least_generation=file.newest_generation(), clock=clock)
        self.standing = self._standing(begin_anew)
        self.data = DataRoom(self.site, self.world, self._role, self.journal, clock)
        self.desk = Desk(Actuator(self.site, clock, self.data.owed), self.journal, clock, self._order_done)
        engine = installed_engine()
        self.engine_sensor = EngineSensor(engine, self.site, self.world, clock)
        self.engine = EngineControl(engine, self.site, self._book)
        self.maintenance = MaintenanceRoom(MAINTENANCE, self.journal, clock)
        self.cycle = self._cycle()
        self.asterisk = AsteriskSensor(self.site, self.world, clock, lambda: self.cycle.busy)
        self.line = LineSensor(self.site, self.world, clock, lambda: self.cycle.busy)
        self.address = AddressSensor(self.site, self.world, clock, self.journal)
        self.card = CardSensor(self.site, self.world, clock, self.journal, self.desk.forget_relay)
        self.rules = self._rules()
        self.recorder = self._recorder()
        self.errands = Errands(self.journal, clock)
        self.sark = self._sark()
        self.provision = ProvisionRoom(self.site, self.journal)
        self.files = self._files()
        asked: tuple[Room, ...] = (
            Written(self.journal),
            DataReport(self.data, self.site, clock),
            self._looks(),
            self._paperwork(threads),
            self.errands,
            self.sark,
            self.provision,
            self.standing,
            self.files,
        )
        self.clerk = self._requests(asked)
        self.notices = self._notices()
        self.way_home = self._way_home()

    async def first_look(self) -> None:
        """Look once at all that the cycle decides by and the peer is told of.

        This makes the order in which the loops start irrelevant. A look that hangs is not waited for: its
        value stays "not looked at yet", which is never taken for absent.
        """
        self.engine_sensor.look()
        self.asterisk.look()
        self.address.look()
        looks = [self.engine_sensor.first_look(), self.line.first_look()]
        if self.site.has_card:
            looks.append(self.card.first_look())
        await self._have_looked(looks)
        self.data.look()

    async def first_report(self) -> None:
        """Have the rooms look once at what only people are told of, before anybody is told."""
        looks = (self.notices.first_look(), self.provision.first_look(), self.recorder.first_look())
        await self._have_looked([*looks, self.sark.first_look()])

    async def _have_looked(self, looks: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Wait for all of `looks`, for a limited time.

        A look that is late goes on, because what it has begun may be half done.
        """
        done, late = await asyncio.wait([asyncio.create_task(look) for look in looks], timeout=_FIRST_LOOK)
        self._late |= late
        for look in done:
            look.result()

    def jobs(self) -> list[Coroutine[Any, Any, None]]:
        """Return the jobs that run for as long as the agent does; a job that ends is broken."""
        jobs = [
            self.engine_sensor.run(),
            self.asterisk.run(),
            self.line.run(),
            self.address.run(),
            self.data.run(),
            self.way_home.run(),
            self.notices.run(),
            self.maintenance.run(),
            self.sark.run(),
            self.provision.run(),
            self.recorder.run(),
            self.files.run(),
            self.cycle.run(),
        ]
        if self.site.has_card:
            jobs.append(self.card.run())
        return jobs

    def close(self) -> None:
        """Begin nothing more, and kill the running errands.

        The journal stays open, because the end of the agent is still to be recorded.
        """
        for look in self._late:
            look.cancel()
        self.desk.close()
        self.errands.close()

    # -- what each is given -------------------------------------------------------------------------------

    def _standing(self, begin_anew: Callable[[], None]) -> ActiveConf:
        return ActiveConf(
            path=self._conf_path,
            site=self.site,
            written=load_or_kept(self._conf_path),
            book=self._book,
            role=self._role,
            journal=self.journal,
            begin_anew=begin_anew,
        )

    def _cycle(self) -> Cycle:
        return Cycle(
            site=self.site,
            world=self.world,
            book=self._grants,
            desk=self.desk,
            journal=self.journal,
            clock=self._clock,
            maintenance=self.maintenance,
            ask_standby=self._ask_standby,
        )

    def _rules(self) -> Rules:
        return Rules(
            site=self.site,
            world=self.world,
            cycle=self.cycle,
            data=self.data,
            journal=self.journal,
            clock=self._clock,
        )

    def _recorder(self) -> Recorder:
        return Recorder(
            path=TRENDS,
            world=self.world,
            data=self.data,
            journal=self.journal,
            clock=self._clock,
            alerts=lambda: self.notices.made,
        )

    def _files(self) -> FilesRoom:
        return FilesRoom(
            conf_path=self._conf_path,
            conf=lambda: self.site.conf,
            journal=self.journal,
            grant=lambda: self.cycle.grant_problem,
            looked=self.standing.look_again,
        )

    def _sark(self) -> SarkRoom:
        return SarkRoom(
            site=self.site,
            journal=self.journal,
            receives=self.data.receives,
            reload=self.standing.reload,
            engine_off=lambda: self.standing.engine_off,
            conf=self._conf_path,
        )

    def _looks(self) -> Looks:
        return Looks(
            rules=self.rules,
            maintenance=self.maintenance,
            journal=self.journal,
            recorder=self.recorder,
            node=self.site.node,
            clock=self._clock,
            notify=self._notify_status,
        )

    def _notify_status(self) -> NotifyStatus:
        return self.notices.ways_status()

    def _paperwork(self, threads: Threads) -> Paperwork:
        return Paperwork(
            place=Place(self._conf_path),
            threads=threads,
            journal=self.journal,
            clock=self._clock,
            adopt=self.standing.adopt,
            refuses=self.standing.refuses,
        )

    def _requests(self, asked: tuple[Room, ...]) -> Requests:
        return Requests(
            site=self.site,
            world=self.world,
            desk=self.desk,
            cycle=self.cycle,
            engine=self.engine,
            data=self.data,
            rules=self.rules,
            clock=self._clock,
            rooms=asked,
            look_at_engine=self.engine_sensor.look,
            reload=self.standing.reload,
            before_start=self._take_what_waits,
        )

    def _notices(self) -> NoticeRoom:
        return NoticeRoom(
            site=self.site,
            journal=self.journal,
            clock=self._clock,
            status=self.clerk.status,
            busy=lambda: self.cycle.busy,
        )

    def _way_home(self) -> WayHome:
        return WayHome(
            site=self.site,
            world=self.world,
            data=self.data,
            journal=self.journal,
            clock=self._clock,
            unfit=self.cycle.unfit,
            maintenance=lambda: self.maintenance.on,
            go_home=self.clerk.go_home,
        )

    def _role(self) -> Role:
        return self.cycle.state.role

    # -- what one tells another ---------------------------------------------------------------------------

    def _order_done(self, order: Order, problem: str) -> None:
        started = order in (Order.START_PBX, Order.RESTART_PBX)
        if started and not problem:
            self.asterisk.booted()
            self.data.serving()
        else:
            self.asterisk.look()
        self.world.touch()

    async def _ask_standby(self) -> None:
        problem = await self.engine.standby()
        self.journal.note("standby", problem=problem, generation=self.cycle.state.grant.generation)

    async def _take_what_waits(self) -> None:
        """Take values that wait, before Heartbeat's files are made.

        Raises ClusterError when this agent must end because of them and a new one begin.
        """
        await self.sark.take_held()
        if self.standing.look():
            raise ClusterError(
                "A value that has waited for the HA engine to be off is being taken. Nothing was started.",
                todo="Ask again in a few seconds.",
            )


def _complain(problem: str) -> None:
    print(f"asha: {problem}", file=sys.stderr, flush=True)
