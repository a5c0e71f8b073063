"""The troubles of asha's own files: what is unusable, what was set aside, what cannot be written.

Every reader of a file of asha's goes on without it when it is spoilt (host/statefile.py). A spoilt file that
was set aside is named here for as long as it lies there, in the status, the journal and an alert. Also, the
temporary files that killed processes have left are removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from appliance.agent.components.component import Component
from appliance.agent.context import Context
from appliance.agent.kept_conf import keep
from appliance.agent.own_files import OwnFile, own_directories, own_files
from appliance.agent.rhythm import until_beat
from appliance.config import Conf
from appliance.core.errors import AshaError
from appliance.core.status import FileTrouble, Status
from appliance.host.disk import fresh_file, spoilt_versions
from appliance.host.leftovers import remove_leftovers
from appliance.host.paths import DATA, GRANT, JOURNAL
from appliance.host.worker_thread import WorkerThread
from appliance.sync.server import remove_old_lists

_LOOK = 20.0
# A disk that has not answered for so long hangs, in seconds.
_PATIENCE = 10.0


class FileTroubles(Component):
    """The component that looks at asha's own files now and then, in a thread of its own.

    `conf`: the conf this node works by. `grant`: why the grant is not on file, "" when it is. `looked` is
    called after each look.
    """

    def __init__(
        self,
        context: Context,
        *,
        conf: Callable[[], Conf],
        grant: Callable[[], str] = lambda: "",
        looked: Callable[[], None] = lambda: None,
    ) -> None:
        self._conf_path = context.conf_path
        self._conf = conf
        self._journal = context.journal
        self._grant = grant
        self._looked = looked
        self._worker = WorkerThread("files", "The look at asha's own files")
        self._found: tuple[FileTrouble, ...] = ()
        self._told: frozenset[FileTrouble] = frozenset()

    async def run(self) -> None:
        """Look at the files repeatedly, until cancelled."""
        while True:
            await self.look()
            self._looked()
            await asyncio.sleep(until_beat(_LOOK))

    async def look(self) -> None:
        """Look at the files once, and note new troubles in the journal."""
        conf = self._conf()
        try:
            self._found = await self._worker.do(lambda: self._look(conf), _PATIENCE)
        except (AshaError, OSError) as problem:
            self._found = (FileTrouble(str(JOURNAL.parent), f"{problem} Its disk hangs or is broken."),)
        now = frozenset(self.troubles())
        for trouble in sorted(now - self._told):
            self._journal.note("files", path=trouble.path, says=trouble.says)
        self._told = now

    def troubles(self) -> list[FileTrouble]:
        """Return the troubles of now.

        Those of the grant and the journal are known to this process itself and are never late.
        """
        known = [FileTrouble(str(GRANT), self._grant()), FileTrouble(str(JOURNAL), self._journal.problem)]
        return [trouble for trouble in (*known, *self._found) if trouble.says]

    def report(self, status: Status) -> Status:
        troubles = tuple(self.troubles())
        return status._replace(files=troubles).with_problems(trouble.says for trouble in troubles)

    def _look(self, conf: Conf) -> tuple[FileTrouble, ...]:
        """Look at the files, and remove leftovers. Blocking."""
        directories = own_directories(conf)
        for directory in directories:
            remove_leftovers(directory)
        remove_old_lists(DATA)
        with contextlib.suppress(OSError):  # said below: the disk takes nothing
            keep(self._conf_path)
        files = own_files(conf)
        return (
            *(FileTrouble(str(where), _not_written(where)) for where in (JOURNAL.parent, GRANT.parent)),
            *(FileTrouble(str(file.path), file.trouble()) for file in files),
            *(found for file in files if (found := _set_aside(file)) is not None),
        )


def _not_written(directory: Path) -> str:
    try:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        with fresh_file(directory / "probe", b"asha", 0o600):
            return ""
    except OSError as problem:
        return (
            f"nothing can be written in {directory} ({os.strerror(problem.errno or 0)}): service goes on, and what "
            "this node is to remember over a restart is lost"
        )


def _set_aside(file: OwnFile) -> FileTrouble | None:
    try:
        found = spoilt_versions(file.path)
    except OSError:
        return None  # there is no such directory, or it is named itself
    if not found:
        return None
    names = ", ".join(one.name for one in found)
    return FileTrouble(
        str(file.path),
        f"{file.path} was of no use and was set aside in its directory as {names}: asha went on without it. "
        "Look at what was set aside, then remove it",
    )
