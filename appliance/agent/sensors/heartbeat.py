"""Heartbeat's master, its word for the peer, and the peer's own messages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

from appliance.agent.peer import hear
from appliance.agent.sensors.readiness import Readable
from appliance.agent.site import Site
from appliance.agent.world import World
from appliance.cluster.api import HeartbeatApi
from appliance.cluster.messages import Mailbox, send
from appliance.cluster.paths import HeartbeatPaths, find_heartbeat
from appliance.cluster.status import Heartbeat
from appliance.cluster.view import ClusterView, NodeStatus, ask_everything
from appliance.core.errors import AshaError, ClusterError, HostError
from appliance.core.reading import Known, Reading, Unknown
from appliance.host.clock import Clock
from appliance.host.pidwatch import PidWatch

# The master's death is told by the kernel; a new master is looked for this often, in seconds.
_LOOK_PERIOD = 1.0
# Heartbeat tells of a link only when it changes, and a change before we listened is missed: ask now and then.
_ASK_AGAIN = 10.0
# How long the agent's start waits for its first word, in seconds.
_FIRST_WORD = 0.5
_STARTTIME_FIELD = 19  # of /proc/PID/stat, counted behind the command's closing bracket


class HeartbeatSensor:
    """Watches the master by pidfd and listens on the API socket while there is one."""

    def __init__(self, site: Site, world: World, clock: Clock) -> None:
        self._site = site
        self._world = world
        self._clock = clock
        self._heartbeat: Heartbeat | None = None
        self._master: PidWatch | None = None
        self._master_ready: Readable | None = None
        self._api: HeartbeatApi | None = None
        self._api_ready: Readable | None = None
        self._asked_at = float("-inf")
        self._view = ClusterView(site.peer_name)
        self._mailbox = Mailbox(site.own_name)

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                self.look()
                await asyncio.sleep(_LOOK_PERIOD)
        finally:
            self._disconnect()
            self._forget_master()

    async def first_look(self) -> None:
        """Look, and wait a moment for Heartbeat's word on the peer: it tells at once whoever has signed on."""
        self.look()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_WORD):
                while self._api is not None and not isinstance(self._world.peer_alive, Known):
                    self._world.changed.clear()
                    await self._world.changed.wait()

    def look(self) -> None:
        """Is there a master, and are we connected to it?"""
        try:
            heartbeat = self._installed()
        except HostError as problem:
            self._see_engine(Known(False, self._clock.now()), "")
            self._world.peer_alive = Unknown(str(problem), self._clock.now())
            return
        self._look_for_master(heartbeat)
        if self._master is not None and self._api is None:
            self._connect(heartbeat.paths)
        self._ask(self._clock.now())

    def tell(self, fields: Mapping[str, str]) -> None:
        """Tell the peer; nothing happens while Heartbeat does not listen."""
        if self._api is not None and self._api.signed_on:
            with contextlib.suppress(ClusterError):
                send(self._api, fields, self._clock.now())

    def _installed(self) -> Heartbeat:
        if self._heartbeat is None:
            self._heartbeat = Heartbeat(find_heartbeat())
        return self._heartbeat

    def _look_for_master(self, heartbeat: Heartbeat) -> None:
        if self._master is not None and not self._master.drain():
            return
        self._forget_master()
        pid = heartbeat.master_pid()
        identity = _identity(pid) if pid is not None else ""
        if pid is None or not identity:
            self._see_engine(Known(False, self._clock.now()), "")
            return
        with contextlib.suppress(HostError):
            self._master = PidWatch(pid)
            self._master_ready = Readable(self._master.fileno(), self._master_ended)
            self._see_engine(Known(True, self._clock.now()), identity)

    def _master_ended(self) -> None:
        self._forget_master()
        self._disconnect()
        self.look()

    def _forget_master(self) -> None:
        if self._master is not None:
            if self._master_ready is not None:
                self._master_ready.close()
            self._master.close()
            self._master = self._master_ready = None

    def _see_engine(self, engine: Reading[bool], identity: str) -> None:
        world = self._world
        changed = identity != world.engine_id or not isinstance(world.engine, Known)
        world.engine, world.engine_id = engine, identity
        if changed:
            world.engine_since = self._clock.now() if identity else None
            if not identity:
                self._forget_cluster("Heartbeat does not run here")
            world.touch()

    def _forget_cluster(self, why: str) -> None:
        self._view = ClusterView(self._site.peer_name)
        self._world.peer_alive = Unknown(why, self._clock.now())
        self._world.peer_seen = False
        self._world.report = None
        self._world.links = {}
        self._world.heartbeat_holds = Unknown(why, self._clock.now())

    def _connect(self, paths: HeartbeatPaths) -> None:
        with contextlib.suppress(ClusterError):
            self._api = HeartbeatApi.connect(paths.api_sockets)
            self._asked_at = float("-inf")
            self._api_ready = Readable(self._api.fileno(), self._receive)

    def _disconnect(self) -> None:
        if self._api is not None:
            if self._api_ready is not None:
                self._api_ready.close()
            self._api.close()
            self._api = self._api_ready = None

    def _receive(self) -> None:
        if self._api is None:
            return
        try:
            messages = self._api.drain()
            self._api.flush()
        except ClusterError:
            self._disconnect()
            return
        now = self._clock.now()
        for message in messages:
            self._take_in(message, now)
        self._ask(now)

    def _ask(self, now: float) -> None:
        if self._api is None or not self._api.signed_on or now - self._asked_at < _ASK_AGAIN:
            return
        self._asked_at = now
        with contextlib.suppress(ClusterError):
            links = dict.fromkeys(medium.device for medium in self._site.conf.media)
            ask_everything(self._api, self._site.own_name, self._site.peer_name, links)

    def _take_in(self, message: Mapping[str, str], now: float) -> None:
        world = self._world
        word = self._mailbox.accept(message, now)
        if word is not None and word.source == self._site.peer_name:
            world.report = hear(word.fields, word.at)
            world.touch()
        elif self._view.learn(message, now):
            self._see_peer(now)

    def _see_peer(self, now: float) -> None:
        world = self._world
        world.peer_alive = _alive(self._view.peer_status(now), now)
        if isinstance(world.peer_alive, Known) and world.peer_alive.value:
            world.peer_seen = True
        held = self._view.held(self._site.own_name, now)
        world.heartbeat_holds = held if isinstance(held, Unknown) else Known(held.value.value, held.at)
        world.links = {name: "up" if up else "down" for name, up in self._view.links().items()}
        world.touch()


def _alive(status: Reading[NodeStatus], now: float) -> Reading[bool]:
    """Heartbeat's word as alive or not; a node still starting is neither yet."""
    if isinstance(status, Unknown):
        return status
    if status.value is NodeStatus.INIT:
        return Unknown("the peer is still starting", now)
    return Known(status.value is not NodeStatus.DEAD, status.at)


def _identity(pid: int) -> str:
    """`pid:starttime`, so that a pid used again is another master. Empty when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return f"{pid}:{stat.rpartition(')')[2].split()[_STARTTIME_FIELD]}"


def engine_identity() -> str:
    """The Heartbeat master that runs now, or nothing; for a script that has no agent to ask."""
    try:
        pid = Heartbeat(find_heartbeat()).master_pid()
    except AshaError:
        return ""
    return _identity(pid) if pid is not None else ""
