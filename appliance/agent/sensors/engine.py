"""The sensor for the cluster engine of this node, its view of the peer, and the peer's own messages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from appliance.agent.context import NodeContext
from appliance.agent.observations import PeerReport
from appliance.agent.peer_message import hear
from appliance.agent.rhythm import until_beat
from appliance.agent.sensors.readiness import Readable
from appliance.cluster.engine import ClusterEngine, EngineView, PeerMessage, Source
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.core.timing import ENGINE_LOOK
from appliance.core.waking import Pulse, Woke, stood_still
from appliance.host.clock import since_boot
from appliance.net.neighbours import duplicated

# How long the agent's start waits for the engine's first word on the peer, in seconds.
_FIRST_WORD = 0.5
# For so long a node that wakes asks the LAN who else has the cluster address, in seconds.
_ASKING = 0.15
_UNASKED: Reading[bool] = Unknown("the cluster address is not here, so nobody was asked", 0.0)


class EngineSensor:
    """The sensor that watches `engine` and writes on the board what the engine says.

    `heard` is called for each message of the peer, with its report and the time (monotonic seconds); `turned` after
    each look but the first, with by how many seconds it came late and how many have passed since the one before.
    """

    def __init__(
        self, context: NodeContext, engine: ClusterEngine, since_boot: Callable[[], float] = since_boot
    ) -> None:
        self._this_node = this_node = context.this_node
        self._observations = context.observations
        self._clock = context.clock
        self._watch = engine.watch(
            this_node.node, this_node.own_name, this_node.peer_name, lambda: this_node.conf
        )
        self._readable: dict[Source, Readable] = {}
        self._since_boot = since_boot
        self._pulse: Pulse | None = None
        self._peer_was_alive = False
        self._told: Mapping[str, str] = {}
        self.heard: Callable[[PeerReport, float], None] = lambda report, now: None
        self.turned: Callable[[float, float], None] = lambda late, passed: None

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                await self._notice_waking()
                self.look()
                self._peer_was_alive = is_known(self._observations.peer_alive, True)
                await self._rest()
        finally:
            self._listen(())
            self._watch.close()

    async def _rest(self) -> None:
        """Wait for the next look, and tell by how much it came late: suspended machines included."""
        wanted, began = until_beat(ENGINE_LOOK), self._since_boot()
        await asyncio.sleep(wanted)
        passed = self._since_boot() - began
        self.turned(max(0.0, passed - wanted), passed)

    async def first_look(self) -> None:
        """Look, and wait a moment for the engine's word on the peer.

        A client that has signed on is told by the engine at once.
        """
        self.look()
        observations = self._observations
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_WORD):
                while is_known(observations.engine, True) and not isinstance(observations.peer_alive, Known):
                    observations.changed.clear()
                    await observations.changed.wait()

    def look(self) -> None:
        """Look now whether the engine runs, and connect to it."""
        now = self._clock.now()
        self._watch.look(now)
        self._see(self._watch.view(now))
        self._listen(self._watch.sources())

    def tell(self, fields: Mapping[str, str]) -> None:
        """Send `fields` to the peer; nothing happens while the engine does not listen."""
        self._watch.tell(fields, self._clock.now())
        self._listen(self._watch.sources())

    def claim(self, claims: bool) -> None:
        """Note whether this node claims that service stays with it."""
        self._watch.claim(claims, self._clock.now())

    async def _notice_waking(self) -> None:
        """Write on the board that the machine stood still and goes on, when the engine shows it.

        A node with the cluster address asks the LAN at once who else has it: a peer that has taken over answers, and
        its word over the engine would be later.
        """
        conf, observations = self._this_node.conf, self._observations
        before, self._pulse = self._pulse, self._feel()
        seconds = stood_still(before, self._pulse, conf.keepalive)
        if seconds < conf.deadtime:
            return
        elsewhere = _UNASKED
        if is_known(observations.address, True):
            found = await asyncio.to_thread(
                duplicated, conf.device, conf.main_address.ip, self._clock.now(), timeout=_ASKING
            )
            elsewhere = Known(found.value is not None, found.at) if isinstance(found, Known) else found
        sure = self._pulse is not None and self._pulse.beats is not None
        observations.woke = Woke(seconds, self._clock.now(), self._peer_was_alive, elsewhere, engine=sure)
        observations.notify_changed()

    def _feel(self) -> Pulse | None:
        engine = self._observations.engine_id
        return Pulse(engine, self._watch.beats(), self._since_boot()) if engine else None

    def _listen(self, sources: tuple[Source, ...]) -> None:
        """Listen to `sources`, and to nothing else.

        Those that are gone are let go of first: one that is new may have the number of one that was closed.
        """
        for source in self._readable.keys() - set(sources):
            self._readable.pop(source).close()
        for source in sources:
            if source not in self._readable:
                self._readable[source] = Readable(source.fileno(), self._read)

    def _read(self) -> None:
        now = self._clock.now()
        news = self._watch.read(now)
        if news.changed:
            self._see(self._watch.view(now))
        told = [self._is_told_news(message) for message in news.messages]
        if news.changed or any(told):
            self._observations.notify_changed()
        self._listen(self._watch.sources())

    def _is_told_news(self, message: PeerMessage) -> bool:
        """Take in a message of the peer, and tell whether it says anything new.

        A peer that was silent, and says what it said before, tells that it is there again.
        """
        observations, max_age = self._observations, self._this_node.conf.peer_max_age
        heard = is_known(observations.hears_peer(message.at, max_age), True)
        before, self._told = self._told, message.fields
        observations.report = hear(message.fields, message.at)
        self.heard(observations.report, self._clock.now())
        return not heard or before != message.fields

    def _see(self, view: EngineView) -> None:
        observations = self._observations
        if view.identity != observations.engine_id or not isinstance(observations.engine, Known):
            observations.engine_since = self._clock.now() if view.identity else None
            if not view.identity:
                observations.peer_seen = False
                observations.report = None
            observations.notify_changed()
        observations.engine, observations.engine_id = view.runs, view.identity
        observations.peer_alive, observations.engine_holds = view.peer_alive, view.holds
        observations.engine_serves, observations.engine_moving = view.serves, view.moving
        observations.peer_seen = observations.peer_seen or is_known(view.peer_alive, True)
        observations.engine_troubles = view.troubles
        observations.links = {name: "up" if up else "down" for name, up in view.links.items()}
