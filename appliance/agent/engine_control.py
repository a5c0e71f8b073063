"""The agent's control of the cluster engine: configure, start, stop, hand over.

Every call that waits runs in a thread.
"""

from __future__ import annotations

import asyncio
import sys

from appliance.agent.active_conf import InstalledConf
from appliance.agent.context import NodeContext
from appliance.cluster.engine import ClusterEngine
from appliance.core.controller import ENGINE_SETTLES
from appliance.core.errors import AshaError, ClusterError, UserError, attempt
from appliance.core.model import Node
from appliance.sync.peer_link import ask_once
from appliance.sync.ssh import way_to_peer


class EngineControl:
    """The orders to the cluster engine.

    `book` records the conf with which the engine's files were made.
    """

    def __init__(self, context: NodeContext, engine: ClusterEngine, book: InstalledConf) -> None:
        self._engine = engine
        self._this_node = context.this_node
        self._service = context.service
        self._clock = context.clock
        self._book = book

    async def prepare(self) -> None:
        """Write the engine's files and the resource script.

        Raises UserError when the conf is not complete, HostError when the engine is not installed.
        """
        if not self._this_node.conf.cluster_ip:
            raise UserError("HACLUSTERIP is empty.", todo="Set it: asha conf set HACLUSTERIP ADDRESS.")
        await asyncio.to_thread(self._install)

    async def start(self) -> None:
        """Start the engine. Raises ClusterError, in the engine's own words, when it does not run then."""
        await asyncio.to_thread(self._engine.start)

    async def stop(self) -> None:
        """Stop the engine, which releases the resources first."""
        await asyncio.to_thread(self._engine.stop)

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
        self._book.keep(self._this_node.conf)

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


def script_command() -> tuple[str, ...]:
    """Return the command that runs the resource script.

    It names this very interpreter and package, whatever PATH says.
    """
    return (sys.executable, "-I", "-m", "appliance.cli.resource")
