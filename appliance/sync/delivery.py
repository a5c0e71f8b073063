"""Bringing over what differs: fetched to the stages, verified file by file against what the peer has."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from appliance.core.held_back import printed
from appliance.sync.below import OpenDirectory
from appliance.sync.carrying import tame
from appliance.sync.databases import why_damaged
from appliance.sync.entry import Entry
from appliance.sync.onepass import Means
from appliance.sync.source import PAGE
from appliance.sync.traits import Traits

# A file that is being written is asked for this often before it is left to the next pass.
_ROUNDS = 3
_TELL_EVERY = 64
_CARRIED = frozenset({"f", "l", "d"})


class Delivery:
    """What arrives whole is put down in the store as arrived. Every method raises SyncProblem.

    `troubled`: what did not arrive because something is wrong with it, and why; for a database, too.
    """

    def __init__(self, means: Means) -> None:
        self._peer = means.peer
        self._rsync = means.rsync
        self._store = means.store
        self._stages = means.stages
        self._below = means.stages.below
        self._progress = means.progress
        self._special = means.conf.sync_special_bits
        self.troubled: dict[bytes, str] = {}

    def fetch_everything(self, tops: Sequence[str], traits: Traits) -> tuple[list[bytes], list[bytes]]:
        """Whole directories of which nothing is here; all that has come, and what of it is not verified yet.

        What a cut link has left on the stages is not fetched again. `traits`: what the peer's files have.
        """
        verified: set[bytes] = set()
        found: list[bytes] = []
        tell = self._counting(traits.entries)
        for stage, some in self._stages.sorted_by_stage(tops).items():
            opened = self._stages.opened(stage)
            self._rsync.fetch(some, opened, self._verifying(verified, tell), traits, beside=False)
            found += _waiting(opened, [os.fsencode(top) for top in some])
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

    def bring(self, wanted: list[bytes], databases: dict[str, str], links: Collection[bytes]) -> int:
        """Fetch the files `wanted` that are not staged yet, and `databases` (path to digest); verify all of it.

        `links`: which of `wanted` are links. Returns how many of all that were being written all the time, and have not
        arrived.
        """
        names = list(databases)
        for _ in range(_ROUNDS):
            missing = [path for path in wanted if not self._stages.waits(path)]
            self._fetch([path for path in missing if path not in links], names)
            self._fetch_links([path for path in missing if path in links])
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
        """One run of rsync for each stage: one, as a rule. No link comes with files: one could lead the next file away.

        rsync writes through a link on the stage, and reads through one here to see what is in place already. Where a
        link is in the way there, the file waits for the next pass; where one is here, all of it is fetched.
        """
        clear = [path for path in files if self._below.link_on_way(self._stages.staged(path)) is None]
        plain = [path for path in clear if self._below.link_on_way(path) is None]
        self._run(plain, names, beside=True, links=False)
        if len(plain) < len(clear):
            barred = set(clear) - set(plain)
            self._run([path for path in clear if path in barred], [], beside=False, links=False)

    def _fetch_links(self, links: list[bytes]) -> None:
        """Links alone, of which none lies below another: what was a link when it was listed may be a directory now."""
        known = set(links)
        alone = [path for path in links if not any(one in known for one in _parents(path))]
        self._run(alone, [], beside=False, links=True)

    def _run(self, files: list[bytes], names: list[str], *, beside: bool, links: bool) -> None:
        by_stage, databases = self._stages.sorted_by_stage(files), self._stages.sorted_by_stage(names)
        for stage in {**by_stage, **databases}:
            listed = self._peer.file_list(by_stage.get(stage, []), databases.get(stage, []))
            told = self._counting(len(files))
            self._rsync.fetch(listed, self._stages.opened(stage), told, beside=beside, links=links)

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
        place = self._stages.staged(there.path)
        staged = self._below.look(there.path, place)
        if staged.kind:
            if not self._special:
                tame(self._below.at(place))
            return staged.same_as == there.same_as
        ours = self._below.look_anyway(there.path)  # rsync does not send what is in place already
        if ours.kind == "o" and ours.trouble:
            self.troubled[there.path] = f"{ours.trouble} here"
        return ours.same_as == there.same_as

    def _checked(self, database: Path, digest: str) -> Entry | None:
        """A database that has come, or None when it is not fit to be put in place."""
        path = os.fsencode(database)
        staged = self._stages.staged(path)
        entry = self._below.look(path, staged)
        # Another process of the peer may have made its copy anew meanwhile: the next pass brings that.
        damaged = why_damaged(Path(os.fsdecode(staged))) if entry.digest == digest else ""
        if damaged:
            self.troubled[path] = damaged
        if damaged or entry.digest != digest:
            self._stages.discard(path)
            return None
        return entry


def _waiting(stage: OpenDirectory, tops: Sequence[bytes]) -> list[bytes]:
    """Everything on `stage` at and below `tops`, by the path it belongs at."""
    found = []
    for top in tops:
        with contextlib.suppress(FileNotFoundError):  # it has vanished there
            for directory, directories, names, descriptor in os.fwalk(b"." + top, dir_fd=stage.descriptor):
                path = directory.removeprefix(b".")
                links = [name for name in directories if _is_link(name, descriptor)]
                found += [path, *(path + b"/" + name for name in (*names, *links))]
    return found


def _is_link(name: bytes, directory: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)


def _parents(path: bytes) -> Iterator[bytes]:
    while len(path := os.path.dirname(path)) > 1:
        yield path
