"""The address telephones are provisioned with, kept where SARK finds it; and their files made anew when it changes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from appliance.agent.journal import Journal
from appliance.agent.places import DATA, REGENERATE
from appliance.agent.rooms.hands import Hands
from appliance.agent.rooms.room import Room
from appliance.agent.site import Site
from appliance.config import Conf
from appliance.config.quotes import command_words
from appliance.core.errors import AshaError
from appliance.host.statefile import StateFile
from appliance.net.address import own_address
from appliance.sark.provision import FOLDER, provision_address, write_address, written_address
from appliance.sync.postjob import run_postsync

_LOOK = 2.0
# Beyond POSTSYNCDEADLINE, for the disk that takes its output; seconds.
_SLACK = 30.0


class ProvisionRoom(Room):
    """Nothing waits for it. `owed`: there from before the address changes until POSTSYNC has run after it."""

    def __init__(self, site: Site, journal: Journal, folder: Path = FOLDER, owed: Path = REGENERATE) -> None:
        self._site = site
        self._journal = journal
        self._folder = folder
        self._owed = StateFile(owed, bytes, bytes, "POSTSYNC runs once more")
        self._hands = Hands("provision", "Provisioning telephones")
        self._unknown = ""
        self._is_owed = False
        self._job = ""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK)

    async def look(self) -> None:
        """One look; POSTSYNC runs when the address has changed, or when it could not end the last time."""
        await self.first_look()
        if self._is_owed:
            await self._regenerate(self._site.conf)

    async def first_look(self) -> None:
        """Look at the address alone: a job that takes long is in nobody's way."""
        conf = self._site.conf
        self._is_owed = False
        try:
            changed, self._is_owed = await self._hands.do(
                lambda: (self._keep(conf), os.path.lexists(self._owed.path))
            )
        except (AshaError, OSError) as problem:
            self._say_unknown(str(problem))
            return
        self._say_unknown("")
        if changed:
            self._journal.note("provision", says=changed)

    def problems(self) -> list[str]:
        """For the status document. Without a cluster address nobody has set anything up yet."""
        unknown = f"telephones: {self._unknown}" if self._unknown and self._site.conf.cluster_ip else ""
        job = f"telephones were not provisioned anew: {self._job}" if self._job else ""
        return [text for text in (unknown, job) if text]

    def _keep(self, conf: Conf) -> str:
        """Blocking. What was changed, in words; "" when nothing was."""
        before, now = written_address(self._folder), address_for_telephones(conf)
        if now == before:
            return ""
        if before:  # a first address makes nothing old
            self._owed.write(b"", 0o644)
        write_address(now, self._folder)
        return f"telephones are provisioned with {now}" + (f", no longer with {before}" if before else "")

    async def _regenerate(self, conf: Conf) -> None:
        try:
            ran, self._job = await self._hands.do(
                lambda: self._run_job(conf), conf.postsync_deadline + _SLACK
            )
        except (AshaError, OSError) as problem:
            ran, self._job = True, str(problem)
        if ran:
            self._journal.note("provision", says=self._job or "POSTSYNC has run after the change of address")

    def _run_job(self, conf: Conf) -> tuple[bool, str]:
        """Blocking. Whether there is a job, and how it failed."""
        program = command_words(conf.postsync)[:1]
        problem = run_postsync(conf, DATA)
        self._owed.remove()
        return bool(program) and Path(program[0]).exists(), problem

    def _say_unknown(self, problem: str) -> None:
        if problem and problem != self._unknown:
            self._journal.note("provision", says=problem)
        self._unknown = problem


def address_for_telephones(conf: Conf) -> str:
    """What telephones are to register to. Raises HostError when this node has no address of its own, and needs one."""
    own = (
        "" if conf.use_cluster and conf.cluster_ip else own_address(conf.device, conf.cluster_ip, conf.prefix)
    )
    return provision_address(use_cluster=conf.use_cluster, cluster_ip=conf.cluster_ip, own=own)
