"""The address with which telephones are provisioned, kept where SARK finds it.

The telephones' files are made again when the address changes.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from appliance.agent.components.component import Component
from appliance.agent.context import NodeContext
from appliance.agent.rhythm import until_beat
from appliance.config import Conf
from appliance.config.quotes import command_words
from appliance.core.errors import AshaError
from appliance.host.paths import DATA, PROVISIONING, REGENERATE
from appliance.host.statefile import StateFile
from appliance.host.worker_thread import WorkerThread
from appliance.net.address import own_address
from appliance.sark.provisioning import provision_address, write_address, written_address
from appliance.sync.post_job import run_postsync

_LOOK = 2.0
# Time beyond POSTSYNCDEADLINE, for the disk that takes the job's output; seconds.
_SLACK = 30.0


class Provisioning(Component):
    """The component that keeps the telephones' address up to date; nothing waits for this component.

    `owed`: a file that exists from before the address changes until POSTSYNC has run after the change.
    """

    def __init__(self, context: NodeContext, folder: Path = PROVISIONING, owed: Path = REGENERATE) -> None:
        self._this_node = context.this_node
        self._journal = context.journal
        self._folder = folder
        self._owed = StateFile(owed, bytes, bytes, "POSTSYNC runs once more")
        self._worker = WorkerThread("provision", "Provisioning telephones")
        self._unknown = ""
        self._is_owed = False
        self._job = ""

    async def run(self) -> None:
        """Look at the address repeatedly, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(until_beat(_LOOK))

    async def look(self) -> None:
        """Look at the address, and run POSTSYNC when it has changed.

        POSTSYNC also runs when it could not end the last time.
        """
        await self.first_look()
        if self._is_owed:
            await self._regenerate(self._this_node.conf)

    async def first_look(self) -> None:
        """Look at the address alone, without the job, which may take long."""
        conf = self._this_node.conf
        self._is_owed = False
        try:
            changed, self._is_owed = await self._worker.do(
                lambda: (self._keep(conf), os.path.lexists(self._owed.path))
            )
        except (AshaError, OSError) as problem:
            self._say_unknown(str(problem))
            return
        self._say_unknown("")
        if changed:
            self._journal.note("provision", says=changed)

    def problems(self) -> list[str]:
        """Return the problems for the status document.

        A missing address counts only where a cluster address is set: without one nobody has set anything up
        yet.
        """
        unknown = f"telephones: {self._unknown}" if self._unknown and self._this_node.conf.addresses else ""
        job = f"telephones were not provisioned again: {self._job}" if self._job else ""
        return [text for text in (unknown, job) if text]

    def _keep(self, conf: Conf) -> str:
        """Write the address if it has changed; return what was changed, in words, or "". Blocking."""
        before, now = written_address(self._folder), address_for_telephones(conf)
        if now == before:
            return ""
        if before:  # a first address makes no file out of date
            self._owed.write(b"", 0o644)
        write_address(now, self._folder)
        return f"telephones are provisioned with {now}" + (f", no longer with {before}" if before else "")

    async def _regenerate(self, conf: Conf) -> None:
        try:
            ran, self._job = await self._worker.do(
                lambda: self._run_job(conf), conf.postsync_deadline + _SLACK
            )
        except (AshaError, OSError) as problem:
            ran, self._job = True, str(problem)
        if ran:
            self._journal.note("provision", says=self._job or "POSTSYNC has run after the change of address")

    def _run_job(self, conf: Conf) -> tuple[bool, str]:
        """Run the job; return whether there is one, and how it failed. Blocking."""
        program = command_words(conf.postsync)[:1]
        problem = run_postsync(conf, DATA)
        self._owed.remove()
        return bool(program) and Path(program[0]).exists(), problem

    def _say_unknown(self, problem: str) -> None:
        self._unknown = problem
        self._journal.note_once("provision", "address", problem)


def address_for_telephones(conf: Conf) -> str:
    """Return the address with which telephones are to register.

    Raises HostError when this node needs an address of its own and has none.
    """
    main = conf.main_address
    own = "" if conf.use_cluster and main.ip else own_address(conf.device, main.ip, main.prefix)
    return provision_address(use_cluster=conf.use_cluster, cluster_ip=main.ip, own=own)
