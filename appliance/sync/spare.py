"""What of ours may be destroyed by a pass: only what the peer is known to have had.

A pass makes what is here equal to what the peer has. On a standby all of it came from there. But a node's mark may
be lost (a restored disk, a package that was erased with its state), and then what this node has got while it served
is here and nowhere else; so is what somebody has written on a standby by hand. The record of what both nodes have tells
the two apart. What is not in it, or differs from it, is set aside and not destroyed.

After the peer has merged all that this node had, nothing here is the last of its kind until the node serves again: a
note says so until the next whole pass is in place.
"""

from __future__ import annotations

import stat

from appliance.sync.entry import Entry
from appliance.sync.onepass import Means
from appliance.sync.served import drop_note, peer_has_all


class Spare:
    """Judges what is here against the record."""

    def __init__(self, means: Means) -> None:
        self._store = means.store
        self._below = means.stages.below
        self._places = means.places
        self._all = peer_has_all(means.places)

    def is_spare(self, path: bytes, coming: Entry | None = None) -> bool:
        """Nothing is lost with what is at `path`, in whose place `coming` is put. Raises OSError."""
        if self._below.is_passage(path):
            return False  # the administrator's
        if self._all:
            return True
        known = self._store.entry(path)
        if known is not None and self.is_untouched(known):
            return True
        here = self._below.look(path)
        if here.kind in ("", "o", "d"):  # nothing; nothing in it; only an empty directory makes way
            return True
        return here.same_as in [one.same_as for one in (known, coming) if one is not None]

    def is_untouched(self, known: Entry) -> bool:
        """The file is as it was put here: its size and time are those of what came. Raises OSError."""
        seen = self._below.stat(known.path)
        if seen is None or known.kind != "f" or not stat.S_ISREG(seen.st_mode):
            return False
        return (seen.st_size, seen.st_mtime_ns) == (known.size, known.mtime)

    def all_is_fetched(self) -> None:
        """A whole pass is in place: from now on what is written here is looked at again. Raises OSError."""
        if self._all:
            drop_note(self._places)
