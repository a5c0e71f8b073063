"""The life of the agent: signals, the first look, the socket, watchdogs, and the end.

The parts that an agent consists of are put together in agent/wiring.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from appliance import __version__
from appliance.agent.active_conf import read_this_node
from appliance.agent.components.settings import Threads
from appliance.agent.end_order import EndOrder
from appliance.agent.peer_message import Hearing, tell
from appliance.agent.unconfigured import UnconfiguredAgent
from appliance.agent.watchdogs import Watchdogs
from appliance.agent.wiring import AgentParts
from appliance.control.protocol import ControlRequest
from appliance.control.server import ControlServer
from appliance.core.errors import AshaError
from appliance.core.feeding import CompletedCycle
from appliance.core.reading import Known, is_known
from appliance.core.roles import claims_service
from appliance.core.timing import PEER_MESSAGE_PERIOD
from appliance.host.agent_socket import SOCKET
from appliance.host.boot import boot_identity
from appliance.host.clock import Clock, SystemClock
from appliance.host.memory import share_one_heap
from appliance.host.paths import CONF
from appliance.host.service_manager import ServiceManager

# How long a starting agent waits for the engine to say who serves, and how often it looks, in seconds.
_ENGINES_WORD = 1.0
_LOOK = 0.02
_FED_AGAIN = "The watchdog timer is fed again."


class Daemon:
    """The agent's life: `run` returns when the agent is told to end, and service goes on without it."""

    def __init__(
        self, conf_path: Path, clock: Clock, init: ServiceManager, threads: Threads, order: EndOrder
    ) -> None:
        self._clock = clock
        self._init = init
        self._boot = boot_identity()
        self._run = f"{clock.now():.0f}"  # no two agents of a boot begin in the same second
        self._end = asyncio.Event()
        self._order = order
        self._is_another = False
        self._ready = asyncio.Event()
        self._parts = parts = AgentParts(conf_path, clock, threads, self._restart)
        self._this_node = parts.context.this_node
        self._journal = parts.context.journal
        self._observations = parts.context.observations
        self._active_conf = parts.active_conf
        self._cycle = parts.cycle
        self._engine = parts.engine_sensor
        self._watchdogs = Watchdogs(
            self._this_node,
            init,
            lambda says: self._journal.note_once("watchdog", "timer", says, over=_FED_AGAIN),
            parts.executor.feed_relay,
        )
        self._cycle.completed = self._completed

    async def run(self) -> bool:
        """Serve until told to end.

        Returns False after the order to end, and True when the conf file now makes this machine another pair
        or node, so that a new agent must begin.
        """
        self._order.ends(self._end)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload_quietly)
        self._journal.note("agent", says="started", version=__version__, pid=os.getpid())
        server = ControlServer(Path(SOCKET), self._answer, engine=self._parts.context.engine.title)
        await server.start()
        self._watchdogs.arm()
        try:
            await self._first_look()
            self._ready.set()
            self._init.ready()
            await self._work()
            # On purpose: an agent that broke leaves the timer running, and the next one goes on feeding it.
            self._watchdogs.disarm()
            await self._parts.executor.stop_relay_watchdog()
        finally:
            if not self._begins_anew:
                self._init.ending()
            await server.stop()
            self._parts.close()
            self._journal.note("agent", says="begins again" if self._begins_anew else "ended")
            self._journal.close()
        return self._begins_anew

    def _completed(self, done: CompletedCycle) -> None:
        """Feed the watchdogs after a whole cycle; then ask the relay, which feeds one of its own too."""
        fed = self._watchdogs.completed(done)
        self._parts.position.turned(feeds=fed and done.relay_holds)

    async def _answer(self, request: ControlRequest) -> Any:
        """Answer a request, but not before the first look is done.

        A grant that came during the first look would be taken for an old one.
        """
        await self._ready.wait()
        return await self._parts.control_api.answer(request)

    async def _first_look(self) -> None:
        """Learn about Heartbeat before anything moves, and about the rest before this node has a role."""
        fed = self._watchdogs.begun
        await self._hear_engine()
        fed()
        await self._cycle.begin()
        fed()
        await self._parts.first_look()
        fed()
        self._cycle.start()
        self._active_conf.begin()
        await self._parts.first_report()
        fed()

    async def _hear_engine(self) -> None:
        """Look at the engine, and wait a moment until it says who serves.

        Heartbeat answers within a tenth of a second.
        """
        self._engine.look()
        end = self._clock.now() + _ENGINES_WORD
        while self._engine_is_silent() and self._clock.now() < end:
            await asyncio.sleep(_LOOK)
            self._engine.look()

    def _engine_is_silent(self) -> bool:
        seen = self._observations
        spoken = isinstance(seen.engine_serves, Known) or seen.engine_moving
        return is_known(seen.engine, True) and not spoken

    async def _work(self) -> None:
        tasks = [asyncio.create_task(task) for task in (*self._parts.tasks(), self._tell_peer())]
        ended = asyncio.create_task(self._end.wait())
        resumed = asyncio.create_task(self._parts.engine_requests.resume_restart())
        try:
            # None of the tasks ends by itself: the first that is done is the order to end, or a task that
            # broke.
            await asyncio.wait([*tasks, ended], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()  # a sensor that broke must end the agent: init starts a new one
        finally:
            ended.cancel()
            for task in (*tasks, resumed):
                task.cancel()
            await asyncio.gather(*tasks, ended, resumed, return_exceptions=True)

    def _hearing(self, now: float) -> Hearing:
        seen, max_age = self._observations, self._this_node.conf.peer_max_age
        hears = seen.hears_peer(now, max_age)
        deaf = seen.deaf_links() if self._parts.context.engine.hears_one_way else ()
        return Hearing(hears, deaf, self._boot, engine=seen.engine_id, demands=seen.demands, run=self._run)

    async def _tell_peer(self) -> None:
        """Send this node's state to the peer every second, and at once when it changes.

        A turn of the cycle that comes after half a period sends it too: what waits for its own timer wakes the
        processor once more.
        """
        told: dict[str, str] = {}
        told_at = float("-inf")
        while True:
            now = self._clock.now()
            fitness = self._cycle.fitness(now)
            seen, word, ip = self._cycle.seen(now), self._parts.data.word, self._observations.lan_address
            hearing = self._hearing(now)
            fields = tell(self._cycle.state, fitness, seen, now, data=word, hearing=hearing, lan_address=ip)
            if fields != told or now - told_at > PEER_MESSAGE_PERIOD / 2:
                self._engine.tell(fields)
                told, told_at = fields, now
            self._engine.claim(claims_service(self._cycle.state.role, seen.lan))
            self._active_conf.look()
            self._cycle.turned.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(told_at + PEER_MESSAGE_PERIOD - self._clock.now()):
                    await self._cycle.turned.wait()

    @property
    def _begins_anew(self) -> bool:
        return self._is_another and not self._order.given

    def _restart(self) -> None:
        self._is_another = True
        self._end.set()

    def _reload_quietly(self) -> None:
        try:
            self._active_conf.reload()
        except AshaError as problem:
            self._journal.note("agent", says=f"the conf file was not taken: {problem}")


def run_agent(conf_path: Path = CONF) -> None:
    """Run the agent until it is told to end."""
    share_one_heap()

    async def be() -> None:
        clock, init, threads = SystemClock(), ServiceManager.of_this_process(), Threads()
        order = EndOrder()
        order.take_signals()
        goes_on = True
        while goes_on and not order.given:
            part = Daemon if _is_set_up(conf_path) else UnconfiguredAgent
            goes_on = await part(conf_path, clock, init, threads, order).run()

    asyncio.run(be())


def _is_set_up(conf_path: Path) -> bool:
    """Tell whether the conf file makes this machine a node.

    A conf file that cannot be read counts as no: the agent that waits to be set up shows what is wrong.
    """
    try:
        read_this_node(conf_path)
    except AshaError:
        return False
    return True
