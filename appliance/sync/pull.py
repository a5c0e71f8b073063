"""One pass: what differs at the peer is fetched, verified and put in place, all of it or nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.config import Conf
from appliance.core.sickness import TreeSigns, refusal
from appliance.host import disk
from appliance.host.clock import Clock
from appliance.sync import place
from appliance.sync.databases import check
from appliance.sync.entry import Entry, look
from appliance.sync.link import Peer
from appliance.sync.places import Places
from appliance.sync.problems import Kind, SyncProblem
from appliance.sync.rsync import Rsync
from appliance.sync.store import Generation, Step, Store
from appliance.sync.telephony import Vet, refused
from appliance.sync.trees import Care, databases, tree_of, trees

Progress = Callable[[str, int, int], None]
# A file that is being written is asked for this often before it is left to the next pass.
_ROUNDS = 3
# Clocks of the two nodes further apart than this are a problem of their own, in seconds.
_SKEW = 60.0
_TELL_EVERY = 64


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
        places: Places,
        store: Store,
        clock: Clock,
        peer: Peer,
        rsync: Rsync,
        may: Callable[[], None],
        vet: Vet,
        tops: Sequence[Path],
        progress: Progress,
    ) -> None:
        self._conf = conf
        self._places = places
        self._store = store
        self._clock = clock
        self._peer = peer
        self._rsync = rsync
        self._may = may
        self._vet = vet
        self._tops = tops
        self._progress = progress
        self._trees = trees(conf)
        self._stages: dict[Path, Path] = {}
        self._directories_gone: set[bytes] = set()
        self._outcome = Outcome()

    def run(self, request: Request) -> Outcome:
        """Do it. Raises SyncProblem, and then nothing here has changed."""
        self._may()
        place.finish(self._store, self._places, self._tops)
        ready = self._prepare(request)
        fresh = self._fresh_databases(ready)
        if self._is_first() and not request.dry_run:
            self._bring_everything(ready)
        elif request.scope != ():  # an empty scope: only a database has changed
            self._compare(request, ready)
        if not request.dry_run:
            self._bring(self._outcome.changed, fresh)
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

    # -- fetching and verifying -------------------------------------------------------------------------------

    def _bring_everything(self, ready: dict[str, Any]) -> None:
        """Whole directories, without comparing first; what a cut link has left on the stages is not fetched again."""
        loads: dict[Path, list[str]] = {}
        for top in self._all(ready):
            loads.setdefault(self._stage(os.fsencode(top)), []).append(top)
        on_item = self._counting(0)
        for stage, tops in loads.items():
            self._rsync.fetch(tops, stage, on_item)
            for directory, _, names in os.walk(os.fsencode(stage)):
                found = [directory, *(directory + b"/" + name for name in names)]
                paths = [path.removeprefix(os.fsencode(stage)) for path in found]
                self._outcome.changed += [path for path in paths if tree_of(path, self._trees) is not None]

    def _bring(self, wanted: list[bytes], fresh: dict[str, str]) -> None:
        """Fetch what is not staged yet and let arrive what came whole; what was being written is asked for again."""
        names = list(fresh)
        for _ in range(_ROUNDS):
            missing = [path for path in wanted if not os.path.lexists(self._staged(path))]
            if missing or names:
                self._fetch(missing, names)
            wanted, names = self._verify(wanted), []
        self._outcome.left = len(wanted)
        self._store.arrive(self._checked(Path(path), digest) for path, digest in fresh.items())

    def _fetch(self, files: list[bytes], names: list[str]) -> None:
        """One run of rsync for each filesystem that things go to: one, as a rule."""
        loads: dict[Path, tuple[list[bytes], list[str]]] = {}
        for path in files:
            loads.setdefault(self._stage(path), ([], []))[0].append(path)
        for name in names:
            loads.setdefault(self._stage(os.fsencode(name)), ([], []))[1].append(name)
        on_item = self._counting(len(files))
        for stage, (some, databases_there) in loads.items():
            self._rsync.fetch(self._peer.file_list(some, databases_there), stage, on_item)

    def _counting(self, total: int) -> Callable[[], None]:
        done = 0

        def on_item() -> None:
            nonlocal done
            done += 1
            if done % _TELL_EVERY == 0:
                self._progress("fetching", done, total)

        return on_item

    def _verify(self, files: list[bytes]) -> list[bytes]:
        """Let arrive what is on the stage as the peer has it; return what is not."""
        again, done = [], 0
        for page in self._peer.manifest(files):
            whole = []
            for there in page:
                if not there.kind or there.kind == "o":
                    continue  # gone meanwhile: the next pass sees that
                if there.zeros:
                    name = os.fsdecode(there.path)
                    raise SyncProblem(
                        Kind.SICK_SOURCE, f"Nothing is copied: {name} holds nothing but NUL bytes there."
                    )
                staged = look(there.path, self._staged(there.path))
                if not staged.kind:
                    staged = look(there.path)  # rsync has not sent what is here already
                if staged.same_as == there.same_as:
                    whole.append(there)
                else:
                    again.append(there.path)
                    self._discard(there.path)
            self._store.arrive(whole)
            done += len(page)
            self._progress("verifying", done, len(files))
        return again

    def _discard(self, path: bytes) -> None:
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            os.unlink(self._staged(path))

    def _checked(self, database: Path, digest: str) -> Entry:
        path = os.fsencode(database)
        entry = look(path, self._staged(path))
        if entry.digest != digest:
            raise SyncProblem(Kind.CHANGED, f"{database} arrived otherwise than it was sent.")
        check(Path(os.fsdecode(self._staged(path))), database)
        return entry

    def _check_telephony(self) -> None:
        """DAHDI configuration that does not fit this node is left out; everything else goes on."""
        for tree in self._trees:
            if tree.care is not Care.TELEPHONY:
                continue
            outcome = self._outcome
            removed = [path for path in outcome.removed if tree.holds(path)]
            arrived = {path: self._staged(path) for path in self._store.arrived_below(os.fsencode(tree.path))}
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
        if not outcome.changed and not outcome.removed and not fresh:
            self._store.agree()
            place.clean(self._places, self._tops)
            return
        self._progress("putting in place", 0, 0)
        for top in place.filesystems((self._places.lasting, *self._tops)):
            disk.flush(top)
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
        place.finish(self._store, self._places, self._tops)

    def _steps(self, fresh: set[str]) -> Iterator[Step]:
        """Removing first, then directories from the top down, then what goes in them."""
        for path in self._outcome.removed:
            directory = path in self._directories_gone
            yield Step(place.REMOVE_DIRECTORY if directory else place.REMOVE, path)
        for entry in self._store.arrived(directories=True):
            yield Step(place.MAKE_DIRECTORY, entry.path, os.fsencode(self._stage(entry.path)))
        for entry in self._store.arrived(directories=False):
            if os.path.lexists(self._staged(entry.path)):
                database = os.fsdecode(entry.path) in fresh
                yield Step(
                    place.MOVE_DATABASE if database else place.MOVE,
                    entry.path,
                    os.fsencode(self._stage(entry.path)),
                )

    def _stage(self, path: bytes) -> Path:
        tree = tree_of(path, self._trees)
        top = tree.path if tree is not None else Path(os.fsdecode(path)).parent
        if top not in self._stages:
            self._stages[top] = place.stage_for(top, self._places)
        return self._stages[top]

    def _staged(self, path: bytes) -> bytes:
        return os.fsencode(self._stage(path)) + path


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
