"""The agent put together: sensors, cycle, socket, signals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

from appliance import __version__
from appliance.agent.actuator import Actuator
from appliance.agent.cycle import Cycle
from appliance.agent.data import DataRoom
from appliance.agent.desk import Desk
from appliance.agent.engine import EngineRoom
from appliance.agent.errands import Errands
from appliance.agent.grantbook import GrantBook
from appliance.agent.journal import Journal, JournalFile
from appliance.agent.looks import Looks
from appliance.agent.maintenance import MaintenanceRoom
from appliance.agent.notices import NoticeRoom
from appliance.agent.paperwork import Paperwork, Threads, why_not_set_up
from appliance.agent.peer import tell
from appliance.agent.places import CONF, GRANT, JOURNAL, MAINTENANCE, TRENDS
from appliance.agent.provision import ProvisionRoom
from appliance.agent.recorder import Recorder
from appliance.agent.requests import Requests
from appliance.agent.rules import Rules
from appliance.agent.sark import SarkRoom
from appliance.agent.sensors.address import AddressSensor
from appliance.agent.sensors.asterisk import AsteriskSensor
from appliance.agent.sensors.card import CardSensor
from appliance.agent.sensors.heartbeat import HeartbeatSensor
from appliance.agent.sensors.line import LineSensor
from appliance.agent.set_up import SetUp
from appliance.agent.standing import Standing, StandingBook, conf_in_force, read_site
from appliance.agent.tenure import Tenure
from appliance.agent.way_home import WayHome
from appliance.agent.world import World
from appliance.config import load
from appliance.config.identity import which_node
from appliance.control.protocol import SOCKET, Message
from appliance.control.server import ControlServer
from appliance.core.errors import AshaError, ClusterError
from appliance.core.grant import valid
from appliance.core.reading import is_known
from appliance.core.roles import resume
from appliance.core.timing import PEER_MESSAGE_PERIOD
from appliance.core.transfer import Order
from appliance.host.clock import Clock, SystemClock
from appliance.host.init import ServiceManager
from appliance.hw.watchdog import LinuxWatchdog, WatchdogTimer
from appliance.sync.acquaint import Place


class Daemon:
    """One agent. `run` returns when it was asked to end; service goes on without it."""

    def __init__(self, conf_path: Path, clock: Clock, init: ServiceManager, threads: Threads) -> None:
        self._conf_path = conf_path
        self._clock = clock
        book = StandingBook()
        self._site = read_site(conf_path, book)
        self._init = init
        self._end = asyncio.Event()
        self._begins_anew = False
        self._ready = asyncio.Event()
        self._file = JournalFile(JOURNAL)
        self._journal = Journal(self._file, clock, _complain)
        self._world = World()
        generations = (int(entry.get("generation", 0)) for entry in self._file.entries(newest=50))
        grants = GrantBook(GRANT, least_generation=max(generations, default=0))
        self._tenure = Tenure(grants, self._journal, self._site, clock)
        self._standing = Standing(
            site=self._site,
            written=load(conf_path),
            book=book,
            tenure=self._tenure,
            journal=self._journal,
            begin_anew=self._begin_anew,
        )
        self._data = DataRoom(self._site, self._world, self._tenure, self._journal, clock)
        actuator = Actuator(self._site, clock, self._data.owed)
        self._desk = Desk(actuator, self._journal, clock, self._order_done)
        self._heartbeat = HeartbeatSensor(self._site, self._world, clock)
        self._engine = EngineRoom(self._site, book)
        self._maintenance = MaintenanceRoom(MAINTENANCE, self._journal, clock)
        self._cycle = Cycle(
            site=self._site,
            world=self._world,
            tenure=self._tenure,
            desk=self._desk,
            journal=self._journal,
            clock=clock,
            maintenance=self._maintenance,
            ask_standby=self._ask_standby,
        )
        self._asterisk = AsteriskSensor(self._site, self._world, clock, lambda: self._cycle.busy)
        self._watchdog: WatchdogTimer | None = None
        self._card = CardSensor(self._site, self._world, clock, self._journal, self._desk.forget_relay)
        self._paper = Paperwork(
            place=Place(conf_path),
            threads=threads,
            journal=self._journal,
            clock=clock,
            adopt=self._standing.adopt,
            refuses=self._standing.refuses,
        )
        self._errands = Errands(self._journal, clock)
        self._recorder = Recorder(
            path=TRENDS,
            world=self._world,
            data=self._data,
            journal=self._journal,
            clock=clock,
            alerts=self._alerts_made,
        )
        self._clerk = self._requests()
        self._way_home = WayHome(
            site=self._site,
            world=self._world,
            data=self._data,
            journal=self._journal,
            clock=clock,
            unfit=self._cycle.unfit,
            maintenance=lambda: self._maintenance.on,
            go_home=self._clerk.go_home,
        )
        self._notices = NoticeRoom(
            site=self._site,
            journal=self._journal,
            clock=clock,
            document=self._clerk.document,
            busy=lambda: self._cycle.busy,
        )
        self._sark = SarkRoom(
            site=self._site,
            journal=self._journal,
            receives=self._data.receives,
            reload=self._reload,
            engine_off=lambda: self._standing.engine_off,
            conf=conf_path,
        )
        self._provision = ProvisionRoom(self._site, self._journal)
        self._clerk.join(self._sark.verbs, self._sark.problems)
        self._clerk.join({}, self._provision.problems)
        self._clerk.join({}, self._standing.problems)

    async def run(self) -> bool:
        """Serve until SIGTERM or SIGINT: False; or until the conf makes this another pair or node: True."""
        self._take_signals()
        self._journal.note("agent", says="started", version=__version__, pid=os.getpid())
        server = ControlServer(Path(SOCKET), self._answer)
        await server.start()
        self._arm_watchdog()
        try:
            await self._first_look()
            self._ready.set()
            self._init.ready()
            await self._work()
        finally:
            if not self._begins_anew:
                self._init.ending()
            await server.stop()
            self._disarm_watchdog()
            self._desk.close()
            self._errands.close()
            self._journal.note("agent", says="begins anew" if self._begins_anew else "ended")
            self._journal.close()
        return self._begins_anew

    def _requests(self) -> Requests:
        rules = Rules(
            site=self._site,
            world=self._world,
            tenure=self._tenure,
            cycle=self._cycle,
            data=self._data,
            journal=self._journal,
            clock=self._clock,
        )
        looks = Looks(
            rules=rules,
            maintenance=self._maintenance,
            journal=self._journal,
            file=self._file,
            recorder=self._recorder,
            node=self._site.node,
            clock=self._clock,
            notify=self._notify_document,
        )
        return Requests(
            site=self._site,
            world=self._world,
            tenure=self._tenure,
            desk=self._desk,
            cycle=self._cycle,
            engine=self._engine,
            data=self._data,
            rules=rules,
            looks=looks,
            clock=self._clock,
            more={**self._paper.verbs, **self._errands.verbs},
            errand=self._errands.document,
            look_at_engine=self._heartbeat.look,
            reload=self._reload,
            before_start=self._take_what_waits,
        )

    def _notify_document(self) -> Message:
        return self._notices.ways_document()

    def _alerts_made(self) -> int:
        return self._notices.made

    async def _answer(self, request: Message) -> Any:
        """Nobody is answered before the first look: a grant that came during it would be taken for an old one."""
        await self._ready.wait()
        return await self._clerk.answer(request)

    async def _first_look(self) -> None:
        """Know Heartbeat before anything moves; without a valid grant the relay is released first of all."""
        self._heartbeat.look()
        engine_runs = is_known(self._world.engine, True)
        if not self._granted(engine_runs) and self._site.has_card:
            await self._release_at_start()
            self._tenure.read_book()  # a script that found nobody to answer may have spoken meanwhile
        granted = self._granted(engine_runs)
        if not granted:
            self._tenure.void("the Heartbeat that gave the grant is gone")
        self._tenure.resume(
            resume(engine_runs=engine_runs, granted=granted, peer_seen=self._world.peer_seen),
            "the agent was restarted" if engine_runs else "Heartbeat is gone",
            maintenance=self._maintenance.on,
        )
        self._standing.begin()

    def _granted(self, engine_runs: bool) -> bool:
        grant = self._tenure.grant
        return valid(grant, self._world.engine_id) if engine_runs else grant.held

    async def _release_at_start(self) -> None:
        try:
            await self._desk.reset_card()
        except AshaError as problem:
            self._journal.note("card", says=f"it could not be reset: {problem}")
        generation = self._tenure.grant.generation
        with contextlib.suppress(AshaError):
            await self._desk.do(Order.RELEASE, "an agent that holds no grant has started", generation)

    async def _work(self) -> None:
        address = AddressSensor(self._site, self._world, self._clock, self._journal)
        line = LineSensor(self._site, self._world, self._clock, lambda: self._cycle.busy)
        jobs = [
            self._heartbeat.run(),
            self._asterisk.run(),
            line.run(),
            address.run(),
            self._tell_peer(),
            self._data.run(),
            self._way_home.run(),
            self._notices.run(),
            self._maintenance.run(),
            self._sark.run(),
            self._provision.run(),
            self._recorder.run(),
        ]
        if self._site.has_card:
            jobs.append(self._card.run())
        tasks = [asyncio.create_task(job) for job in (*jobs, self._cycle.run())]
        ended = asyncio.create_task(self._end.wait())
        try:
            # None of the tasks ends by itself: the first that is done is the order to end, or one that broke.
            await asyncio.wait([*tasks, ended], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()  # a sensor that broke must end the agent: init starts it afresh
        finally:
            ended.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, ended, return_exceptions=True)

    async def _tell_peer(self) -> None:
        """Tell the peer every second, and at once when something it decides by has changed."""
        told: dict[str, str] = {}
        told_at = float("-inf")
        while True:
            now = self._clock.now()
            tenure = self._tenure
            unfit = self._cycle.unfit(now)
            seen, word = self._cycle.seen(now), self._data.word
            fields = tell(tenure.role, tenure.grant.held, tenure.grant.generation, unfit, seen, data=word)
            if fields != told or now - told_at >= PEER_MESSAGE_PERIOD:
                self._heartbeat.tell(fields)
                told, told_at = fields, now
            self._feed_watchdogs()
            self._standing.look()
            self._cycle.turned.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PEER_MESSAGE_PERIOD):
                    await self._cycle.turned.wait()

    def _arm_watchdog(self) -> None:
        if self._site.conf.watchdog:
            try:
                self._watchdog = LinuxWatchdog(Path(self._site.conf.watchdog))
            except AshaError as problem:
                self._journal.note("watchdog", says=str(problem))

    def _feed_watchdogs(self) -> None:
        """Init's and the machine's; only when the cycle has turned, so that an agent whose cycle hangs starves them."""
        if not self._cycle.turned.is_set():
            return
        self._init.alive()
        if self._watchdog is not None:
            with contextlib.suppress(AshaError):  # a timer that takes no food says so by its reset
                self._watchdog.feed()

    def _disarm_watchdog(self) -> None:
        if self._watchdog is not None:
            self._watchdog.disarm()

    def _order_done(self, order: Order, problem: str) -> None:
        started = order in (Order.START_PBX, Order.RESTART_PBX)
        if started and not problem:
            self._asterisk.booted()
            self._data.serving()
        else:
            self._asterisk.look()
        self._world.touch()

    async def _ask_standby(self) -> None:
        problem = await self._engine.standby()
        self._journal.note("standby", problem=problem, generation=self._tenure.grant.generation)

    def _reload(self) -> None:
        """Read the conf again. A wrong one changes nothing and raises."""
        conf = load(self._conf_path)
        which_node(conf, os.uname().nodename)
        self._journal.note("agent", says="the conf file was read again")
        self._standing.adopt(conf)

    async def _take_what_waits(self) -> None:
        """Before Heartbeat's files are made. Raises ClusterError when this agent begins anew for it."""
        await self._sark.take_held()
        if self._standing.look():
            raise ClusterError(
                "A value that has waited for the HA engine to be off is being taken. Nothing was started.",
                todo="Ask again in a few seconds.",
            )

    def _begin_anew(self) -> None:
        self._begins_anew = True
        self._end.set()

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_end)
        loop.add_signal_handler(signal.SIGHUP, self._reload_quietly)

    def _told_to_end(self) -> None:
        self._begins_anew = False
        self._end.set()

    def _reload_quietly(self) -> None:
        try:
            self._reload()
        except AshaError as problem:
            self._journal.note("agent", says=f"the conf file was not taken: {problem}")


def run_agent(conf_path: Path = CONF) -> None:
    """Be the agent until told to end."""

    async def be() -> None:
        clock, init, threads = SystemClock(), ServiceManager.of_this_process(), Threads()
        goes_on = True
        while goes_on:
            part = SetUp if why_not_set_up(conf_in_force(conf_path)) else Daemon
            goes_on = await part(conf_path, clock, init, threads).run()
        threads.close()

    asyncio.run(be())


def _complain(problem: str) -> None:
    print(f"asha: {problem}", file=sys.stderr, flush=True)
