"""Delivery of differing files: fetched to the stages, then verified against the peer's manifest."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from appliance.core.held_back import printed
from appliance.sync.databases import why_damaged
from appliance.sync.file_moves import tame
from appliance.sync.open_directories import OpenDirectory
from appliance.sync.server import PAGE
from appliance.sync.sync_pass import PassContext
from appliance.sync.trees import Traits, TreeEntry

# How often a file that is being written is fetched before it is left to the next pass.
_ROUNDS = 3
_TELL_EVERY = 64
_CARRIED = frozenset({"f", "l", "d"})


class Fetcher:
    """The fetching of files; each that arrives whole is recorded in the store as arrived.

    `troubled`: the files and databases that did not arrive because something is wrong with them, and why.
    Every method raises SyncProblem.
    """

    def __init__(self, context: PassContext) -> None:
        self._peer = context.peer
        self._rsync = context.rsync
        self._store = context.store
        self._stages = context.stages
        self._below = context.stages.below
        self._progress = context.progress
        self._special = context.conf.sync_special_bits
        self.troubled: dict[bytes, str] = {}

    def fetch_everything(self, tops: Sequence[str], traits: Traits) -> tuple[list[bytes], list[bytes]]:
        """Fetch whole directories of which nothing is here.

        Returns the paths of everything that has come, and those among them that are not verified yet. Files
        left on the stages by a link that was cut are not fetched again. `traits`: the kinds of attributes and
        holes that the peer's files have.
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
        """Return a callback for rsync's items that verifies files page by page while more files come.

        Verification stays one page behind, since rsync reports a file when it begins with it. A file that is
        not whole by then is left for `bring` to verify again.
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
        """Fetch the files `wanted` that are not staged yet, and `databases` (path to digest), and verify all.

        `links`: which of `wanted` are links. Returns how many files and databases did not arrive because they
        were being written all the time.
        """
        names = list(databases)
        for _ in range(_ROUNDS):
            missing = [path for path in wanted if not self._stages.waits(path)]
            self._fetch([path for path in missing if path not in links], names)
            self._fetch_links([path for path in missing if path in links])
            wanted, names = self._verify(wanted), []
        whole = [self._checked(Path(path), digest) for path, digest in databases.items()]
        self._store.stage(entry for entry in whole if entry is not None)
        late = [
            path
            for path, entry in zip(databases, whole, strict=True)
            if entry is None and os.fsencode(path) not in self.troubled
        ]
        return len(wanted) + len(late)

    def in_trouble(self, paths: Sequence[bytes]) -> set[bytes]:
        """Return those of `paths` that are in trouble at the peer now, and note them as troubled."""
        entries = [entry for page in self._peer.manifest(paths) for entry in page if entry.trouble]
        self._note(entries)
        return {entry.path for entry in entries}

    def _note(self, entries: Sequence[TreeEntry]) -> None:
        self.troubled |= {entry.path: f"{printed(entry.trouble)} there" for entry in entries if entry.trouble}

    def _fetch(self, files: list[bytes], names: list[str]) -> None:
        """Fetch `files`, and the databases `names`, with one run of rsync for each stage.

        As a rule there is one stage. Files and links are fetched in separate runs: a link could lead the next
        file to a wrong place. rsync writes through a link on the stage, and it reads through a link in the
        live tree to see what is in place already. When a link is in the way on the stage, the file waits for
        the next pass. When one is in the way in the live tree, the whole file is fetched without a
        comparison.
        """
        clear = [path for path in files if self._below.link_on_way(self._stages.staged(path)) is None]
        plain = [path for path in clear if self._below.link_on_way(path) is None]
        self._run(plain, names, beside=True, links=False)
        if len(plain) < len(clear):
            barred = set(clear) - set(plain)
            self._run([path for path in clear if path in barred], [], beside=False, links=False)

    def _fetch_links(self, links: list[bytes]) -> None:
        """Fetch only links, and none that lies below another link.

        A path that was a link when it was listed may have become a directory since.
        """
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
        """Record as arrived the staged files that equal the peer's now; return those that do not."""
        again: list[bytes] = []
        done = 0
        for page in self._peer.manifest(files):
            here = {entry.path for entry in self._arrive(page)}
            # A file that vanished meanwhile, or is a socket now, is not asked for again: the next pass sees
            # it.
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

    def _arrive(self, page: list[TreeEntry]) -> list[TreeEntry]:
        """Record as arrived those entries of `page`, the peer's manifest, that are here; return them."""
        self._note(page)
        here = [
            entry for entry in page if entry.kind in _CARRIED and not entry.trouble and self._is_here(entry)
        ]
        self._store.stage(here)
        return here

    def _is_here(self, there: TreeEntry) -> bool:
        place = self._stages.staged(there.path)
        staged = self._below.look(there.path, place)
        if staged.kind:
            if not self._special:
                tame(self._below.at(place))
            return staged.same_as == there.same_as
        ours = self._below.look_anyway(there.path)  # rsync does not send a file that is in place already
        if ours.kind == "o" and ours.trouble:
            self.troubled[there.path] = f"{ours.trouble} here"
        return ours.same_as == there.same_as

    def _checked(self, database: Path, digest: str) -> TreeEntry | None:
        """Return the entry of a fetched database, or None when it is not fit to be put in place."""
        path = os.fsencode(database)
        staged = self._stages.staged(path)
        entry = self._below.look(path, staged)
        # Another process of the peer may have renewed its copy meanwhile; the next pass brings that one.
        damaged = why_damaged(Path(os.fsdecode(staged))) if entry.digest == digest else ""
        if damaged:
            self.troubled[path] = damaged
        if damaged or entry.digest != digest:
            self._stages.discard(path)
            return None
        return entry


def _waiting(stage: OpenDirectory, tops: Sequence[bytes]) -> list[bytes]:
    """Return everything on `stage` at and below `tops`, by the paths at which it belongs."""
    found = []
    for top in tops:
        with contextlib.suppress(FileNotFoundError):  # the peer's directory has vanished
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
