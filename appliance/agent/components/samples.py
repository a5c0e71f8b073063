"""The recorder of what people look at later: counters in memory, and a day of samples.

The samples are written to the disk now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

from appliance.agent.components.alerts import Alerts
from appliance.agent.components.component import Component
from appliance.agent.components.data_sync import SyncSupervisor
from appliance.agent.context import NodeContext
from appliance.agent.status import milliseconds
from appliance.core.answers import MetersAnswer, TrendsAnswer
from appliance.core.as_json import to_json
from appliance.core.counters import Meters
from appliance.core.data_policy import Duty
from appliance.core.document import parse_object
from appliance.core.errors import HostError
from appliance.core.reading import Known
from appliance.core.trends import STEP, Sample, Trends, restore
from appliance.host.paths import TRENDS
from appliance.host.statefile import StateFile
from appliance.host.worker_thread import WorkerThread

# The entries of the journal in memory are read on this often, in seconds: well before the journal drops them.
_LOOK = 10.0
# Samples between two writes.
_KEEP_EVERY = 10
# How long the disk may take, in seconds; the agent's end waits for it, too.
_PATIENCE = 5.0


def trends_file(path: Path) -> StateFile[Trends]:
    """Return the state file at `path`, which holds a day of samples."""
    return StateFile(path, lambda content: restore(parse_object(content)), Trends, "the charts begin again")


class Samples(Component):
    """The recorder of counters and samples; it costs a look every few seconds and a sample a minute."""

    def __init__(
        self, context: NodeContext, data: SyncSupervisor, alerts: Alerts, path: Path = TRENDS
    ) -> None:
        self._file = trends_file(path)
        self._observations = context.observations
        self._data = data
        self._journal = context.journal
        self._clock = context.clock
        self._alerts = alerts
        self._meters = Meters(round(context.clock.wall(), 3))
        self._number = 0
        self._trends = Trends()
        self._taken_up: asyncio.Task[None] | None = None
        self._unkept = 0
        self._sampled_at = context.clock.now()
        self._worker = WorkerThread("trends", "Reading or writing trends")

    async def run(self) -> None:
        """Count and sample repeatedly, and write the samples now and then, until cancelled."""
        await self.first_look()
        try:
            while True:
                await asyncio.sleep(_LOOK)
                self.look()
                if self._unkept >= _KEEP_EVERY:
                    await self._keep()
        finally:
            if self._unkept:
                await self._keep()

    async def first_look(self) -> None:
        """Load the samples that an earlier agent has kept.

        This is done only once: later, memory holds more than the disk.
        """
        if self._taken_up is None:
            self._taken_up = asyncio.create_task(self._take_up())
        await asyncio.shield(self._taken_up)

    async def _take_up(self) -> None:
        with contextlib.suppress(HostError):
            self._trends = await self._worker.do(self._read, _PATIENCE)

    def look(self) -> None:
        """Count new journal entries, and take a sample when its minute has come."""
        self._read_journal()
        now = self._clock.now()
        if now - self._sampled_at >= STEP - _LOOK / 2:
            self._sampled_at = now
            self._trends.add(self._sample(), round(self._clock.wall(), 3))
            self._unkept += 1

    def trends(self) -> TrendsAnswer:
        """Return a day of samples."""
        return self._trends.document()

    def meters(self) -> MetersAnswer:
        """Return everything counted since this agent was started."""
        self._read_journal()
        return self._meters.document(self._alerts.made)

    def _read_journal(self) -> None:
        entries = self._journal.since(self._number)
        if entries:
            self._number = entries[-1].number
            self._meters.read_on(entries)

    def _sample(self) -> Sample:
        observations = self._observations
        slowest, observations.slowest = observations.slowest, {}
        return Sample(
            data_age=None if self._data.duty().duty is Duty.NONE else self._data.word.age,
            probes={name: milliseconds(seconds) for name, seconds in slowest.items()},
            line=observations.line.value.value if isinstance(observations.line, Known) else None,
        )

    def _read(self) -> Trends:
        """Return the samples that an earlier agent has kept; empty ones when the file is unusable."""
        if trouble := self._file.trouble():
            self._journal.note("trends", says=trouble)
        return self._file.load()

    async def _keep(self) -> None:
        self._unkept = 0
        document = self._trends.document()
        try:
            problem = await self._worker.do(lambda: self._write(document), _PATIENCE)
        except HostError as hangs:
            problem = str(hangs)
        self._journal.note_once("trends", "kept", problem, over="they are kept again")

    def _write(self, document: TrendsAnswer) -> str:
        try:
            self._file.write(json.dumps(to_json(document), separators=(",", ":")))
        except OSError as problem:
            return f"they cannot be kept on disk: {problem.strerror}"
        return ""
