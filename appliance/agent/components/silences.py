"""The counts behind `asha tune`: how long the peer's agent was silent, and how late this agent's own turns came.

Both are counted as they happen, from what the agent does anyway. They are on disk once an hour and at the agent's end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

from appliance.agent.components.component import Component
from appliance.agent.context import NodeContext
from appliance.agent.observations import PeerReport
from appliance.control.protocol import ControlRequest
from appliance.core.as_json import to_json
from appliance.core.document import parse_object
from appliance.core.errors import HostError
from appliance.core.gap_counts import RecentDays, restore, together
from appliance.core.safe_deadtime import NodeFigures
from appliance.host.paths import SILENCES
from appliance.host.statefile import StateFile
from appliance.host.worker_thread import WorkerThread

_KEEP = 3600.0  # seconds between two writes
# How long the disk may take, in seconds; the agent's end waits for it, too.
_PATIENCE = 5.0


def silences_file(path: Path) -> StateFile[RecentDays]:
    """Return the state file at `path`, which holds the counts of the last days."""
    return StateFile(
        path, lambda content: restore(parse_object(content)), RecentDays, "'asha tune' begins to count again"
    )


class Silences(Component):
    """The counter. The engine's sensor calls `heard` and `turned`."""

    def __init__(self, context: NodeContext, path: Path = SILENCES) -> None:
        self._file = silences_file(path)
        self._this_node = context.this_node
        self._observations = context.observations
        self._journal = context.journal
        self._clock = context.clock
        self._engine = context.engine
        self._days = RecentDays()
        self._heard_at = 0.0
        self._lives = ""
        self._unkept = False
        self._worker = WorkerThread("silences", "Reading or writing the silences")
        self.verbs = {"silences": self._answer}

    def heard(self, report: PeerReport, now: float) -> None:
        """Take in that the peer's agent was heard at `now` (monotonic seconds), with what it says.

        A silence counts only between two words of the same lives: one in which an agent or an engine was started again,
        or a machine, is none that the engine could have taken for a death.
        """
        before, self._heard_at = self._heard_at, now
        lives = f"{report.boot} {report.run} {report.engine} {self._observations.engine_id}"
        if lives == self._lives:
            self._days.silence(now - before, self._clock.wall())
            self._unkept = True
        self._lives = lives

    def turned(self, late: float, passed: float) -> None:
        """Take in that a turn came `late` seconds after it was due, and `passed` seconds after the one before."""
        self._days.turn(late, passed, self._clock.wall())
        self._unkept = True

    async def first_look(self) -> None:
        """Load what an earlier agent has counted."""
        with contextlib.suppress(HostError):
            self._days = await self._worker.do(self._read, _PATIENCE)

    async def run(self) -> None:
        """Write now and then, until cancelled."""
        try:
            while True:
                await asyncio.sleep(_KEEP)
                await self._keep()
        finally:
            await self._keep()

    async def _answer(self, request: ControlRequest) -> NodeFigures:
        this_node, days = self._this_node, self._days.document().days
        return NodeFigures(
            this_node.node.value,
            this_node.own_name,
            self._engine.title,
            this_node.conf.deadtime,
            this_node.conf.keepalive,
            self._engine.least_deadtime,
            silences=together(day.silences for day in days),
            turns=together(day.turns for day in days),
        )

    def _read(self) -> RecentDays:
        """Return what an earlier agent has counted; nothing when the file is unusable."""
        if trouble := self._file.trouble():
            self._journal.note("silences", says=trouble)
        return self._file.load()

    async def _keep(self) -> None:
        if not self._unkept:
            return
        self._unkept = False
        document = json.dumps(to_json(self._days.document()), separators=(",", ":"))
        try:
            problem = await self._worker.do(lambda: self._write(document), _PATIENCE)
        except HostError as hangs:
            problem = str(hangs)
        self._journal.note_once("silences", "kept", problem, over="they are kept again")

    def _write(self, document: str) -> str:
        try:
            self._file.write(document)
        except OSError as problem:
            return f"they cannot be kept on disk: {problem.strerror}"
        return ""
