"""The maintenance of this node, kept on disk so that it outlives the agent.

Maintenance never lasts longer than it was asked to.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

from appliance.agent.components.component import Component
from appliance.agent.context import Context
from appliance.core.document import parse_object
from appliance.core.errors import HostError
from appliance.core.maintenance import Maintenance, begin, pack, unpack
from appliance.core.status import MaintenanceStatus
from appliance.host.paths import MAINTENANCE
from appliance.host.statefile import StateFile
from appliance.host.worker_thread import WorkerThread

_LOOK = 1.0


def maintenance_file(path: Path) -> StateFile[Maintenance | None]:
    """Return the state file at `path`, which exists while maintenance lasts."""
    return StateFile(
        path, lambda content: unpack(parse_object(content)), lambda: None, "this node is not in maintenance"
    )


class MaintenanceSwitch(Component):
    """The component that knows whether this node is in maintenance.

    Maintenance ends by the wall clock, which goes on while the agent does not run; and, whatever is done to
    that clock, at the latest when the time it was given for has passed on the monotonic clock.
    """

    def __init__(self, context: Context, path: Path = MAINTENANCE) -> None:
        self._path = path
        self._file = maintenance_file(path)
        self._journal = context.journal
        self._clock = context.clock
        self._at_latest = float("-inf")
        self._begun = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._worker = WorkerThread("maintenance", "Writing maintenance down")
        self._given = self._read()

    async def run(self) -> None:
        """Note in the journal when maintenance has ended by itself, until cancelled."""
        while True:
            await self._begun.wait()
            await asyncio.sleep(_LOOK)
            if not self.on:
                await self._ended()

    @property
    def on(self) -> bool:
        """True while maintenance lasts; this needs no access to the disk."""
        return self.left > 0.0

    @property
    def left(self) -> float:
        """The seconds that are left of maintenance."""
        if self._given is None:
            return 0.0
        return max(0.0, min(self._given.left(self._clock.wall()), self._at_latest - self._clock.now()))

    def status(self) -> MaintenanceStatus | None:
        """Return its part of the status; None when it does not last."""
        left, given = self.left, self._given
        if given is None or left <= 0.0:
            return None
        until = round(self._clock.wall() + left, 1)
        return MaintenanceStatus(until, round(left, 1), given.by, given.why)

    async def begin(self, seconds: float, by: str, why: str) -> None:
        """Begin maintenance for `seconds` from now on, in the place of any earlier one.

        Raises UserError when the time is too short or too long, HostError when the disk refuses.
        """
        given = begin(seconds, by, why, self._clock.wall())
        async with self._one_at_a_time:
            await self._worker.do(lambda: self._write(given))
            self._take(given)
        self._journal.note("maintenance", on=True, by=given.by, why=given.why, seconds=given.lasts)

    async def end(self, by: str) -> None:
        """End maintenance now.

        Raises HostError when the file cannot be removed, so that maintenance would be back at the agent's
        next start.
        """
        async with self._one_at_a_time:
            self._take(None)
            self._journal.note("maintenance", on=False, by=by, says="it was ended")
            await self._worker.do(self._forget)

    async def _ended(self) -> None:
        async with self._one_at_a_time:
            if self._given is None or self.on:
                return  # it was ended, or given anew, meanwhile
            self._journal.note(
                "maintenance", on=False, by=self._given.by, says="it has ended: its time is over"
            )
            self._take(None)
            with contextlib.suppress(HostError):
                await self._worker.do(self._forget)

    def _take(self, given: Maintenance | None) -> None:
        self._given = given
        if given is None:
            self._begun.clear()
        else:
            self._at_latest = self._clock.now() + given.left(self._clock.wall())
            self._begun.set()

    def _read(self) -> Maintenance | None:
        """Return the maintenance that an earlier agent has kept.

        A damaged file counts as no maintenance: a node that watches is the safe one.
        """
        if trouble := self._file.trouble():
            self._journal.note("maintenance", on=False, says=trouble)
        found = self._file.load()
        if found is not None:
            self._take(found)
        return found

    def _write(self, given: Maintenance) -> None:
        try:
            self._file.write(json.dumps(pack(given)))
        except OSError as problem:
            raise HostError(f"Maintenance cannot be kept on disk: {problem.strerror}.") from None

    def _forget(self) -> None:
        try:
            self._file.remove()
        except OSError as problem:
            raise HostError(
                f"Maintenance is off, but its file cannot be removed: {problem.strerror}.",
                todo=f"Remove {self._path}, or it is on again after a restart of the agent.",
            ) from None
