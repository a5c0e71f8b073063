"""Bringing over what differs: fetched to the stages, verified file by file against what the peer has."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.core.held_back import printed
from appliance.sync.databases import why_damaged
from appliance.sync.entry import Entry, look, look_anyway
from appliance.sync.link import Peer
from appliance.sync.rsync import Rsync
from appliance.sync.source import PAGE
from appliance.sync.stages import Stages
from appliance.sync.store import Store
from appliance.sync.traits import Traits

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much of it is done, and how much there is (0: not known)."""

# A file that is being written is asked for this often before it is left to the next pass.
_ROUNDS = 3
_TELL_EVERY = 64
_CARRIED = frozenset({"f", "l", "d"})


class Delivery:
    """What arrives whole is put down in the store as arrived. Every method raises SyncProblem.

    `troubled`: what did not arrive because something is wrong with it, and why; for a database, too.
    """

    def __init__(self, peer: Peer, rsync: Rsync, store: Store, stages: Stages, progress: Progress) -> None:
        self._peer = peer
        self._rsync = rsync
        self._store = store
        self._stages = stages
        self._progress = progress
        self.troubled: dict[bytes, str] = {}

    def fetch_everything(self, tops: Sequence[str], traits: Traits) -> tuple[list[bytes], list[bytes]]:
        """Whole directories of which nothing is here; all that has come, and what of it is not verified yet.

        What a cut link has left on the stages is not fetched again. `traits`: what the peer's files have.
        """
        verified: set[bytes] = set()
        found: list[bytes] = []
        tell = self._counting(traits.entries)
        for stage, some in self._stages.sorted_by_stage(tops).items():
            self._rsync.fetch(some, stage, self._verifying(verified, tell), traits, beside=False)
            found += _below(os.fsencode(stage), [os.fsencode(top) for top in some])
        return found, [path for path in found if path not in verified]

    def _verifying(self, verified: set[bytes], tell: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """For what comes: verify it page by page while more comes.

        A page behind, since rsync tells of a file when it begins with it. What is not whole then is looked at again.
        """
        before: list[bytes] = []
        page: list[bytes] = []

        def on_item(path: bytes) -> None:
            nonlocal before, page
            tell(path)
            page.append(path)
            if len(page) == PAGE:
                for entries in self._peer.manifest(before):
                    verified.update(entry.path for entry in self._arrive(entries))
                before, page = page, []

        return on_item

    def bring(self, wanted: list[bytes], databases: dict[str, str]) -> int:
        """Fetch the files `wanted` that are not staged yet, and `databases` (path to digest); verify all of it.

        Returns how many of all that were being written all the time, and have not arrived.
        """
        names = list(databases)
        for _ in range(_ROUNDS):
            missing = [path for path in wanted if not os.path.lexists(self._stages.staged(path))]
            self._fetch(missing, names)
            wanted, names = self._verify(wanted), []
        whole = [self._checked(Path(path), digest) for path, digest in databases.items()]
        self._store.arrive(entry for entry in whole if entry is not None)
        late = [
            path
            for path, entry in zip(databases, whole, strict=True)
            if entry is None and os.fsencode(path) not in self.troubled
        ]
        return len(wanted) + len(late)

    def in_trouble(self, paths: Sequence[bytes]) -> set[bytes]:
        """Those of `paths` with which something is wrong at the peer now; they are put down as troubled."""
        entries = [entry for page in self._peer.manifest(paths) for entry in page if entry.trouble]
        self._note(entries)
        return {entry.path for entry in entries}

    def _note(self, entries: Sequence[Entry]) -> None:
        self.troubled |= {entry.path: f"{printed(entry.trouble)} there" for entry in entries if entry.trouble}

    def _fetch(self, files: list[bytes], names: list[str]) -> None:
        """One run of rsync for each stage: one, as a rule."""
        by_stage, databases = self._stages.sorted_by_stage(files), self._stages.sorted_by_stage(names)
        for stage in {**by_stage, **databases}:
            listed = self._peer.file_list(by_stage.get(stage, []), databases.get(stage, []))
            self._rsync.fetch(listed, stage, self._counting(len(files)))

    def _counting(self, total: int) -> Callable[[bytes], None]:
        done = 0

        def on_item(path: bytes) -> None:
            nonlocal done
            done += 1
            if done % _TELL_EVERY == 0:
                self._progress("fetching", done, total)

        return on_item

    def _verify(self, files: list[bytes]) -> list[bytes]:
        """Let arrive what is on the stages as the peer has it now; return what is not."""
        again: list[bytes] = []
        done = 0
        for page in self._peer.manifest(files):
            here = {entry.path for entry in self._arrive(page)}
            # What is gone meanwhile, or a socket, is no matter; the next pass sees it.
            again += [
                entry.path
                for entry in page
                if entry.kind in _CARRIED and entry.path not in here and entry.path not in self.troubled
            ]
            done += len(page)
            self._progress("verifying", done, len(files))
        for path in (*again, *self.troubled):
            self._stages.discard(path)
        return again

    def _arrive(self, page: list[Entry]) -> list[Entry]:
        """Let arrive those of `page`, as the peer has them, that are here; return them."""
        self._note(page)
        here = [
            entry for entry in page if entry.kind in _CARRIED and not entry.trouble and self._is_here(entry)
        ]
        self._store.arrive(here)
        return here

    def _is_here(self, there: Entry) -> bool:
        staged = look(there.path, self._stages.staged(there.path))
        if staged.kind:
            return staged.same_as == there.same_as
        ours = look_anyway(there.path)  # rsync does not send what is in place already
        if ours.kind == "o" and ours.trouble:
            self.troubled[there.path] = f"{ours.trouble} here"
        return ours.same_as == there.same_as

    def _checked(self, database: Path, digest: str) -> Entry | None:
        """A database that has come, or None when it is not fit to be put in place."""
        path = os.fsencode(database)
        staged = self._stages.staged(path)
        entry = look(path, staged)
        # Another process of the peer may have made its copy anew meanwhile: the next pass brings that.
        damaged = why_damaged(Path(os.fsdecode(staged))) if entry.digest == digest else ""
        if damaged:
            self.troubled[path] = damaged
        if damaged or entry.digest != digest:
            self._stages.discard(path)
            return None
        return entry


def _below(stage: bytes, tops: Sequence[bytes]) -> list[bytes]:
    """Everything on `stage` at and below `tops`, by the path it belongs at."""
    found = []
    for top in tops:
        for directory, directories, names in os.walk(stage + top):
            found.append(directory)
            links = [name for name in directories if os.path.islink(directory + b"/" + name)]
            found += [directory + b"/" + name for name in (*names, *links)]
    return [path.removeprefix(stage) for path in found]
