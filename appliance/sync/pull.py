"""One pass: what differs at the peer is fetched, verified and put in place, all of it or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from appliance.config import Conf
from appliance.core.sickness import TreeSigns, refusal
from appliance.host.clock import Clock
from appliance.sync import place
from appliance.sync.delivery import Delivery, Progress
from appliance.sync.entry import Entry
from appliance.sync.link import Peer
from appliance.sync.problems import Kind, SyncProblem
from appliance.sync.rsync import Rsync
from appliance.sync.stages import Stages
from appliance.sync.store import Generation, Step, Store
from appliance.sync.telephony import Vet, refused
from appliance.sync.trees import Care, databases, tree_of, trees

# Clocks of the two nodes further apart than this are a problem of their own, in seconds.
_SKEW = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted of a pass. `scope`: only these directories; None: everything. `deep`: ACLs and the like too."""

    reason: str
    scope: tuple[str, ...] | None = None
    deep: bool = True
    accept_loss: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class Outcome:
    """What a pass found and did. `left`: files that were being written and wait for the next pass."""

    generation: int = 0
    changed: list[bytes] = field(default_factory=list)
    removed: list[bytes] = field(default_factory=list)
    left: int = 0
    skew: float = 0.0
    warnings: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Nothing differed."""
        return not self.changed and not self.removed


class Pull:
    """A pass from `peer`. The caller holds the sync lock for as long as it runs.

    `may`: raises when data may not be brought here (any more): Asterisk runs here, or this node serves.
    `vet`: raises SyncError when a directory of DAHDI configuration does not fit this node.
    """

    def __init__(
        self,
        *,
        conf: Conf,
        store: Store,
        clock: Clock,
        peer: Peer,
        rsync: Rsync,
        may: Callable[[], None],
        vet: Vet,
        stages: Stages,
        progress: Progress,
    ) -> None:
        self._conf = conf
        self._store = store
        self._clock = clock
        self._peer = peer
        self._rsync = rsync
        self._may = may
        self._vet = vet
        self._stages = stages
        self._delivery = Delivery(peer, rsync, store, stages, progress)
        self._progress = progress
        self._trees = trees(conf)
        self._directories_gone: set[bytes] = set()
        self._outcome = Outcome()

    def run(self, request: Request) -> Outcome:
        """Do it. Raises SyncProblem, and then nothing here has changed."""
        self._may()
        place.finish(self._store, self._stages)
        if not all(Path(path).parent.is_dir() for path in request.scope or ()):
            request = replace(request, scope=None)  # its parent has not come yet, with its owner and mode
        ready = self._prepare(request)
        fresh = self._fresh_databases(ready)
        if self._is_first() and not request.dry_run:
            self._outcome.changed = self._delivery.fetch_everything(self._all(ready))
        elif request.scope != ():  # an empty scope: only a database has changed
            self._compare(request, ready)
        if not request.dry_run:
            self._outcome.left = self._delivery.bring(self._outcome.changed, fresh)
            self._check_telephony()
            self._decide(request, fresh)
        return self._outcome

    def _is_first(self) -> bool:
        """Nothing was ever synchronised, and nothing is here."""
        return self._store.newest() is None and not any(_has_entries(tree.path) for tree in self._trees)

    # -- what differs ---------------------------------------------------------------------------------------

    def _prepare(self, request: Request) -> dict[str, Any]:
        self._progress("asking", 0, 0)
        ready = self._peer.ask("prepare", scope=request.scope)
        if ready["health"]:
            raise SyncProblem(
                Kind.SICK_SOURCE, f"Nothing is copied from {self._peer.ssh.host}: {ready['health']}."
            )
        self._outcome.skew = ready["time"] - self._clock.wall()
        if abs(self._outcome.skew) > _SKEW:
            self._outcome.warnings.append(str(SyncProblem(Kind.CLOCK_SKEW, _skew_text(self._outcome.skew))))
        self._refuse_if_sick(ready, {}, request.accept_loss)
        return ready

    def _compare(self, request: Request, ready: dict[str, Any]) -> None:
        self._progress("comparing", 0, 0)
        what = self._all(ready) if request.scope is None else Path(ready["list"])
        gone = dict.fromkeys((str(tree.path) for tree in self._trees), 0)
        for change in self._rsync.compare(what, deep=request.deep):
            tree = tree_of(change.path, self._trees)
            if tree is None:
                continue
            if not change.gone:
                self._outcome.changed.append(change.path)
                continue
            self._outcome.removed.append(change.path)
            if change.kind == "d":
                self._directories_gone.add(change.path)
            else:
                gone[str(tree.path)] += 1
        self._refuse_if_sick(ready, gone, request.accept_loss)

    @staticmethod
    def _all(ready: dict[str, Any]) -> list[str]:
        return [tree["path"] for tree in ready["trees"] if tree["there"]]

    def _refuse_if_sick(self, ready: dict[str, Any], gone: dict[str, int], accepted: bool) -> None:
        for tree in ready["trees"]:
            known = self._store.count(os.fsencode(tree["path"]))
            signs = TreeSigns(
                tree["key"], tree["path"], tree["there"], tree["empty"], known, gone.get(tree["path"], 0)
            )
            why = refusal(signs, self._conf.sync_max_loss)
            if why and not accepted:
                raise SyncProblem(Kind.SICK_SOURCE, f"Nothing is copied from {self._peer.ssh.host}: {why}.")
        there = {database["path"] for database in ready["databases"]}
        for path in databases(self._conf):
            if str(path) not in there and self._store.entry(os.fsencode(path)) is not None and not accepted:
                raise SyncProblem(
                    Kind.SICK_SOURCE, f"Nothing is copied from {self._peer.ssh.host}: {path} is missing."
                )

    def _fresh_databases(self, ready: dict[str, Any]) -> dict[str, str]:
        """Databases that differ from ours, with their digests."""
        fresh = {}
        for database in ready["databases"]:
            path = os.fsencode(database["path"])
            known = self._store.entry(path)
            if known is None or known.digest != database["digest"] or not _untouched(known):
                fresh[database["path"]] = database["digest"]
        return fresh

    def _check_telephony(self) -> None:
        """DAHDI configuration that does not fit this node is left out; everything else goes on."""
        for tree in self._trees:
            if tree.care is not Care.TELEPHONY:
                continue
            outcome = self._outcome
            removed = [path for path in outcome.removed if tree.holds(path)]
            arrived = {
                path: self._stages.staged(path) for path in self._store.arrived_below(os.fsencode(tree.path))
            }
            if not removed and not arrived:
                continue
            why = refused(tree.path, arrived, removed, self._vet)
            if why:
                self._store.send_back(os.fsencode(tree.path))
                outcome.removed = [path for path in outcome.removed if not tree.holds(path)]
                outcome.changed = [path for path in outcome.changed if not tree.holds(path)]
                outcome.warnings.append(str(SyncProblem(Kind.TELEPHONY, why)))

    # -- deciding and putting in place --------------------------------------------------------------------------

    def _decide(self, request: Request, fresh: dict[str, str]) -> None:
        outcome = self._outcome
        count, size = self._store.arrivals()
        if not count and not outcome.removed:
            self._stages.clean()
            return
        self._progress("putting in place", 0, 0)
        self._stages.flush()
        self._may()
        health = self._peer.ask("health")["health"]
        if health:
            raise SyncProblem(Kind.SICK_SOURCE, f"Nothing is copied from {self._peer.ssh.host}: {health}.")
        generation = Generation(
            number=0,
            made=self._clock.wall(),
            source=self._peer.ssh.host,
            reason=request.reason,
            changed=count,
            removed=len(outcome.removed),
            bytes=size,
            placed=False,
        )
        outcome.changed += [os.fsencode(path) for path in fresh]
        outcome.generation = self._store.decide(generation, self._steps(set(fresh)), outcome.removed)
        place.finish(self._store, self._stages)

    def _steps(self, fresh: set[str]) -> Iterator[Step]:
        """Removing first, then directories from the top down, then what goes in them."""
        for path in self._outcome.removed:
            directory = path in self._directories_gone
            yield Step(place.REMOVE_DIRECTORY if directory else place.REMOVE, path)
        for entry in self._store.arrived(directories=True):
            yield Step(place.MAKE_DIRECTORY, entry.path, os.fsencode(self._stages.of(entry.path)))
        for entry in self._store.arrived(directories=False):
            if os.path.lexists(self._stages.staged(entry.path)):  # else it is in place already
                verb = place.MOVE_DATABASE if os.fsdecode(entry.path) in fresh else place.MOVE
                yield Step(verb, entry.path, os.fsencode(self._stages.of(entry.path)))


def _has_entries(directory: Path) -> bool:
    try:
        return next(os.scandir(directory), None) is not None
    except FileNotFoundError:
        return False


def _untouched(known: Entry) -> bool:
    """The database is as it was put here: its size and time are those of the copy that came."""
    try:
        seen = os.stat(known.path)
    except FileNotFoundError:
        return False
    return (seen.st_size, seen.st_mtime_ns) == (known.size, known.mtime)


def _skew_text(skew: float) -> str:
    return f"The peer's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours."
