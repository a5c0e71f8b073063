"""A whole pass: lock, link, pull, post job, and the word about how it went."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from appliance.config import Conf
from appliance.core.model import Node
from appliance.host.clock import Clock
from appliance.host.disk import locked
from appliance.sync import place
from appliance.sync.delivery import Progress
from appliance.sync.link import Peer
from appliance.sync.places import Places
from appliance.sync.postjob import run_postsync
from appliance.sync.problems import Kind, SyncProblem, problems_named
from appliance.sync.pull import Outcome, Pull, Request
from appliance.sync.rsync import Rsync, attributes_kept
from appliance.sync.ssh import Ssh
from appliance.sync.stages import Stages
from appliance.sync.state import read_state, write_state
from appliance.sync.store import Attempt, Store
from appliance.sync.telephony import Vet
from appliance.sync.trees import excluded

# What a killed pass has started ends within this many seconds, and lets the lock go with it.
LOCK_PATIENCE = 40.0
_LOCK_LOOK = 0.05


@dataclass(frozen=True, slots=True)
class Session:
    """One node's end of the synchronisation. `may`, `vet`: see `Pull`; `local_names` never travel in TELEPHONY."""

    conf: Conf
    node: Node
    clock: Clock
    may: Callable[[], None]
    vet: Vet
    local_names: frozenset[str]
    places: Places

    def pull(self, peer: Peer, request: Request, progress: Progress, *, patient: bool) -> Outcome:
        """One pass over the open link `peer`. Raises SyncProblem; how it went is in the state and the history.

        `patient`: wait for a pass under way instead of raising.
        """
        began = self.clock.now()
        with hold(self.places, self.clock, LOCK_PATIENCE if patient else 0.0) as lock:
            try:
                with problems_named(), contextlib.closing(Store(self.places.store)) as store:
                    outcome = self._pass(peer, store, Stages(self.conf, self.places), lock, progress).run(
                        request
                    )
                    if not request.dry_run:
                        self._went_well(store, outcome, began)
            except SyncProblem as problem:
                self._failed(problem, began)
                raise
        return outcome

    def rsync(self, ssh: Ssh, lock: int) -> Rsync:
        """rsync as this node runs it."""
        program = self.conf.rsync
        if not program.exists():
            raise SyncProblem(Kind.NO_RSYNC, f"rsync is not at {program} (RSYNC).")
        return Rsync(program, ssh, excluded(self.conf, self.local_names), attributes_kept(program), lock)

    def link_failed(self, problem: SyncProblem) -> None:
        """The peer could not be reached at all: said in the state and the history."""
        self._failed(problem, self.clock.now())

    def _pass(self, peer: Peer, store: Store, stages: Stages, lock: int, progress: Progress) -> Pull:
        return Pull(
            conf=self.conf,
            store=store,
            clock=self.clock,
            peer=peer,
            rsync=self.rsync(peer.ssh, lock),
            may=self.may,
            vet=self.vet,
            stages=stages,
            progress=progress,
        )

    def _failed(self, problem: SyncProblem, began: float) -> None:
        state = read_state(self.places.state)
        state.kind, state.problem, state.phase = problem.kind.value, str(problem), ""
        with contextlib.suppress(OSError):  # a full disk cannot be told of on itself
            write_state(self.places.state, state)
        with (
            contextlib.suppress(OSError, sqlite3.Error),  # nor a damaged record in itself
            contextlib.closing(Store(self.places.store)) as store,
        ):
            # After a cut link what has come need not come again; after anything else it is not wanted.
            if problem.kind is not Kind.INTERRUPTED and not store.pending():
                Stages(self.conf, self.places).clean()
            self._remember(store, began, problem.kind.value, str(problem), 0)

    def _went_well(self, store: Store, outcome: Outcome, began: float) -> None:
        state = read_state(self.places.state)
        state.kind = state.problem = state.phase = state.unsettled = ""
        state.verified_at = self.clock.wall()
        state.warnings, state.left, state.skew = outcome.warnings, outcome.left, round(outcome.skew, 1)
        newest = store.newest()
        state.generation = newest.number if newest is not None else 0
        if outcome.generation or state.postsync:
            state.postsync = run_postsync(self.conf, self.places)
        write_state(self.places.state, state)
        says = "; ".join([_counts(outcome), *outcome.warnings])
        self._remember(store, began, "same" if outcome.same else "changed", says, outcome.generation)

    def _remember(self, store: Store, began: float, outcome: str, says: str, generation: int) -> None:
        seconds = round(self.clock.now() - began, 3)
        store.note(Attempt(self.clock.wall(), seconds, outcome, says, generation))


def _counts(outcome: Outcome) -> str:
    if outcome.same:
        return "nothing differs"
    left = f", {outcome.left} still being written" if outcome.left else ""
    return f"{len(outcome.changed)} changed, {len(outcome.removed)} removed{left}"


@contextlib.contextmanager
def hold(places: Places, clock: Clock, patience: float) -> Iterator[int]:
    """The lock on this node's data, waited for up to `patience` seconds. Raises SyncProblem when another has it."""
    give_up = clock.now() + patience
    while True:
        with locked(places.lock) as lock:
            if lock is not None:
                yield lock
                return
        if clock.now() >= give_up:
            raise SyncProblem(Kind.BUSY, "Another synchronisation is under way on this node.")
        clock.sleep(_LOCK_LOOK)


def settle(conf: Conf, places: Places, clock: Clock, patience: float) -> None:
    """Put in place what a killed pass had decided; nothing to do is no trouble. Raises SyncProblem."""
    with problems_named(), hold(places, clock, patience), contextlib.closing(Store(places.store)) as store:
        place.finish(store, Stages(conf, places))
