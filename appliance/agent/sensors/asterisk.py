"""The sensor for Asterisk.

The kernel tells of its process, probes of its answers, its console of the D-channels.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from appliance.agent.context import NodeContext
from appliance.agent.rhythm import until_beat
from appliance.agent.sensors.readiness import Readable
from appliance.config import Conf
from appliance.core.errors import AshaError
from appliance.core.health import CONSOLE_EVERY, IDLE, ProbeRecord, look_closer, observe
from appliance.core.model import Pbx
from appliance.core.reading import Known, Reading, Unknown, is_known
from appliance.core.roles import Role
from appliance.core.timing import DCHANNEL_LOOK, PROCESS_LOOK, unhurried
from appliance.host.process import find_program
from appliance.pbx.activity import sip_unread, works
from appliance.pbx.calls import read_calls
from appliance.pbx.dchannel import read_dchannel
from appliance.pbx.origin import started_by
from appliance.pbx.probes import Probe, probes_for
from appliance.pbx.process import DeathWatch, find_pid, watch_death

# How often a process is looked for while one is being started, in seconds.
_LOOK_BUSY = 0.05
# One without a pid file is searched for at this interval, in seconds, because to look at all processes costs more.
_SEARCH = 5.0
_DCHANNEL_IDLE = 30.0
# How often the channels that are in calls are counted while this node serves, in seconds: each time starts a program.
CHANNELS_EVERY = 60.0


class AsteriskSensor:
    """The sensor that watches one life of Asterisk after the other, more often while a transfer is under way."""

    def __init__(self, context: NodeContext) -> None:
        self._this_node = this_node = context.this_node
        self._observations = context.observations
        self._clock = context.clock
        self._service = context.service
        self._death: DeathWatch | None = None
        self._death_ready: Readable | None = None
        self._probes = probes_for(this_node.conf)
        self._probed_by = _probe_values(this_node.conf)
        self._asking: list[asyncio.Task[None]] = []
        self._console_answered_at = self._searched_at = float("-inf")
        self._doubt = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch_process(tasks))
                tasks.create_task(self._watch_dchannel())
                tasks.create_task(self._watch_channels())
                self._ask_from_now_on(tasks)
        finally:
            self._forget()
            for probe in self._probes:
                probe.close()

    def look(self) -> None:
        """Look for the process now, because something was just done to it."""
        if self._death is not None and self._death.drain():
            self._died()
        elif self._death is None:
            self._find()

    def booted(self) -> None:
        """Record that Asterisk itself has said that it is fully booted."""
        self.look()
        self._observations.booted = is_known(self._observations.process, True)
        self._observations.notify_changed()

    async def _watch_process(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self.look()
            self._follow_conf(tasks)
            # With a pidfd the kernel reports the end of the process; without one, or with no process, the
            # sensor has to look.
            told = self._death is not None and self._death.fileno() is not None
            quick = self._service.state.busy and not told
            await asyncio.sleep(until_beat(_LOOK_BUSY if quick else PROCESS_LOOK))

    def _ask_from_now_on(self, tasks: asyncio.TaskGroup) -> None:
        self._asking = [tasks.create_task(self._watch_probe(probe)) for probe in self._probes]

    def _follow_conf(self, tasks: asyncio.TaskGroup) -> None:
        """Ask as the conf file says now.

        A probe that the conf file switches on later is asked in this life of Asterisk, too.
        """
        values = _probe_values(self._this_node.conf)
        if values == self._probed_by:
            return
        for task in self._asking:
            task.cancel()
        for probe in self._probes:
            probe.close()
        self._probes, self._probed_by = probes_for(self._this_node.conf), values
        if is_known(self._observations.process, True):
            known = self._observations.probes
            self._observations.probes = {
                probe.name: known.get(probe.name, ProbeRecord()) for probe in self._probes
            }
        self._ask_from_now_on(tasks)

    def _find(self) -> None:
        self._observations.pbx_installed = self._installed()
        now = self._clock.now()
        thorough = now - self._searched_at > _SEARCH - PROCESS_LOOK / 2
        self._searched_at = now if thorough else self._searched_at
        found = find_pid(self._this_node.conf, now, thorough=thorough)
        if isinstance(found, Unknown):
            self._observations.process = found
            return
        if found.value is None:
            self._see_none()
            return
        try:
            self._death = watch_death(found.value)
        except AshaError:
            return  # the process ended between the two looks; the next look sees that
        self._death_ready = Readable(self._death.fileno(), self.look)
        self._see_process(found.value)

    def _see_process(self, pid: int) -> None:
        observations = self._observations
        observations.pid, observations.booted = pid, False
        observations.pbx_started_by = started_by(pid)
        observations.probes = {probe.name: ProbeRecord() for probe in self._probes}
        observations.latency.clear()
        observations.activity = IDLE
        observations.process = Known(True, self._clock.now())
        observations.notify_changed()

    def _see_none(self) -> None:
        before = self._observations.process
        self._observations.process = Known(False, self._clock.now())
        if before != self._observations.process and not is_known(before, False):
            self._observations.notify_changed()

    def _died(self) -> None:
        self._forget()
        observations = self._observations
        observations.pid, observations.booted, observations.probes = None, False, {}
        observations.process = Known(False, self._clock.now())
        observations.dchannel = Unknown("Asterisk does not run", self._clock.now())
        observations.notify_changed()

    def _forget(self) -> None:
        if self._death is not None:
            if self._death_ready is not None:
                self._death_ready.close()
            self._death.close()
            self._death = self._death_ready = None

    def _installed(self) -> bool:
        try:
            find_program(self._this_node.conf.pbx_program)
        except AshaError:
            return False
        return True

    async def _watch_probe(self, probe: Probe) -> None:
        asked_at = float("-inf")
        while True:
            began = asyncio.get_running_loop().time()
            asked_at = await self._ask_if_due(probe, asked_at)
            # A question that waited for its deadline must not lengthen the round.
            await self._pause(probe, until_beat(self._this_node.conf.probe_period, began))

    async def _ask_if_due(self, probe: Probe, asked_at: float) -> float:
        """Ask the probe if it is due.

        `asked_at`: when this probe was last asked (monotonic seconds). Returns that time as it is after the
        round.
        """
        began = self._clock.now()
        if not is_known(self._observations.process, True) or not self._is_due(probe, asked_at):
            return asked_at
        await self._ask(probe)
        return began

    async def _pause(self, probe: Probe, seconds: float) -> None:
        """Sleep until the next round.

        The console is asked at once when another probe becomes silent.
        """
        if probe.name != "cli" or self._doubtful():
            await asyncio.sleep(seconds)
            return
        self._doubt.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._doubt.wait()

    def _is_due(self, probe: Probe, asked_at: float) -> bool:
        """Tell whether the probe is to be asked in this round.

        The console is asked only now and then while all is well; its answers about D-channels count as
        answers. Every other probe is asked in every round.
        """
        if probe.name != "cli" or self._doubtful():
            return True
        last = max(asked_at, self._console_answered_at)
        # Rounds do not lie exactly one period apart: half a period less makes it this round, and not the next.
        return self._clock.now() - last > (CONSOLE_EVERY - 0.5) * self._this_node.conf.probe_period

    def _doubtful(self) -> bool:
        """Tell whether some probe is silent; all the others are then asked as often as that one.

        One that has never answered, while another has, may be switched off in Asterisk, and is no reason for doubt.
        """
        records = self._observations.probes.values()
        heard = [record for record in records if record.ever_answered]
        return any(record.silences for record in heard or records)

    async def _ask(self, probe: Probe) -> None:
        life, asked_at = self._observations.pid, self._clock.now()
        reading = await probe.ask(self._clock.now)
        # An answer of a process that is gone says nothing of the process that runs now.
        if self._observations.pid == life and probe.name in self._observations.probes:
            self._see(probe.name, reading, asked_at)

    def _see(self, name: str, reading: Reading[str], asked_at: float) -> None:
        """Write an answer or a silence of a probe on the board.

        An answer has its latency, whichever part of the sensor has asked.
        """
        before = self._observations.probes[name]
        self._observations.probes[name] = observe(before, reading, self._this_node.probe_policy)
        if isinstance(reading, Known):
            self._observations.answered(name, reading.at - asked_at)
        else:
            self._look_closer(name)
        if self._doubtful():
            self._doubt.set()
        else:
            self._observations.activity = replace(IDLE, read_at=self._observations.activity.read_at)
        if isinstance(reading, Unknown) or not before.ever_answered:
            self._observations.notify_changed()

    def _look_closer(self, silent: str) -> None:
        """Look at what Asterisk does while the probe `silent` gets no answer."""
        observations, now = self._observations, self._clock.now()
        if observations.pid is None:
            return
        port = self._this_node.conf.sip_port
        unread = sip_unread(port, now) if silent == "sip" else Unknown("SIP was not asked", now)
        observations.activity = look_closer(observations.activity, works(observations.pid, now), unread)

    async def _watch_dchannel(self) -> None:
        asked_at = float("-inf")
        while True:
            asked_at = await self._ask_dchannel_if_due(asked_at)
            # Never a long sleep: a link that is lost during one would be noticed late.
            await asyncio.sleep(until_beat(DCHANNEL_LOOK if self._service.state.busy else 2 * DCHANNEL_LOOK))

    async def _watch_channels(self) -> None:
        """Count the channels that are in calls, so that it is known what a move of service has ended."""
        while True:
            await asyncio.sleep(until_beat(CHANNELS_EVERY))
            await self.count_channels()

    async def count_channels(self) -> None:
        """Count the channels, if this node serves. The count stays when Asterisk dies: that is when it is asked for."""
        pbx = self._observations.pbx(self._this_node.probe_policy, self._clock.now())
        if not (self._service.role is Role.ACTIVE and is_known(pbx, Pbx.RUNNING)):
            return
        conf = self._this_node.conf
        reading = await asyncio.to_thread(read_calls, conf, self._clock.now, unhurried(conf.probe_deadline))
        if isinstance(reading, Known):
            self._observations.channels = reading

    async def _ask_dchannel_if_due(self, asked_at: float) -> float:
        """Ask for the D-channel if it is due; `asked_at` and the result are those of `_ask_if_due`."""
        if not self._dchannel_due(asked_at) or not self._answers():
            return asked_at
        began = self._clock.now()
        await self._ask_dchannel()
        return began

    async def _ask_dchannel(self) -> None:
        life, asked_at, conf = self._observations.pid, self._clock.now(), self._this_node.conf
        reading = await asyncio.to_thread(
            read_dchannel, conf, self._clock.now, unhurried(conf.probe_deadline)
        )
        if (
            self._observations.pid == life
            and isinstance(reading, Known)
            and "cli" in self._observations.probes
        ):
            self._console_answered_at = reading.at
            self._see("cli", Known("pri show spans", reading.at), asked_at)
        if self._observations.pid == life and reading != self._observations.dchannel:
            self._observations.dchannel = reading
            self._observations.notify_changed()

    def _dchannel_due(self, asked_at: float) -> bool:
        reading = self._observations.dchannel
        up = isinstance(reading, Known) and not reading.value.is_down
        return not up or self._service.state.busy or self._clock.now() - asked_at >= _DCHANNEL_IDLE

    def _answers(self) -> bool:
        pbx = self._observations.pbx(self._this_node.probe_policy, self._clock.now())
        return is_known(pbx, Pbx.RUNNING) and self._this_node.transfer_policy.has_line


def _probe_values(conf: Conf) -> tuple[object, ...]:
    """Return the values of the conf file with which the probes are made."""
    return (
        conf.pbx_program,
        conf.probe_deadline,
        conf.ami_port,
        conf.ami_user,
        conf.ami_secret,
        conf.sip_port,
    )
