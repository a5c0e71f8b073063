"""The parts of the agent, put together: which part is given what of the others.

A new component is added as a line in the tuple of components that can be asked.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from appliance.agent.active_conf import ActiveConf, InstalledConf, read_this_node
from appliance.agent.components.alerts import Alerts
from appliance.agent.components.auto_failback import AutoFailback
from appliance.agent.components.component import Component
from appliance.agent.components.data_sync import DataReport, SyncSupervisor
from appliance.agent.components.file_troubles import FileTroubles
from appliance.agent.components.history import History, Written
from appliance.agent.components.jobs import Jobs
from appliance.agent.components.maintenance import MaintenanceSwitch
from appliance.agent.components.provisioning import Provisioning
from appliance.agent.components.samples import Samples
from appliance.agent.components.sark import SarkMirror
from appliance.agent.components.settings import Settings, Threads
from appliance.agent.control_api import ControlApi
from appliance.agent.cycle import Cycle
from appliance.agent.engine_control import EngineControl
from appliance.agent.executor import Actuator, Executor
from appliance.agent.grant_file import GrantFile
from appliance.agent.journal import Journal, JournalFile
from appliance.agent.kept_conf import load_or_kept
from appliance.agent.observations import Observations
from appliance.agent.operator_policy import OperatorPolicy
from appliance.agent.sensors.address import AddressSensor
from appliance.agent.sensors.asterisk import AsteriskSensor
from appliance.agent.sensors.card import CardSensor
from appliance.agent.sensors.engine import EngineSensor
from appliance.agent.sensors.line import LineSensor
from appliance.cluster.installed import installed_engine
from appliance.core.errors import ClusterError
from appliance.core.roles import Role
from appliance.core.status import NotifyStatus
from appliance.core.transfer import Order
from appliance.host.clock import Clock
from appliance.host.paths import GRANT, JOURNAL, MAINTENANCE, TRENDS
from appliance.sync.pairing_files import PairingFiles

# A look that hangs delays the agent's start by at most this many seconds, twice; the resource script waits
# for 2 s.
_FIRST_LOOK = 0.75


class AgentParts:
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
        self.this_node = read_this_node(conf_path, self._book)
        file = JournalFile(JOURNAL)
        self.journal = Journal(file, clock, _complain)
        self.observations = Observations()
        self._grants = GrantFile(GRANT, least_generation=file.newest_generation(), clock=clock)
        self.standing = self._standing(begin_anew)
        self.data = SyncSupervisor(self.this_node, self.observations, self._role, self.journal, clock)
        self.executor = Executor(
            Actuator(self.this_node, clock, self.data.owed), self.journal, clock, self._order_done
        )
        engine = installed_engine()
        self.engine_sensor = EngineSensor(engine, self.this_node, self.observations, clock)
        self.engine = EngineControl(engine, self.this_node, self._book)
        self.maintenance = MaintenanceSwitch(MAINTENANCE, self.journal, clock)
        self.cycle = self._cycle()
        self.asterisk = AsteriskSensor(self.this_node, self.observations, clock, lambda: self.cycle.busy)
        self.line = LineSensor(self.this_node, self.observations, clock, lambda: self.cycle.busy)
        self.address = AddressSensor(self.this_node, self.observations, clock, self.journal)
        self.card = CardSensor(
            self.this_node, self.observations, clock, self.journal, self.executor.forget_relay
        )
        self.rules = self._rules()
        self.recorder = self._recorder()
        self.errands = Jobs(self.journal, clock)
        self.sark = self._sark()
        self.provision = Provisioning(self.this_node, self.journal)
        self.files = self._files()
        asked: tuple[Component, ...] = (
            Written(self.journal),
            DataReport(self.data, self.this_node, clock),
            self._looks(),
            self._paperwork(threads),
            self.errands,
            self.sark,
            self.provision,
            self.standing,
            self.files,
        )
        self.control_api = self._requests(asked)
        self.notices = self._notices()
        self.auto_failback = self._auto_failback()

    async def first_look(self) -> None:
        """Look once at all that the cycle decides by and the peer is told of.

        This makes the order in which the loops start irrelevant. A look that hangs is not waited for: its
        value stays "not looked at yet", which is never taken for absent.
        """
        self.engine_sensor.look()
        self.asterisk.look()
        self.address.look()
        looks = [self.engine_sensor.first_look(), self.line.first_look()]
        if self.this_node.has_card:
            looks.append(self.card.first_look())
        await self._have_looked(looks)
        self.data.look()

    async def first_report(self) -> None:
        """Have the components look once at what only people are told of, before anybody is told."""
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
            self.data.keep_worker(),
            self.auto_failback.run(),
            self.notices.run(),
            self.maintenance.run(),
            self.sark.run(),
            self.provision.run(),
            self.recorder.run(),
            self.files.run(),
            self.cycle.run(),
        ]
        if self.this_node.has_card:
            jobs.append(self.card.run())
        return jobs

    def close(self) -> None:
        """Begin nothing more, and kill the running errands.

        The journal stays open, because the end of the agent is still to be recorded.
        """
        for look in self._late:
            look.cancel()
        self.executor.close()
        self.errands.close()

    # -- what each is given -------------------------------------------------------------------------------

    def _standing(self, begin_anew: Callable[[], None]) -> ActiveConf:
        return ActiveConf(
            path=self._conf_path,
            this_node=self.this_node,
            written=load_or_kept(self._conf_path),
            book=self._book,
            role=self._role,
            journal=self.journal,
            begin_anew=begin_anew,
        )

    def _cycle(self) -> Cycle:
        return Cycle(
            this_node=self.this_node,
            observations=self.observations,
            book=self._grants,
            executor=self.executor,
            journal=self.journal,
            clock=self._clock,
            maintenance=self.maintenance,
            ask_standby=self._ask_standby,
        )

    def _rules(self) -> OperatorPolicy:
        return OperatorPolicy(
            this_node=self.this_node,
            observations=self.observations,
            cycle=self.cycle,
            data=self.data,
            journal=self.journal,
            clock=self._clock,
        )

    def _recorder(self) -> Samples:
        return Samples(
            path=TRENDS,
            observations=self.observations,
            data=self.data,
            journal=self.journal,
            clock=self._clock,
            alerts=lambda: self.notices.made,
        )

    def _files(self) -> FileTroubles:
        return FileTroubles(
            conf_path=self._conf_path,
            conf=lambda: self.this_node.conf,
            journal=self.journal,
            grant=lambda: self.cycle.grant_problem,
            looked=self.standing.look_again,
        )

    def _sark(self) -> SarkMirror:
        return SarkMirror(
            this_node=self.this_node,
            journal=self.journal,
            receives=self.data.receives,
            reload=self.standing.reload,
            engine_off=lambda: self.standing.engine_off,
            conf=self._conf_path,
        )

    def _looks(self) -> History:
        return History(
            rules=self.rules,
            maintenance=self.maintenance,
            journal=self.journal,
            recorder=self.recorder,
            node=self.this_node.node,
            clock=self._clock,
            notify=self._notify_status,
        )

    def _notify_status(self) -> NotifyStatus:
        return self.notices.ways_status()

    def _paperwork(self, threads: Threads) -> Settings:
        return Settings(
            place=PairingFiles(self._conf_path),
            threads=threads,
            journal=self.journal,
            clock=self._clock,
            adopt=self.standing.adopt,
            refuses=self.standing.refuses,
        )

    def _requests(self, asked: tuple[Component, ...]) -> ControlApi:
        return ControlApi(
            this_node=self.this_node,
            observations=self.observations,
            executor=self.executor,
            cycle=self.cycle,
            engine=self.engine,
            data=self.data,
            rules=self.rules,
            clock=self._clock,
            components=asked,
            look_at_engine=self.engine_sensor.look,
            reload=self.standing.reload,
            before_start=self._take_what_waits,
        )

    def _notices(self) -> Alerts:
        return Alerts(
            this_node=self.this_node,
            journal=self.journal,
            clock=self._clock,
            status=self.control_api.status,
            busy=lambda: self.cycle.busy,
        )

    def _auto_failback(self) -> AutoFailback:
        return AutoFailback(
            this_node=self.this_node,
            observations=self.observations,
            data=self.data,
            journal=self.journal,
            clock=self._clock,
            unfit=self.cycle.unfit,
            maintenance=lambda: self.maintenance.on,
            go_home=self.control_api.go_home,
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
        self.observations.notify_changed()

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
