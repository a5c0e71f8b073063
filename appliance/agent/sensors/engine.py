"""The sensor for the cluster engine of this node, its view of the peer, and the peer's own messages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from appliance.agent.peer import hear
from appliance.agent.sensors.readiness import Readable
from appliance.agent.site import Site
from appliance.agent.world import World
from appliance.cluster.engine import ClusterEngine, EngineView
from appliance.core.reading import Known, is_known
from appliance.host.clock import Clock

# The kernel reports the engine's death; a new engine is looked for this often, in seconds.
_LOOK_PERIOD = 1.0
# How long the agent's start waits for the engine's first word on the peer, in seconds.
_FIRST_WORD = 0.5


class EngineSensor:
    """The sensor that watches `engine` and writes on the board what the engine says."""

    def __init__(self, engine: ClusterEngine, site: Site, world: World, clock: Clock) -> None:
        self._site = site
        self._world = world
        self._clock = clock
        self._watch = engine.watch(site.node, site.own_name, site.peer_name, self._links)
        self._readable: dict[int, Readable] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                self.look()
                await asyncio.sleep(_LOOK_PERIOD)
        finally:
            self._listen(())
            self._watch.close()

    async def first_look(self) -> None:
        """Look, and wait a moment for the engine's word on the peer.

        A client that has signed on is told by the engine at once.
        """
        self.look()
        world = self._world
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_WORD):
                while is_known(world.engine, True) and not isinstance(world.peer_alive, Known):
                    world.changed.clear()
                    await world.changed.wait()

    def look(self) -> None:
        """Look now whether the engine runs, and connect to it."""
        self._listen(())
        now = self._clock.now()
        self._watch.look(now)
        self._see(self._watch.view(now))
        self._listen(self._watch.descriptors())

    def tell(self, fields: Mapping[str, str]) -> None:
        """Send `fields` to the peer; nothing happens while the engine does not listen."""
        self._watch.tell(fields, self._clock.now())

    def _links(self) -> list[str]:
        return [medium.device for medium in self._site.conf.media]

    def _listen(self, descriptors: tuple[int, ...]) -> None:
        """Listen to `descriptors`, and to nothing else.

        Before the watch may close one, listen to none: the kernel forgets a closed descriptor, and the next
        that is opened gets its number, and would not be heard.
        """
        for descriptor in self._readable.keys() - set(descriptors):
            self._readable.pop(descriptor).close()
        for descriptor in descriptors:
            if descriptor not in self._readable:
                self._readable[descriptor] = Readable(descriptor, self._read)

    def _read(self) -> None:
        self._listen(())
        now = self._clock.now()
        news = self._watch.read(now)
        if news.changed:
            self._see(self._watch.view(now))
        for message in news.messages:
            self._world.report = hear(message.fields, message.at)
        if news.changed or news.messages:
            self._world.touch()
        self._listen(self._watch.descriptors())

    def _see(self, view: EngineView) -> None:
        world = self._world
        if view.identity != world.engine_id or not isinstance(world.engine, Known):
            world.engine_since = self._clock.now() if view.identity else None
            if not view.identity:
                world.peer_seen = False
                world.report = None
            world.touch()
        world.engine, world.engine_id = view.runs, view.identity
        world.peer_alive, world.engine_holds = view.peer_alive, view.holds
        world.engine_serves, world.engine_moving = view.serves, view.moving
        world.peer_seen = world.peer_seen or is_known(view.peer_alive, True)
        world.links = {name: "up" if up else "down" for name, up in view.links.items()}
