"""A whole pass: taking the lock, pulling or merging over the link, the post job, and recording the result."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from appliance.config import Conf
from appliance.core.data_policy import NEWER
from appliance.core.held_back import MOST, carried_on
from appliance.core.model import Node
from appliance.core.text import printable
from appliance.host.clock import Clock
from appliance.host.paths import SyncPaths
from appliance.sync import apply
from appliance.sync.data_lock import LOCK_PATIENCE, hold
from appliance.sync.errors import Fault, SyncProblem, problems_named
from appliance.sync.merge import Merge
from appliance.sync.newer_data_mark import read_mark
from appliance.sync.peer_link import PeerLink
from appliance.sync.post_job import run_postsync
from appliance.sync.pull import Pull
from appliance.sync.rsync import Rsync, attributes_kept, in_blocks, powerless, times_compared
from appliance.sync.ssh import Ssh
from appliance.sync.stages import Stages
from appliance.sync.state import State, read_state, write_state
from appliance.sync.store import Attempt, Store, is_damage, set_record_aside
from appliance.sync.sync_pass import PassContext, PassResult, Progress, Request
from appliance.sync.telephony import Vet
from appliance.sync.trees import databases, excluded, trees


@dataclass(frozen=True, slots=True)
class SyncSession:
    """One node's end of the synchronisation.

    `may`, `vet`: see `PassContext`. `local_names`: names in TELEPHONY's directory that are never synchronised.
    `live`: Asterisk serves here, so a merge continues while it does.
    """

    conf: Conf
    node: Node
    clock: Clock
    may: Callable[[], None]
    vet: Vet
    local_names: frozenset[str]
    places: SyncPaths
    live: bool = False

    def run(self, peer: PeerLink, request: Request, progress: Progress, *, patient: bool) -> PassResult:
        """Make one pass over the open link `peer`: the secondary's pulls, the primary's merges.

        `patient`: wait up to `LOCK_PATIENCE` seconds for a pass under way instead of raising at once. The
        result is recorded in the state and the history. Raises SyncProblem.
        """
        began = self.clock.now()
        with hold(self.places, self.clock, LOCK_PATIENCE if patient else 0.0) as lock:
            try:
                with problems_named(), contextlib.closing(Store(self.places.store)) as store:
                    outcome = self._pass(self._context(peer, store, lock, progress)).run(request)
                    if not request.dry_run:
                        self._went_well(store, request, outcome, began)
            except SyncProblem as problem:
                self._failed(problem, began)
                raise
        return outcome

    def rsync(self, ssh: Ssh, lock: int) -> Rsync:
        """Return rsync as this node runs it. Raises SyncProblem when it is not installed."""
        program = self.conf.rsync
        if not program.exists():
            raise SyncProblem(Fault.NO_RSYNC, f"rsync is not at {program} (RSYNC).")
        special = self.conf.sync_special_bits
        return Rsync(
            program=program,
            ssh=ssh,
            excludes=excluded(self.conf, self.local_names),
            attributes=attributes_kept(program, special=special),
            lock=lock,
            words=(
                *times_compared(program, (tree.path for tree in trees(self.conf))),
                *in_blocks(program),
                *(() if special else powerless(program)),
            ),
        )

    def link_failed(self, problem: SyncProblem) -> None:
        """Record in the state and the history that the peer could not be reached."""
        self._failed(problem, self.clock.now())

    def _pass(self, context: PassContext) -> Pull | Merge:
        return Merge(context, live=self.live) if self.node is Node.PRIMARY else Pull(context)

    def _context(self, peer: PeerLink, store: Store, lock: int, progress: Progress) -> PassContext:
        return PassContext(
            conf=self.conf,
            store=store,
            clock=self.clock,
            peer=peer,
            rsync=self.rsync(peer.ssh, lock),
            may=self._allow,
            vet=self.vet,
            stages=Stages(self.conf, self.places, store.sent_as_link),
            places=self.places,
            progress=progress,
        )

    def _allow(self) -> None:
        """Raise SyncProblem when the data here must not be touched; see `PassContext.may`.

        The secondary's mark is read here as well, whatever the caller knows of it: reading it again is cheap.
        """
        if self.node is Node.SECONDARY and read_mark(self.places):
            raise SyncProblem(Fault.NOT_ALLOWED, f"Not now: {NEWER}.")
        self.may()

    def _failed(self, problem: SyncProblem, began: float) -> None:
        state = read_state(self.places.state)
        state.kind, state.problem, state.phase = problem.kind.value, str(problem), ""
        with contextlib.suppress(OSError):  # on a full disk the problem cannot be recorded
            write_state(self.places.state, state)
        if problem.kind is Fault.DAMAGED_RECORD:
            set_record_aside(self.places.store)
        with (
            contextlib.suppress(OSError, sqlite3.Error),  # a damaged record cannot note it
            contextlib.closing(Store(self.places.store)) as store,
        ):
            # After a cut link the staged files are kept, so that they need not come again; after any other
            # problem they are not wanted.
            if problem.kind is not Fault.INTERRUPTED and not store.pending():
                Stages(self.conf, self.places).clean()
            self._remember(store, began, problem.kind.value, str(problem), 0)

    def _went_well(self, store: Store, request: Request, outcome: PassResult, began: float) -> None:
        state = read_state(self.places.state)
        state.kind = state.problem = state.phase = state.unsettled = ""
        state.verified_at = self.clock.wall()
        state.warnings, state.left, state.skew = outcome.warnings, outcome.left, round(outcome.skew, 1)
        if outcome.telephony is not None:  # None: the pass did not look
            state.telephony = outcome.telephony
        state.merged += outcome.messages
        newest = store.newest()
        self._note_held(state, request, outcome)
        state.generation = newest.number if newest is not None else 0
        state.conflicts = len(store.conflicts())
        if outcome.generation or state.postsync:
            state.postsync = run_postsync(self.conf, self.places)
        write_state(self.places.state, state)
        says = "; ".join(filter(None, (_counts(outcome), *outcome.warnings, outcome.telephony)))
        self._remember(store, began, "same" if outcome.same else "changed", says, outcome.generation)

    def _note_held(self, state: State, request: Request, outcome: PassResult) -> None:
        """Record what is held back after a pass.

        A pass over a part of the data says nothing about items that are held back elsewhere. Every pass looks
        at all databases.
        """
        seen = {printable(os.fsencode(path)) for path in databases(self.conf)}
        scope = [printable(path) for path in request.scope or ()]

        def looked_at(path: str) -> bool:
            below = any(path == top or path.startswith(f"{top}/") for top in scope)
            return request.scope is None or path in seen or below

        held = carried_on(state.held, outcome.held, looked_at, self.clock.wall())
        more = state.held_more if request.scope is not None else 0
        state.held, state.held_more = held[:MOST], max(more, len(held) - MOST)

    def _remember(self, store: Store, began: float, outcome: str, says: str, generation: int) -> None:
        seconds = round(self.clock.now() - began, 3)
        store.note(Attempt(self.clock.wall(), seconds, outcome, says, generation))


def _counts(outcome: PassResult) -> str:
    if outcome.same and not outcome.left and not outcome.held:
        return "nothing differs"
    counts = [f"{len(outcome.changed)} changed, {len(outcome.removed)} removed"]
    counts += [f"{outcome.messages} messages came"] if outcome.messages else []
    counts += [f"{len(outcome.conflicts)} in conflict"] if outcome.conflicts else []
    counts += [f"{len(outcome.held)} held back"] if outcome.held else []
    counts += [f"{outcome.left} still being written"] if outcome.left else []
    return ", ".join(counts)


def settle(conf: Conf, places: SyncPaths, clock: Clock, patience: float) -> None:
    """Put in place what a killed pass had decided; do nothing when there is nothing.

    `patience`: see `hold`. A damaged record is set aside, so that the next settling and the next pass start
    without one. Raises SyncProblem.
    """
    with problems_named(), hold(places, clock, patience):
        try:
            with contextlib.closing(Store(places.store)) as store:
                apply.finish(store, Stages(conf, places, store.sent_as_link))
        except sqlite3.Error as problem:
            if is_damage(problem):
                set_record_aside(places.store)
            raise
