"""The agent's control of the cluster engine: configure, start, stop, hand over.

Every call that waits runs in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from appliance.agent.active_conf import InstalledConf, misnamed
from appliance.agent.context import NodeContext
from appliance.agent.this_node import ThisNode
from appliance.cluster.engine import ClusterEngine
from appliance.core.engine_requests import DEATH_CALLED, ENGINE_SETTLES
from appliance.core.engine_target import EngineTarget
from appliance.core.engine_traits import ENGINE
from appliance.core.errors import AshaError, ClusterError, HostError, RequestDropped, UserError
from appliance.core.model import Node
from appliance.host.disk import read_small
from appliance.host.paths import ENGINE_RESTART, ENGINE_TARGET
from appliance.host.statefile import StateFile
from appliance.host.worker_thread import WorkerThread
from appliance.sync.peer_link import ask_once
from appliance.sync.ssh import way_to_peer

# For so long the peer is told that service is demanded, in seconds: a few of the agents' messages.
_DEMANDED = 10.0
# So long an operator waits for the disk at the most, in seconds, once the engine has started or stopped.
_DISK = 2.0
# What the mark says of an engine that is kept off until the peer has called it dead.
_KEPT_OFF = b"until the peer has called it dead\n"


def target_file(path: Path) -> StateFile[EngineTarget]:
    """Return the state file at `path`, which says whether the engine is to run."""
    return StateFile(
        path,
        lambda content: EngineTarget(content.decode("ascii").removesuffix("\n")),
        lambda: EngineTarget.UNSET,
        "an HA engine that does not run is not missed before it was seen to run",
    )


def _at_once() -> None:
    """Wait for nothing."""


class EngineControl:
    """The orders to the cluster engine.

    `book` records the conf with which the engine's files were made. `mark`: the file that says that a restart is under
    way. `target`: the file that says whether the engine is to run; it is read now.
    """

    def __init__(
        self,
        context: NodeContext,
        engine: ClusterEngine,
        book: InstalledConf,
        mark: Path = ENGINE_RESTART,
        target: Path = ENGINE_TARGET,
    ) -> None:
        self._engine = engine
        self._this_node = context.this_node
        self._service = context.service
        self._observations = context.observations
        self._clock = context.clock
        self._book = book
        self._mark = mark
        self._target = target_file(target)
        self._observations.engine_target = self._target.load()
        self._turn = asyncio.Lock()
        self._writer = WorkerThread("engine target", "Writing down whether the HA engine is to run")

    async def prepare(self) -> None:
        """Write the engine's files and the resource script.

        Raises UserError when the conf is not complete, HostError when the engine is not installed.
        """
        if not self._this_node.conf.addresses:
            raise UserError("HACLUSTERIP is empty.", todo="Set it: asha conf set HACLUSTERIP ADDRESS.")
        if why := misnamed(self._this_node):
            raise UserError(f"{ENGINE} cannot be started: {why}.")
        await asyncio.to_thread(self._install)

    async def start(self) -> None:
        """Start the engine. Raises ClusterError, in the engine's own words, when it does not run then."""
        async with self._turn:
            await self._start()
        await self.keep_target()

    async def _start(self) -> None:
        await asyncio.to_thread(self._engine.start)
        self._observations.engine_target = EngineTarget.STARTED
        self._unmark()

    async def stop(self, *, leaving: bool = False) -> bool:
        """Stop the engine, which releases the resources first; a restart that is under way is waited for.

        `leaving`: because asha ends, as at each shutdown. That is no word of an operator that the engine is to stay
        off: one that does not come back with the machine is missed.

        Return whether it has heeded that. One that has not was ended by force, and what it held is let go of by the
        controller.
        """
        try:
            async with self._turn:
                self._unmark()
                self._observations.engine_target = EngineTarget.STOPPED
                return await asyncio.to_thread(self._engine.stop, lambda: self._service.state.releasing)
        finally:
            if not leaving:
                await self.keep_target()  # a disk that hangs is not waited for before the engine is stopped

    async def restart(self, *, until_dead: bool = False) -> None:
        """End the engine by force and start it again; what was held under it is let go of by the controller.

        `until_dead`: keep it off until the peer has called it dead.

        A mark on file tells an agent that is started in the middle of it to start the engine. Raises ClusterError, in
        the engine's own words, when the engine does not run then.
        """
        async with self._turn:
            self._put_mark(_KEPT_OFF if until_dead else b"")
            await asyncio.to_thread(self._engine.restart, self._be_called_dead if until_dead else _at_once)
            self._unmark()

    async def keep_target(self) -> None:
        """Keep on file whether the engine is to run, as the board has it."""
        # This agent knows it whatever the disk does, and a disk that is full or hangs is told of by others.
        with contextlib.suppress(OSError, HostError):
            await self._writer.do(self._write_target, _DISK)

    def _write_target(self) -> None:
        self._target.write(f"{self._observations.engine_target.value}\n")

    def restart_is_pending(self) -> bool:
        """Tell whether an agent that is gone was restarting the engine, and nobody has started or stopped it since."""
        return self._mark.exists()

    async def resume_restart(self) -> None:
        """Go on with a restart that is pending. An engine that runs is left alone: it may serve by now.

        Raises ClusterError as `start`.
        """
        async with self._turn:
            if self._is_kept_off():
                await asyncio.to_thread(self._be_called_dead)
            if self.restart_is_pending():
                await self._start()
        await self.keep_target()

    def _is_kept_off(self) -> bool:
        try:
            return read_small(self._mark) == _KEPT_OFF and not self._engine.identity()
        except OSError:
            return False

    def _be_called_dead(self) -> None:
        """Wait in a thread until the peer has called this node's engine, which does not run, dead."""
        self._clock.sleep(self._this_node.conf.deadtime + DEATH_CALLED)

    def _put_mark(self, text: bytes) -> None:
        with contextlib.suppress(OSError):  # without it a restart that is cut short leaves the engine off
            self._mark.write_bytes(text)

    def _unmark(self) -> None:
        with contextlib.suppress(OSError):
            self._mark.unlink(missing_ok=True)

    async def standby(self) -> str:
        """Ask the engine to hand everything to the peer; return what went wrong, or ""."""
        return await _problem_of(self._ask(self._engine.standby))

    async def takeover(self) -> None:
        """Ask the engine to bring everything here, not sooner than it has settled after a move, or a peer's return."""
        state = self._service.state
        # The peer was given what this node let go a moment later. And where two hear each other again, their scripts
        # speak to the masters at once, and a request between them is lost (docs/facts/heartbeat.md).
        settled = max(state.asked_at + 2 * ENGINE_SETTLES, state.peer_back_at + ENGINE_SETTLES)
        await asyncio.sleep(max(0.0, settled - self._clock.now()))
        observations = self._observations
        observations.asked = replace(observations.asked, takeover_at=self._clock.now())
        await self._ask(self._engine.takeover)

    async def _ask(self, request: Callable[[], None]) -> None:
        """Make a request in a thread; keep in mind when the engine says that it drops it."""
        try:
            await asyncio.to_thread(request)
        except RequestDropped as problem:
            observations, now = self._observations, self._clock.now()
            observations.asked = replace(
                observations.asked, dropped_at=now, seconds_left=problem.seconds_left
            )
            observations.notify_changed()
            raise

    def demand(self) -> None:
        """Have the peer, if it serves, give service up by force: it is told so for a while."""
        stamp = int(self._clock.wall())
        self._observations.demands = stamp
        asyncio.get_running_loop().call_later(_DEMANDED, self._end_demand, stamp)
        self._observations.stepped.set()

    def _end_demand(self, stamp: int) -> None:
        if self._observations.demands == stamp:
            self._observations.demands = 0

    def _install(self) -> None:
        why_not = have_secret(self._engine, self._this_node)
        try:
            self._engine.install(
                self._this_node.conf, self._this_node.node, script_command(self._engine.script)
            )
        except ClusterError as problem:
            raise ClusterError(f"{problem.args[0]}{why_not}", todo=problem.todo) from problem
        self._book.keep(self._this_node.conf, self._this_node.node)


