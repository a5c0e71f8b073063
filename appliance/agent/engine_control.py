"""The agent's control of the cluster engine: configure, start, stop, hand over.

Every call that waits runs in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable
from pathlib import Path

from appliance.agent.active_conf import InstalledConf, misnamed
from appliance.agent.context import NodeContext
from appliance.cluster.engine import ClusterEngine
from appliance.core.controller import ENGINE_SETTLES
from appliance.core.errors import AshaError, ClusterError, UserError, attempt
from appliance.core.model import Node
from appliance.host.paths import ENGINE_RESTART
from appliance.sync.peer_link import ask_once
from appliance.sync.ssh import way_to_peer


class EngineControl:
    """The orders to the cluster engine.

    `book` records the conf with which the engine's files were made. `mark`: the file that says that a restart is under
    way.
    """

    def __init__(
        self, context: NodeContext, engine: ClusterEngine, book: InstalledConf, mark: Path = ENGINE_RESTART
    ) -> None:
        self._engine = engine
        self._this_node = context.this_node
        self._service = context.service
        self._observations = context.observations
        self._clock = context.clock
        self._book = book
        self._mark = mark
        self._turn = asyncio.Lock()

    async def prepare(self) -> None:
        """Write the engine's files and the resource script.

        Raises UserError when the conf is not complete, HostError when the engine is not installed.
        """
        if not self._this_node.conf.cluster_ip:
            raise UserError("HACLUSTERIP is empty.", todo="Set it: asha conf set HACLUSTERIP ADDRESS.")
        if why := misnamed(self._this_node):
            raise UserError(f"Heartbeat cannot be started: {why}.")
        await asyncio.to_thread(self._install)

    async def start(self) -> None:
        """Start the engine. Raises ClusterError, in the engine's own words, when it does not run then."""
        async with self._turn:
            await asyncio.to_thread(self._engine.start)
            self._observations.engine_stopped = False
            self._unmark()

    async def stop(self) -> None:
        """Stop the engine, which releases the resources first; a restart that is under way is waited for."""
        async with self._turn:
            self._unmark()
            self._observations.engine_stopped = True
            await asyncio.to_thread(self._engine.stop)

    async def restart(self) -> None:
        """End the engine by force and start it again; what was held under it is let go of by the controller.

        A mark on file tells an agent that is started in the middle of it to start the engine. Raises ClusterError, in
        the engine's own words, when the engine does not run then.
        """
        async with self._turn:
            self._put_mark()
            await asyncio.to_thread(self._engine.restart)
            self._unmark()

    def restart_is_pending(self) -> bool:
        """Tell whether an agent that is gone was restarting the engine, and nobody has started or stopped it since."""
        return self._mark.exists()

    def _put_mark(self) -> None:
        with contextlib.suppress(OSError):  # without it a restart that is cut short leaves the engine off
            self._mark.touch()

    def _unmark(self) -> None:
        with contextlib.suppress(OSError):
            self._mark.unlink(missing_ok=True)

    async def standby(self) -> str:
        """Ask the engine to hand everything to the peer; return what went wrong, or ""."""
        return await asyncio.to_thread(attempt, self._engine.standby)

    async def takeover(self) -> None:
        """Ask the engine to bring everything here, not sooner than the engine has settled after its last move."""
        # The peer was given what this node let go a moment later (see controller.ENGINE_SETTLES).
        settled = self._service.state.asked_at + 2 * ENGINE_SETTLES
        await asyncio.sleep(max(0.0, settled - self._clock.now()))
        await asyncio.to_thread(self._engine.takeover)

    def _install(self) -> None:
        why_not = self._have_secret()
        try:
            self._engine.install(self._this_node.conf, self._this_node.node, script_command())
        except ClusterError as problem:
            raise ClusterError(f"{problem.args[0]}{why_not}", todo=problem.todo) from problem
        self._book.keep(self._this_node.conf, self._this_node.node)

    def _have_secret(self) -> str:
        """Make the cluster secret exist; return "" or why it could not be fetched.

        The primary makes the secret, the secondary fetches it over ssh.
        """
        if self._engine.has_secret():
            return ""
        if self._this_node.node is Node.PRIMARY:
            self._engine.secret()
            return ""
        try:
            answer = ask_once(way_to_peer(self._this_node.conf, self._this_node.node), "secret")
            self._engine.take_secret(str(answer.get("method")), str(answer.get("secret")))
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

    async def restart(self) -> None:
        """Restart the engine."""
        self._tell("engine restart", await _problem_of(self._engine.restart()))

    async def resume_restart(self) -> None:
        """Start the engine if an earlier agent was restarting it; one that runs is left alone, it may serve by now."""
        if self._engine.restart_is_pending():
            self._tell("engine restart", await _problem_of(self._engine.start()))

    def _tell(self, kind: str, problem: str) -> None:
        self._journal.note(kind, problem=problem, generation=self._service.generation)


async def _problem_of(asking: Awaitable[None]) -> str:
    """Await `asking`; return what went wrong, or ""."""
    try:
        await asking
    except AshaError as problem:
        return str(problem)
    return ""


def script_command() -> tuple[str, ...]:
    """Return the command that runs the resource script.

    It names this very interpreter and package, whatever PATH says.
    """
    return (sys.executable, "-I", "-m", "appliance.cli.resource")
