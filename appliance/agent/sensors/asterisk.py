"""Asterisk: its process by the kernel's word, its answers by probes, its D-channels by its console."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from appliance.agent.sensors.readiness import Readable
from appliance.agent.site import Site
from appliance.agent.world import World
from appliance.core.errors import AshaError
from appliance.core.health import ProbeRecord, observe
from appliance.core.model import DChannel, Pbx
from appliance.core.reading import Known, Unknown, is_known
from appliance.host.clock import Clock
from appliance.host.process import find_program
from appliance.pbx.dchannel import read_dchannel
from appliance.pbx.probes import Probe, probes_for
from appliance.pbx.process import DeathWatch, find_pid, watch_death

# How often a process is looked for while there is none, in seconds: quick while one is being started.
_LOOK_BUSY = 0.05
_LOOK_IDLE = 1.0
# The console costs a fork each time, so it is asked less often than the sockets: every this many rounds.
_CONSOLE_EVERY = 30
_DCHANNEL_BUSY = 0.25
_DCHANNEL_IDLE = 30.0


class AsteriskSensor:
    """Watches one life of Asterisk after the other. `busy` says whether a transfer is under way."""

    def __init__(self, site: Site, world: World, clock: Clock, busy: Callable[[], bool]) -> None:
        self._site = site
        self._world = world
        self._clock = clock
        self._busy = busy
        self._death: DeathWatch | None = None
        self._death_ready: Readable | None = None
        self._probes: tuple[Probe, ...] = ()
        self._console_answered_at = float("-inf")
        self._doubt = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        self._probes = probes_for(self._site.conf)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch_process())
                tasks.create_task(self._watch_dchannel())
                for probe in self._probes:
                    tasks.create_task(self._watch_probe(probe))
        finally:
            self._forget()
            for probe in self._probes:
                probe.close()

    def look(self) -> None:
        """Find the process now: something was just done to it."""
        if self._death is not None and self._death.drain():
            self._died()
        elif self._death is None:
            self._find()

    def booted(self) -> None:
        """Asterisk has said itself that it is fully booted."""
        self.look()
        self._world.booted = is_known(self._world.process, True)
        self._world.touch()

    async def _watch_process(self) -> None:
        while True:
            self.look()
            # With a pidfd the kernel wakes us; without one, or with no process, we look.
            told = self._death is not None and self._death.fileno() is not None
            quick = self._busy() and not told
            await asyncio.sleep(_LOOK_BUSY if quick else _LOOK_IDLE)

    def _find(self) -> None:
        found = find_pid(self._site.conf, self._clock.now())
        if isinstance(found, Unknown):
            self._world.process = found
            return
        if found.value is None:
            self._see_none()
            return
        try:
            self._death = watch_death(found.value)
        except AshaError:
            return  # it ended between the two looks; the next look sees that
        self._death_ready = Readable(self._death.fileno(), self.look)
        self._see_process(found.value)

    def _see_process(self, pid: int) -> None:
        world = self._world
        world.pid, world.booted = pid, False
        world.probes = {probe.name: ProbeRecord() for probe in self._probes}
        world.latency.clear()
        world.process = Known(True, self._clock.now())
        world.touch()

    def _see_none(self) -> None:
        before = self._world.process
        self._world.process = Known(False, self._clock.now())
        if before != self._world.process and not is_known(before, False):
            self._world.touch()
        self._world.pbx_installed = self._installed()

    def _died(self) -> None:
        self._forget()
        world = self._world
        world.pid, world.booted, world.probes = None, False, {}
        world.process = Known(False, self._clock.now())
        world.dchannel = Unknown("Asterisk does not run", self._clock.now())
        world.touch()

    def _forget(self) -> None:
        if self._death is not None:
            if self._death_ready is not None:
                self._death_ready.close()
            self._death.close()
            self._death = self._death_ready = None

    def _installed(self) -> bool:
        try:
            find_program(self._site.conf.pbx_program)
        except AshaError:
            return False
        return True

    async def _watch_probe(self, probe: Probe) -> None:
        asked_at = float("-inf")
        while True:
            began = self._clock.now()
            if is_known(self._world.process, True) and self._is_due(probe, asked_at):
                asked_at = began
                await self._ask(probe)
            # A question that waited for its deadline must not stretch the round.
            await self._pause(probe, max(0.0, began + self._site.conf.probe_period - self._clock.now()))

    async def _pause(self, probe: Probe, seconds: float) -> None:
        """Until the next round. The console is asked at once when another probe begins to be silent."""
        if probe.name != "cli" or self._doubtful():
            await asyncio.sleep(seconds)
            return
        self._doubt.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._doubt.wait()

    def _is_due(self, probe: Probe, asked_at: float) -> bool:
        """Every round; the console only now and then while all is well, counting what it told of D-channels."""
        if probe.name != "cli" or self._doubtful():
            return True
        last = max(asked_at, self._console_answered_at)
        return self._clock.now() - last >= _CONSOLE_EVERY * self._site.conf.probe_period

    def _doubtful(self) -> bool:
        """Some probe is silent: the others are asked as often as it."""
        return any(record.silences for record in self._world.probes.values())

    async def _ask(self, probe: Probe) -> None:
        life, asked_at = self._world.pid, self._clock.now()
        reading = await probe.ask(self._clock.now)
        if self._world.pid != life or probe.name not in self._world.probes:
            return  # the answer belongs to a process that is gone
        before = self._world.probes[probe.name]
        self._world.probes[probe.name] = observe(before, reading)
        if isinstance(reading, Known):
            self._world.answered(probe.name, reading.at - asked_at)
        if self._doubtful():
            self._doubt.set()
        if isinstance(reading, Unknown) or not before.ever_answered:
            self._world.touch()

    async def _watch_dchannel(self) -> None:
        asked_at = float("-inf")
        while True:
            if self._dchannel_due(asked_at) and self._answers():
                asked_at = self._clock.now()
                await self._ask_dchannel()
            # Never a long sleep: a link that is lost in the midst of one would be seen late again.
            await asyncio.sleep(_DCHANNEL_BUSY if self._busy() else 2 * _DCHANNEL_BUSY)

    async def _ask_dchannel(self) -> None:
        life = self._world.pid
        reading = await asyncio.to_thread(
            read_dchannel, self._site.conf, self._clock.now, self._site.conf.probe_deadline
        )
        if self._world.pid == life and isinstance(reading, Known) and "cli" in self._world.probes:
            self._console_answered_at = reading.at
            answer = Known("pri show spans", reading.at)
            self._world.probes["cli"] = observe(self._world.probes["cli"], answer)
        if self._world.pid == life and reading != self._world.dchannel:
            self._world.dchannel = reading
            self._world.touch()

    def _dchannel_due(self, asked_at: float) -> bool:
        reading = self._world.dchannel
        up = isinstance(reading, Known) and reading.value is not DChannel.DOWN
        return not up or self._busy() or self._clock.now() - asked_at >= _DCHANNEL_IDLE

    def _answers(self) -> bool:
        pbx = self._world.pbx(self._site.probe_policy, self._clock.now())
        return is_known(pbx, Pbx.RUNNING) and self._site.transfer_policy.has_line
