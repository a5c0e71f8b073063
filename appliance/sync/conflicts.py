"""What both nodes have changed: ours is in place, the peer's kept aside, until somebody chooses."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from appliance.config import Conf
from appliance.core.errors import SyncError
from appliance.core.words import printable
from appliance.host.clock import Clock
from appliance.sync.databases import check, overwrite
from appliance.sync.places import Places
from appliance.sync.problems import problems_named
from appliance.sync.session import LOCK_PATIENCE, hold
from appliance.sync.state import read_state, write_state
from appliance.sync.store import Conflict, Store
from appliance.sync.telephony import Vet, refused
from appliance.sync.trees import databases, telephony


class Conflicts:
    """The open choices of this node. Every method raises SyncError. `vet`: see `Means`."""

    def __init__(self, conf: Conf, places: Places, clock: Clock, vet: Vet) -> None:
        self._conf = conf
        self._places = places
        self._clock = clock
        self._vet = vet

    def open(self) -> list[Conflict]:
        """Those that nobody has decided yet."""
        if not self._places.store.exists():
            return []
        with problems_named(), contextlib.closing(Store(self._places.store)) as store:
            return store.conflicts()

    def keep_ours(self, path: bytes) -> None:
        """Ours stays; the peer's is removed."""
        self._settle(path, lambda conflict: None)

    def take_theirs(self, path: bytes) -> Path:
        """The peer's becomes ours. Returns where ours is kept now, in case of regret."""
        ours = Path(os.fsdecode(self._one(path).kept) + ".ours")
        self._settle(path, lambda conflict: self._swap(conflict, ours))
        return ours

    def _swap(self, conflict: Conflict, ours: Path) -> None:
        path, kept = Path(os.fsdecode(conflict.path)), Path(os.fsdecode(conflict.kept))
        is_database = path in databases(self._conf)
        if is_database:
            check(kept, path)
        self._refuse_unfit(conflict)
        if os.path.lexists(path):
            ours.unlink(missing_ok=True)
            shutil.copy2(path, ours, follow_symlinks=False)
        if is_database and path.exists():
            overwrite(path, kept, self._clock)
            return
        fresh = path.with_name(f".asha-{path.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        shutil.copy2(kept, fresh, follow_symlinks=False)
        seen = kept.lstat()
        os.chown(fresh, seen.st_uid, seen.st_gid, follow_symlinks=False)
        fresh.replace(path)

    def _refuse_unfit(self, conflict: Conflict) -> None:
        tree = telephony(self._conf)
        if tree is not None and tree.holds(conflict.path):
            why = refused(tree.path, {conflict.path: conflict.kept}, (), self._vet)
            if why:
                raise SyncError(why)

    def _one(self, path: bytes) -> Conflict:
        found = next((conflict for conflict in self.open() if conflict.path == path), None)
        if found is None:
            raise SyncError(f"{printable(path)} waits for no choice: 'asha conflicts' shows what does.")
        return found

    def _settle(self, path: bytes, deed: Callable[[Conflict], None]) -> None:
        conflict = self._one(path)
        with (
            hold(self._places, self._clock, LOCK_PATIENCE),
            problems_named(),
            contextlib.closing(Store(self._places.store)) as store,
        ):
            deed(conflict)
            store.settled(path)
            Path(os.fsdecode(conflict.kept)).unlink(missing_ok=True)
            state = read_state(self._places.state)
            state.conflicts = len(store.conflicts())
            write_state(self._places.state, state)
