"""Heartbeat as the agent steers it: configure, start, stop, hand over. Every wait is in a thread."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from appliance.agent.site import Site
from appliance.agent.standing import StandingBook
from appliance.cluster.authkeys import FILE_NAME as AUTHKEYS
from appliance.cluster.authkeys import made_key, place_key
from appliance.cluster.commands import standby, start_engine, stop_engine, takeover
from appliance.cluster.install_script import install_resource_script
from appliance.cluster.paths import find_heartbeat
from appliance.cluster.render import install
from appliance.core.errors import AshaError, ClusterError, UserError
from appliance.core.model import Node
from appliance.sync.question import ask_once
from appliance.sync.ssh import way_to_peer


class EngineRoom:
    """The orders to Heartbeat. `book` is told what its files are made with."""

    def __init__(self, site: Site, book: StandingBook) -> None:
        self._site = site
        self._book = book

    async def prepare(self) -> None:
        """Write Heartbeat's files and the resource script.

        Raises UserError when the conf is not complete, HostError when Heartbeat is not installed.
        """
        if not self._site.conf.cluster_ip:
            raise UserError("HACLUSTERIP is empty.", todo="Set it: asha conf set HACLUSTERIP ADDRESS.")
        await asyncio.to_thread(self._install)

    async def start(self) -> None:
        """Start Heartbeat. Raises ClusterError with its own words when it does not run afterwards."""
        await asyncio.to_thread(lambda: start_engine(find_heartbeat()))

    async def stop(self) -> None:
        """Stop Heartbeat, which releases the resources first."""
        await asyncio.to_thread(lambda: stop_engine(find_heartbeat()))

    async def standby(self) -> str:
        """Ask Heartbeat to hand everything to the peer. Returns what went wrong, or nothing."""
        return await asyncio.to_thread(_tried, lambda: standby(find_heartbeat()))

    async def takeover(self) -> None:
        """Ask Heartbeat to bring everything here."""
        await asyncio.to_thread(lambda: takeover(find_heartbeat()))

    def _install(self) -> None:
        paths = find_heartbeat()
        why_not = self._have_secret(paths.ha_dir)
        try:
            install(self._site.conf, self._site.node, paths.ha_dir)
        except ClusterError as problem:
            raise ClusterError(f"{problem.args[0]}{why_not}", todo=problem.todo) from problem
        self._book.keep(self._site.conf)
        install_resource_script(paths.resource_dir, script_command())

    def _have_secret(self, ha_dir: Path) -> str:
        """The primary makes the secret, the secondary fetches it over ssh; why it could not, "" when it is there."""
        if (ha_dir / AUTHKEYS).exists():
            return ""
        if self._site.node is Node.PRIMARY:
            made_key(ha_dir)
            return ""
        try:
            answer = ask_once(way_to_peer(self._site.conf, self._site.node), "secret")
            place_key(ha_dir, str(answer.get("method")), str(answer.get("secret")))
        except AshaError as problem:
            return f" It could not be fetched over ssh: {problem.args[0]}"
        return ""


def script_command() -> tuple[str, ...]:
    """How the resource script is called: this very interpreter and package, whatever PATH says."""
    return (sys.executable, "-I", "-m", "appliance.cli.resource")


def _tried(deed: Callable[[], None]) -> str:
    try:
        deed()
    except AshaError as problem:
        return str(problem)
    return ""