def have_secret(engine: ClusterEngine, this_node: ThisNode) -> str:
    """Make the secret of `engine` exist; return "" or why it could not be fetched, as a sentence after a space.

    The primary makes the secret, the secondary fetches it over ssh. Blocking.
    """
    if engine.has_secret():
        return ""
    if this_node.node is Node.PRIMARY:
        engine.secret()
        return ""
    try:
        asked = {"engine": engine.traits.title.casefold()}
        answer = ask_once(way_to_peer(this_node.conf, this_node.node), "secret", asked)
        engine.take_secret(str(answer.get("method")), str(answer.get("secret")))
    except AshaError as problem:
        return f" It could not be fetched over ssh: {problem.args[0]}"
    return ""


class EngineRequests:
    """What the controller asks of the engine by itself (see `agent/cycle.py`): nothing raises, the journal tells."""

    def __init__(self, context: NodeContext, engine: EngineControl) -> None:
        self._engine = engine
        self._journal = context.journal
        self._service = context.service

    async def standby(self) -> None:
        """Ask the engine to have the peer take over."""
        self._tell("standby", await self._engine.standby())

    async def takeover(self) -> None:
        """Ask the engine to bring service here."""
        self._tell("takeover", await _problem_of(self._engine.takeover()))

    async def restart(self, *, until_dead: bool = False) -> None:
        """Restart the engine; `until_dead`: not before the peer has called it dead."""
        asked = self._engine.restart(until_dead=until_dead)
        self._tell("engine restart", await _problem_of(asked))

    async def keep_target(self) -> None:
        """Keep on file whether the engine is to run."""
        await self._engine.keep_target()

    async def resume_restart(self) -> None:
        """Start the engine if an earlier agent was restarting it."""
        if self._engine.restart_is_pending():
            self._tell("engine restart", await _problem_of(self._engine.resume_restart()))

    def _tell(self, kind: str, problem: str) -> None:
        self._journal.note(kind, problem=problem, generation=self._service.generation)


async def _problem_of(asking: Awaitable[None]) -> str:
    """Await `asking`; return what went wrong, or ""."""
    try:
        await asking
    except AshaError as problem:
        return str(problem)
    return ""


def script_command(program: str) -> tuple[str, ...]:
    """Return the command that runs `program`, a module of `appliance.cli`.

    It names this very interpreter and package, whatever PATH says.
    """
    return (sys.executable, "-I", "-m", f"appliance.cli.{program}")
