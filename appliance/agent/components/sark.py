"""The agent's following of SARK's settings.

A save in SARK reaches the conf file within a second or two, and a change of the conf file reaches SARK.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from appliance.agent.active_conf import ActiveConf
from appliance.agent.components.component import Component, who
from appliance.agent.components.data_sync import SyncSupervisor
from appliance.agent.context import NodeContext
from appliance.agent.sensors.readiness import Readable
from appliance.control.protocol import ControlRequest
from appliance.core.answers import SarkChanges, SarkView
from appliance.core.errors import AshaError, ClusterError
from appliance.host.worker_thread import WorkerThread
from appliance.sark.mirror import Done, KeyChange, Mirror
from appliance.sark.table import NoGlobals
from appliance.sark.watch import RowWatch, mark, watched

# How often the files are looked at, in seconds: beside the kernel's notices, to find what they missed; and
# without notices.
_LOOK, _LOOK_WITHOUT = 10.0, 2.0
# A look that failed (another program held the database) is repeated after this many seconds.
_AGAIN = 2.0
# The errors of a disk or of its content. A job that breaks ends the agent, and service is not worth that.
_TROUBLE = (AshaError, OSError, ValueError, LookupError)


class SarkMirror(Component):
    """The component that keeps SARK's settings and the conf file in step.

    Everything that touches a disk is done in a thread of its own, one thing at a time. `data` says
    whether SARK's database may be written on this node now. `active_conf` is told when the conf file has changed; while
    the HA engine runs, values that cannot change under it wait.
    """

    def __init__(self, context: NodeContext, data: SyncSupervisor, active_conf: ActiveConf) -> None:
        self._this_node = context.this_node
        self._journal = context.journal
        self._data = data
        self._active_conf = active_conf
        self._conf = context.conf_path
        self._mirror = Mirror(os.uname().nodename, self._conf, engine_runs=lambda: not active_conf.engine_off)
        self._worker = WorkerThread("sark", "The look at SARK's database")
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._seen: tuple[object, ...] | None = None
        self._failed = ""
        self._waiting: tuple[str, ...] = ()
        self._held = False
        self._told: tuple[str, ...] = ()
        self.verbs = {
            "sark": self.look,
            "sark follow": self.follow,
            "sark pull": self.pull,
            "sark push": self.push,
        }

    async def run(self) -> None:
        """Follow both sides, until cancelled."""
        while True:
            try:
                await self._follow_files(watched(self._this_node.conf.db, self._conf))
            except _TROUBLE as problem:
                self._fail(str(problem))
                await asyncio.sleep(_AGAIN)

    async def first_look(self) -> None:
        """Learn what needs an operator's attention before anybody is told."""
        await self._look_at(watched(self._this_node.conf.db, self._conf), None)

    def problems(self) -> list[str]:
        """Return what needs an operator's attention, for the status document."""
        return [f"SARK: {text}" for text in self._waiting]

    async def take_held(self) -> None:
        """Take the values that have waited for the HA engine to be off, if that is possible.

        This is called when the engine is about to be started.
        """
        if self._held:
            with contextlib.suppress(*_TROUBLE):  # the values go on waiting, and are reported
                await self._follow(self._data.receives())

    async def look(self, request: ControlRequest) -> SarkView:
        """Return both sides, and whether SARK's database may be written on this node now."""
        view = await self._worker.do(self._mirror.look)
        receives = self._data.receives()
        return view.answer(writes=not receives, why=receives)

    async def follow(self, request: ControlRequest) -> SarkChanges:
        """Do at once what the component would do by itself."""
        receives = self._data.receives()
        return await self._asked_for(lambda: self._mirror.follow(receives=receives), request, dry_run=False)

    async def pull(self, request: ControlRequest) -> SarkChanges:
        """Bring SARK's values into the conf file."""
        dry_run, blank = request.flag("dry_run"), request.flag("blank")
        return await self._asked_for(
            lambda: self._mirror.pull(blank=blank, dry_run=dry_run), request, dry_run=dry_run
        )

    async def push(self, request: ControlRequest) -> SarkChanges:
        """Bring the conf file's values into SARK's database.

        Raises ClusterError on a node whose data come from its peer.
        """
        if receives := self._data.receives():
            raise ClusterError(
                f"SARK's database is not to be written here: {receives}.",
                todo="Do this on the active node; what is written there comes here.",
            )
        dry_run = request.flag("dry_run")
        return await self._asked_for(lambda: self._mirror.push(dry_run=dry_run), request, dry_run=dry_run)

    async def _follow_files(self, files: tuple[Path, ...]) -> None:
        """Follow `files` for as long as they are the files to follow."""
        watch = await self._worker.do(lambda: _watch(files))
        ready = Readable(watch.fileno(), lambda: self._hear(watch)) if watch is not None else None
        try:
            while files == watched(self._this_node.conf.db, self._conf):
                await self._look_at(files, watch)
                await self._next(_LOOK if watch is not None else _LOOK_WITHOUT)
        finally:
            if ready is not None and watch is not None:
                ready.close()
                watch.close()

    def _hear(self, watch: RowWatch) -> None:
        if watch.drain():
            self._news.set()

    async def _next(self, period: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_AGAIN if self._failed or self._held else period):
                await self._news.wait()
        self._news.clear()

    async def _look_at(self, files: tuple[Path, ...], watch: RowWatch | None) -> None:
        try:
            if watch is not None:
                await self._worker.do(watch.add)
            receives = self._data.receives()
            now = (await self._worker.do(lambda: mark(files)), bool(receives), self._active_conf.engine_off)
            if now != self._seen or self._failed:
                await self._follow(receives)
                self._seen = now
        except _TROUBLE as problem:
            self._fail(str(problem))

    async def _follow(self, receives: str) -> None:
        try:
            async with self._turn:
                self._take(await self._worker.do(lambda: self._mirror.follow(receives=receives)))
        except NoGlobals:
            self._failed, self._waiting, self._held = "", (), False

    async def _asked_for(
        self, work: Callable[[], Done], request: ControlRequest, *, dry_run: bool
    ) -> SarkChanges:
        async with self._turn:
            done = await self._worker.do(work)
        if not dry_run:
            self._take(done, by=who(request) or "somebody")
        return done.view.changes(done.pulled, done.pushed)

    def _take(self, done: Done, by: str = "") -> None:
        """Note what was changed, work by it, and report what waits.

        `by`: the name of the asker, "" when the component acted by itself.
        """
        if done.pulled:
            self._note("the conf file has followed SARK", done.pulled, by)
        if done.pushed:
            self._note("SARK has followed the conf file", done.pushed, by)
        self._failed, self._waiting, self._held = "", done.view.problems, bool(done.view.held)
        self._tell(self._waiting)
        if done.pulled:
            try:
                self._active_conf.reload()
            except AshaError as problem:
                self._fail(f"the conf file was not taken: {problem}")

    def _note(self, what: str, changes: tuple[KeyChange, ...], by: str) -> None:
        said = "; ".join(map(str, changes))
        self._journal.note("sark", says=f"{what}: {said}", keys=[change.key for change in changes], by=by)

    def _fail(self, problem: str) -> None:
        self._failed, self._waiting = problem, (problem,)
        self._tell(self._waiting)

    def _tell(self, problems: tuple[str, ...]) -> None:
        """Note the problems in the journal once, because they are met again at every look."""
        for text in problems:
            if text not in self._told:
                self._journal.note("sark", says=text)
        self._told = problems


def _watch(files: tuple[Path, ...]) -> RowWatch | None:
    try:
        return RowWatch(files)
    except OSError:
        return None
