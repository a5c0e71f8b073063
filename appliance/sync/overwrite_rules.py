"""The judgement of which files of ours a pass may destroy: only those the peer is known to have had.

A pass makes the data here equal to the peer's. On a standby all data came from the peer. But a node's mark
may be lost (a restored disk, a package that was erased with its state), and then the data this node got while
it served exists on this node and nowhere else. The same is true of files that somebody has written on a
standby by hand. The record of what both nodes have tells the two kinds apart: a file that is not in the
record, or differs from it, is set aside and not destroyed.

After the peer has merged everything this node had, no data exists on this node alone until it serves again. A
note says so until the next whole pass is in place.
"""

from __future__ import annotations

import stat

from appliance.sync.newer_data_mark import drop_note, peer_has_all
from appliance.sync.sync_pass import PassContext
from appliance.sync.trees import TreeEntry


class Spare:
    """The comparison of files here with the record."""

    def __init__(self, context: PassContext) -> None:
        self._store = context.store
        self._below = context.stages.below
        self._places = context.places
        self._all = peer_has_all(context.places)

    def is_spare(self, path: bytes, coming: TreeEntry | None = None) -> bool:
        """Return whether nothing is lost when the file at `path` goes. Raises OSError.

        `coming` is the entry that is put in its place, if any.
        """
        if self._below.is_passage(path):
            return False  # a passage is the administrator's
        if self._all:
            return True
        known = self._store.entry(path)
        if known is not None and self.is_untouched(known):
            return True
        here = self._below.look(path)
        if here.kind in ("", "o", "d"):  # no file; no content; a directory makes way only when empty
            return True
        return here.same_as in [one.same_as for one in (known, coming) if one is not None]

    def is_untouched(self, known: TreeEntry) -> bool:
        """Return whether the file still has the size and time with which it was put here. Raises OSError."""
        seen = self._below.stat(known.path)
        if seen is None or known.kind != "f" or not stat.S_ISREG(seen.st_mode):
            return False
        return (seen.st_size, seen.st_mtime_ns) == (known.size, known.mtime)

    def all_is_fetched(self) -> None:
        """Drop the note that the peer has everything: a whole pass is in place. Raises OSError.

        From now on files written here are compared with the record again.
        """
        if self._all:
            drop_note(self._places)
