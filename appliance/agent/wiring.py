"""The parts of the agent, put together: which part is given what of the others.

A new component is a line in `AgentParts.components`: its loop, its first look, its verbs and its part of the status
follow from that.
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
from appliance.agent.components.data_sync import SyncSupervisor
from appliance.agent.components.disk_space import DiskSpace
from appliance.agent.components.drill import Drill
from appliance.agent.components.engine_change import EngineChanges
from appliance.agent.components.fencing import Fencing
from appliance.agent.components.file_troubles import FileTroubles
from appliance.agent.components.hints import Hints
from appliance.agent.components.history import History, Written
from appliance.agent.components.jobs import Jobs
from appliance.agent.components.journal_pages import JournalPages
from appliance.agent.components.lan_source import LanSource
from appliance.agent.components.maintenance import MaintenanceSwitch
from appliance.agent.components.provisioning import Provisioning
from appliance.agent.components.relay_ports import RelayPorts
from appliance.agent.components.samples import Samples
from appliance.agent.components.sark import SarkMirror
from appliance.agent.components.settings import Settings, Threads
from appliance.agent.components.silences import Silences
from appliance.agent.components.strangers import Strangers
from appliance.agent.components.unheard_peer import UnheardPeer
from appliance.agent.context import NodeContext, Service
from appliance.agent.control_api import ControlApi
from appliance.agent.cycle import Cycle
from appliance.agent.engine_control import EngineControl, EngineRequests
from appliance.agent.engine_facts import EngineFacts
from appliance.agent.engine_orders import EngineOrders
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
from appliance.agent.sensors.lan import LanSensor
from appliance.agent.sensors.line import LineSensor
from appliance.agent.sensors.position import PositionSensor
from appliance.cluster.installed import engine_of
from appliance.core.move_limit import KINDS, NO_MOVES, MoveRecord, remembered
from appliance.core.service_state import first_state
from appliance.core.status import Status
from appliance.core.transfer import Order
from appliance.host.clock import Clock
from appliance.host.paths import GRANT, JOURNAL
from appliance.host.system_journal import SystemJournal

# A look that hangs delays the agent's start by at most this many seconds, twice; the resource script waits
# for 2 s.
_FIRST_LOOK = 0.75


class AgentParts:
    """All that an agent consists of, not running yet.

    `restart`: a function that ends this agent, so that another begins as the conf file now says. Raises UserError
    when the conf is wrong or names neither node.
    """

    def __init__(self, conf_path: Path, clock: Clock, threads: Threads, restart: Callable[[], None]) -> None:
        self._late: set[asyncio.Task[None]] = set()
        installed = InstalledConf()
        this_node = read_this_node(conf_path, installed)
        engine = engine_of(this_node.conf)
        file = JournalFile(JOURNAL)
        system = SystemJournal.of_this_process()
        journal, observations = Journal(file, clock, _complain, engine.traits.title, system), Observations()
        grants = GrantFile(GRANT, least_generation=file.newest_generation(), clock=clock)
        service = Service(first_state(grants.read(), clock.now(), _past_moves(file, clock)))
        self.context = context = NodeContext(
            conf_path, clock, journal, this_node, observations, service, restart, engine.traits
        )

        self.data = SyncSupervisor(context)
        self.executor = Executor(context, Actuator(this_node, clock, self.data.owed), self._order_done)
        self.engine = EngineControl(context, engine, installed)
        self.engine_requests = EngineRequests(context, self.engine)
        self.maintenance = MaintenanceSwitch(context)
        self.fencing = Fencing(context)
        self.cycle = Cycle(
            context,
            book=grants,
            executor=self.executor,
            maintenance=self.maintenance,
            asks=self.engine_requests,
            fence=self.fencing.begin,
        )

        self.engine_sensor = EngineSensor(context, engine)
        self.asterisk = AsteriskSensor(context)
        self.line = LineSensor(context)
        source = LanSource(context)
        self.address = AddressSensor(context, source.look_again)
        self.lan = LanSensor(context)
        self.card = CardSensor(context, self.executor.forget_relay)
        self.position = PositionSensor(context, self.executor)

        orders = EngineOrders(context, self.engine, self.engine_sensor, self.cycle)
        self.active_conf = ActiveConf(context, load_or_kept(conf_path), installed)
        facts = EngineFacts(context, engine, self.cycle)
        changes = EngineChanges(
            context,
            engine=engine,
            control=self.engine,
            orders=orders,
            facts=facts,
            active_conf=self.active_conf,
        )
        self.policy = OperatorPolicy(context, self.cycle, self.data)
        self.alerts = Alerts(context, self._status)
        self.samples = Samples(context, self.data, self.alerts)
        silences = Silences(context)
        self.engine_sensor.heard, self.engine_sensor.turned = silences.heard, silences.turned
        self.sark = SarkMirror(context, self.data, self.active_conf)
        failback = AutoFailback(context, self.data, self.cycle, self.engine)
        drill = Drill(context, self.cycle, self.policy, failback)
        self.cycle.drilling = self.fencing.drilling = lambda: drill.running
        self.fencing.seen = self.cycle.seen
        self.components: tuple[Component, ...] = (
            Written(context),
            JournalPages(context),
            RelayPorts(lambda: this_node.conf),
            self.data,
            History(
                context,
                policy=self.policy,
                maintenance=self.maintenance,
                samples=self.samples,
                alerts=self.alerts,
            ),
            Settings(context, threads, adopt=self.active_conf.adopt, refuses=self.active_conf.refuses),
            Jobs(context),
            self.sark,
            Provisioning(context),
            source,
            self.active_conf,
            FileTroubles(
                context,
                conf=lambda: this_node.conf,
                grant=lambda: self.cycle.grant_problem,
                looked=self.active_conf.look_again,
            ),
            DiskSpace(context),
            Hints(context),
            self.samples,
            silences,
            self.alerts,
            self.maintenance,
            failback,
            drill,
            self.fencing,
            changes,
            UnheardPeer(context, facts=facts, orders=orders, changes=changes),
            Strangers(context, engine),
        )
        self.control_api = ControlApi(
            context,
            cycle=self.cycle,
            executor=self.executor,
            engine=self.engine,
            orders=orders,
            changes=changes,
            engine_sensor=self.engine_sensor,
            policy=self.policy,
            data=self.data,
            active_conf=self.active_conf,
            sark=self.sark,
            components=self.components,
        )

    async def first_look(self) -> None:
        """Look once at all that the cycle decides by and the peer is told of.

        This makes the order in which the loops start irrelevant. A look that hangs is not waited for: its
        value stays "not checked yet", which is never taken for absent.
        """
        self.engine_sensor.look()
        self.asterisk.look()
        self.address.look()
        self.lan.look()
        looks = [self.engine_sensor.first_look(), self.line.first_look()]
        if self.context.this_node.has_card:
            looks.append(self.card.first_look())
        await self._have_looked(looks)
        self.data.look()

    async def first_report(self) -> None:
        """Have the components look once at what only people are told of, before anybody is told."""
        await self._have_looked(component.first_look() for component in self.components)

    async def _have_looked(self, looks: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Wait for all of `looks`, for a limited time.

        A look that is late goes on, because what it has begun may be half done.
        """
        done, late = await asyncio.wait([asyncio.create_task(look) for look in looks], timeout=_FIRST_LOOK)
        self._late |= late
        for look in done:
            look.result()

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """Return the tasks that run for as long as the agent does; a task that ends is broken."""
        sensors = [self.engine_sensor.run(), self.asterisk.run(), self.line.run(), self.address.run()]
        sensors.append(self.lan.run())
        if self.context.this_node.has_card:
            sensors.append(self.card.run())
        return [*sensors, *(component.run() for component in self.components), self.cycle.run()]

    def close(self) -> None:
        """Begin nothing more, and end what the components have begun.

        The journal stays open, because the end of the agent is still to be recorded.
        """
        for look in self._late:
            look.cancel()
        self.executor.close()
        self.position.close()
        for component in self.components:
            component.close()

    def _status(self) -> Status:
        return self.control_api.status()

    def _order_done(self, order: Order, problem: str) -> None:
        started = order in (Order.START_PBX, Order.RESTART_PBX)
        if started and not problem:
            self.asterisk.booted()
            self.data.asterisk_started()
        else:
            self.asterisk.look()
        self.context.observations.notify_changed()


def _past_moves(file: JournalFile, clock: Clock) -> MoveRecord:
    """Return the moves of service that the journal knows of; none when it cannot be read."""
    try:
        return remembered(file.backwards(KINDS), clock.wall(), clock.now())
    except OSError:
        return NO_MOVES


def _complain(problem: str) -> None:
    print(f"asha: {problem}", file=sys.stderr, flush=True)
