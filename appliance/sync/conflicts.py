"""Files changed on both nodes: ours is in place and the peer's is kept aside until the operator chooses.

Resolving a conflict may be killed at any moment and done again. Before the last copy of a version leaves its
place, its other copy, file and name, is on the disk, so a copy of either version exists at any moment. Taking
the peer's version goes in this order:

1. Our version is copied beside the peer's, in quarantine, under a name that nothing has.
2. The peer's version is copied beside ours, under a working name that is never synchronised, and renamed over
   ours.
3. The conflict is deleted from the list.
4. The peer's copy in quarantine is removed.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from appliance.config import Conf
from appliance.core.errors import SyncError
from appliance.core.text import printable
from appliance.host.clock import Clock
from appliance.host.paths import SyncPaths
from appliance.sync.data_lock import LOCK_PATIENCE, hold
from appliance.sync.databases import NotCopied, check, copy_whole, overwrite
from appliance.sync.errors import Fault, problems_named
from appliance.sync.file_moves import is_leaving, put_copy, remove, set_aside, settle_name
from appliance.sync.open_directories import Below
from appliance.sync.stages import Stages
from appliance.sync.state import read_state, write_state
from appliance.sync.store import Conflict, Store
from appliance.sync.telephony import Vet, refused
from appliance.sync.trees import databases, telephony


class Conflicts:
    """The open conflicts of this node.

    `vet`: see `PassContext`. Every method raises SyncError.
    """

    def __init__(self, conf: Conf, places: SyncPaths, clock: Clock, vet: Vet) -> None:
        self._conf = conf
        self._places = places
        self._clock = clock
        self._vet = vet

    def open(self) -> list[Conflict]:
        """Return the conflicts that nobody has resolved yet."""
        if not self._places.store.exists():
            return []
        with problems_named(), contextlib.closing(Store(self._places.store)) as store:
            return store.conflicts()

    def keep_ours(self, path: bytes) -> None:
        """Resolve the conflict of `path` with our version; the peer's is removed."""
        self._settle(path, _make_sure)

    def take_theirs(self, path: bytes) -> Path:
        """Resolve the conflict of `path` with the peer's version.

        Returns where our version is kept from now on, in case the operator wants it back.
        """
        kept: list[bytes] = []
        self._settle(path, lambda conflict, below: kept.append(self._swap(conflict, below)))
        return Path(os.fsdecode(kept[0]))

    def _swap(self, conflict: Conflict, below: Below) -> bytes:
        swap = Swap(conflict, below, self._clock)
        self._refuse_unfit(conflict, below)
        if Path(os.fsdecode(conflict.path)) in databases(self._conf):
            check(Path(os.fsdecode(conflict.kept)), Path(os.fsdecode(conflict.path)))
            return swap.database()
        return swap.file()

    def _refuse_unfit(self, conflict: Conflict, below: Below) -> None:
        tree = telephony(self._conf)
        if tree is not None and tree.holds(conflict.path):
            why = refused(below, tree.path, {conflict.path: conflict.kept}, (), self._vet)
            if why:
                raise SyncError(why)

    def _one(self, path: bytes) -> Conflict:
        found = next((conflict for conflict in self.open() if conflict.path == path), None)
        if found is None:
            raise SyncError(f"{printable(path)} waits for no choice: 'asha conflicts' shows what does.")
        return found

    def _settle(self, path: bytes, action: Callable[[Conflict, Below], None]) -> None:
        conflict = self._one(path)
        with (
            hold(self._places, self._clock, LOCK_PATIENCE),
            problems_named(),
            contextlib.closing(Store(self._places.store)) as store,
        ):
            below = Stages(self._conf, self._places, store.sent_as_link).below
            action(conflict, below)
            store.resolve_conflict(path)
            if below.stat(conflict.kept) is not None:
                remove(below.at(conflict.kept))
            state = read_state(self._places.state)
            state.conflicts = len(store.conflicts())
            write_state(self._places.state, state)


class Swap:
    """The replacement of our version of one conflict by the peer's.

    Our version goes beside the place where the peer's was kept. Methods raise OSError, SyncError.
    """

    def __init__(self, conflict: Conflict, below: Below, clock: Clock) -> None:
        self._clock = clock
        self._path = conflict.path
        self._kept = conflict.kept
        self._below = below
        self._theirs = below.look(conflict.path, conflict.kept)
        if not self._theirs.kind:
            raise SyncError(
                f"{printable(conflict.kept)} is not there any more, so the other node's version cannot be taken."
                f" 'asha conflicts keep {printable(conflict.path)}' ends this choice."
            )

    def file(self) -> bytes:
        """Swap anything but a database in use, and return where our version is kept now."""
        ours = self._below.look(self._path)
        spot = self._below.at(self._path, make=True)
        if ours.same_as == self._theirs.same_as:  # a kill came after the peer's version was put in place
            return self._last()
        if not ours.kind and not is_leaving(spot):  # our version is kept already, or never existed
            place = self._last()
        elif (ours.kind == "d" and not self._below.is_passage(self._path)) or is_leaving(spot):
            place = self._free()
            set_aside(spot, self._below.at(place))
            self._below.forget_open()
        else:
            place = self._free(ours.same_as)
            if self._below.stat(place) is None:
                put_copy(spot, self._below.at(place))
        put_copy(self._below.at(self._kept), self._below.at(self._path))
        return place

    def database(self) -> bytes:
        """Swap a database without disturbing programs that have it open.

        Returns where our version is kept now.
        """
        database, fresh = Path(os.fsdecode(self._path)), self._kept + b".new"
        remove(self._below.at(fresh))
        place = self._last()
        if self._below.stat(self._path) is not None:
            self._copy_database(database, fresh)
            ours = self._below.look(self._path, fresh)
            place = self._free(ours.same_as)
            os.rename(fresh, place)
            settle_name(self._below.at(place))
            overwrite(database, Path(os.fsdecode(self._kept)), self._clock)
        else:
            put_copy(self._below.at(self._kept), self._below.at(self._path, make=True))
        return place

    def _copy_database(self, database: Path, fresh: bytes) -> None:
        try:
            copy_whole(database, Path(os.fsdecode(fresh)), self._clock)
        except NotCopied as problem:
            if problem.kind is Fault.LOCKED_DATABASE:
                raise
            # SQLite cannot copy a damaged database, so it is kept byte by byte.
            put_copy(self._below.at(self._path), self._below.at(fresh))

    def _free(self, same_as: tuple[str, str] | None = None) -> bytes:
        """Return the first name in quarantine that is free, or that already holds `same_as`."""
        return next(
            name
            for name in self._names()
            if (there := self._below.look(self._path, name)).kind == "" or there.same_as == same_as
        )

    def _last(self) -> bytes:
        """Return the place where a version of ours was kept last."""
        found = self._kept + b".ours"
        for name in self._names():
            if self._below.stat(name) is None:
                return found
            found = name
        return found

    def _names(self) -> Iterator[bytes]:
        yield self._kept + b".ours"
        for number in itertools.count(2):
            yield self._kept + f".ours.{number}".encode()


def _make_sure(conflict: Conflict, below: Below) -> None:
    """Write our version to the disk, since it becomes the only one once the peer's is removed."""
    spot = below.at(conflict.path)
    if spot.stat() is not None:
        settle_name(spot)
