"""Bringing over what differs: fetched to the stages, verified file by file against what the peer has."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.sync.databases import check
from appliance.sync.entry import Entry, look
from appliance.sync.link import Peer
from appliance.sync.problems import Kind, SyncProblem
from appliance.sync.rsync import Rsync
from appliance.sync.stages import Stages
from appliance.sync.store import Store

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much of it is done, and how much there is (0: not known)."""

# A file that is being written is asked for this often before it is left to the next pass.
_ROUNDS = 3
_TELL_EVERY = 64


class Delivery:
    """What arrives whole is put down in the store as arrived. Every method raises SyncProblem."""

    def __init__(self, peer: Peer, rsync: Rsync, store: Store, stages: Stages, progress: Progress) -> None:
        self._peer = peer
        self._rsync = rsync
        self._store = store
        self._stages = stages
        self._progress = progress

    def fetch_everything(self, tops: Sequence[str]) -> list[bytes]:
        """Whole directories, without comparing first; all that is on their stages then, not verified yet.

        What a cut link has left there is not fetched again.
        """
        found: list[bytes] = []
        on_item = self._counting(0)
        for stage, some in self._stages.sorted_by_stage(tops).items():
            self._rsync.fetch(some, stage, on_item)
            found += _below(os.fsencode(stage), [os.fsencode(top) for top in some])
        return found

    def bring(self, wanted: list[bytes], databases: dict[str, str]) -> int:
        """Fetch the files `wanted` that are not staged yet, and `databases` (path to digest); verify all of it.

        Returns how many files were being written all the time, and have not arrived.
        """
        names = list(databases)
        for _ in range(_ROUNDS):
            missing = [path for path in wanted if not os.path.lexists(self._stages.staged(path))]
            self._fetch(missing, names)
            wanted, names = self._verify(wanted), []
        self._store.arrive(self._checked(Path(path), digest) for path, digest in databases.items())
        return len(wanted)

    def _fetch(self, files: list[bytes], names: list[str]) -> None:
        """One run of rsync for each stage: one, as a rule."""
        by_stage, databases = self._stages.sorted_by_stage(files), self._stages.sorted_by_stage(names)
        on_item = self._counting(len(files))
        for stage in {**by_stage, **databases}:
            listed = self._peer.file_list(by_stage.get(stage, []), databases.get(stage, []))
            self._rsync.fetch(listed, stage, on_item)

    def _counting(self, total: int) -> Callable[[], None]:
        done = 0

        def on_item() -> None:
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
            # Gone meanwhile, or a socket: no matter; the next pass sees it.
            there = [entry for entry in page if entry.kind in ("f", "l", "d")]
            whole = [entry for entry in there if self._is_here(entry)]
            self._store.arrive(whole)
            again += [entry.path for entry in there if entry not in whole]
            done += len(page)
            self._progress("verifying", done, len(files))
        for path in again:
            self._stages.discard(path)
        return again

    def _is_here(self, there: Entry) -> bool:
        if there.zeros:
            name = os.fsdecode(there.path)
            raise SyncProblem(
                Kind.SICK_SOURCE, f"Nothing is copied: {name} holds nothing but NUL bytes there."
            )
        staged = look(there.path, self._stages.staged(there.path))
        # rsync does not send what is in place already.
        return (staged if staged.kind else look(there.path)).same_as == there.same_as

    def _checked(self, database: Path, digest: str) -> Entry:
        path = os.fsencode(database)
        staged = self._stages.staged(path)
        entry = look(path, staged)
        if entry.digest != digest:
            raise SyncProblem(Kind.CHANGED, f"{database} arrived otherwise than it was sent.")
        check(Path(os.fsdecode(staged)), database)
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
