"""A pass of the standby: what differs at the peer is fetched, verified and put in place as one generation."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from appliance.core.text import printable
from appliance.sync import apply
from appliance.sync.fetch import Fetcher
from appliance.sync.mailboxes import stem_of
from appliance.sync.overwrite_rules import Spare
from appliance.sync.peer_diff import Differences, PeerDiff, Ready, lies_in, skew_warnings, widened
from appliance.sync.state import read_state
from appliance.sync.store import Generation, PlaceStep
from appliance.sync.sync_pass import PassContext, PassResult, Request
from appliance.sync.telephony import refused
from appliance.sync.trees import TreeEntry, companions, covers, telephony, trees


class Pull:
    """A pass that makes the data of this node equal to the peer's."""

    def __init__(self, context: PassContext) -> None:
        self._store = context.store
        self._peer = context.peer
        self._may = context.may
        self._vet = context.vet
        self._stages = context.stages
        self._clock = context.clock
        self._progress = context.progress
        self._survey = PeerDiff(context)
        self._delivery = Fetcher(context)
        self._below = context.stages.below
        self._spare = Spare(context)
        self._trees = trees(context.conf)
        self._telephony = telephony(context.conf)
        self._places = context.places
        self._mail = os.fsencode(context.conf.voicemail)
        self._directories: set[bytes] = set()
        self._outcome = PassResult()

    def run(self, request: Request) -> PassResult:
        """Make the pass and return its outcome.

        Raises SyncProblem before this pass changes anything here. OSError and sqlite3.Error, which
        `Session.run` turns into SyncProblem, may also be raised while the decided generation is being put in
        place; the next pass finishes it.
        """
        self._may()
        apply.finish(self._store, self._stages)
        self._stages.drop_links()
        request, outcome = widened(request, self._below), self._outcome
        empty = self._empty_trees() if self._is_first(request) else set()
        ready = self._survey.prepare(request, sorted(empty))
        outcome.skew, outcome.warnings = ready.skew, skew_warnings(ready.skew)
        outcome.held += ready.held
        fresh = self._fresh_databases(ready)
        found = self._survey.compare(request, ready, lambda path: True, leaving=empty)
        outcome.hold(found.unread)
        there = [directory for directory in ready.directories if directory in empty]
        new, unverified = self._delivery.fetch_everything(there, ready.traits)
        outcome.changed = found.changed + new
        outcome.removed, self._directories = found.gone, found.directories
        outcome.warnings += found.warnings()
        if not request.dry_run:
            if self._is_first(request):
                self._store.stage(self._links_of_both(found, empty))
            wanted = self._likely(found.changed) + unverified
            outcome.left = self._delivery.bring(wanted, fresh, found.links)
            self._hold_back(fresh)
            self._check_telephony(request)
            self._decide(request, fresh)
            if request.scope is None and not outcome.left and not outcome.held:
                self._spare.all_is_fetched()
        return outcome

    def _links_of_both(self, found: Differences, empty: Collection[str]) -> Iterator[TreeEntry]:
        """Yield links that were the same on both nodes before the first pass.

        They count as sent by the peer too.
        """
        differing = {*found.changed, *found.gone}
        for tree in self._trees:
            if str(tree.path) not in empty and tree.path.is_dir():
                for path in self._below.links(os.fsencode(tree.path)):
                    if path not in differing:
                        yield self._below.look(path)

    def _likely(self, changed: list[bytes]) -> list[bytes]:
        """Return `changed` without files that were held back before and still are.

        Such files would be fetched only to be thrown away again.
        """
        held = {one.path for one in read_state(self._places.state).held}
        suspects = [path for path in changed if printable(path) in held] if held else []
        still = self._delivery.in_trouble(suspects)
        return [path for path in changed if path not in still]

    def _hold_back(self, fresh: dict[str, str]) -> None:
        """Neither put in place nor remove what did not arrive because something is wrong with it.

        A voicemail message is held back with all its files; otherwise a recording would get the name of
        another caller.
        """
        troubled, outcome = self._delivery.troubled, self._outcome
        outcome.hold(troubled)
        stems = {stem for path in troubled if (stem := stem_of(path, self._mail))}
        parted = [
            path
            for directory in {os.path.dirname(stem) for stem in stems}
            for path in self._store.arrived_below(directory)
            if stem_of(path, self._mail) in stems
        ]
        self._store.unstage_files(parted)
        for path in parted:
            self._stages.discard(path)
        held = {*troubled, *parted}
        outcome.changed = [path for path in outcome.changed if path not in held]
        outcome.removed = [path for path in outcome.removed if stem_of(path, self._mail) not in stems]
        for path in troubled:
            fresh.pop(os.fsdecode(path), None)

    def _is_first(self, request: Request) -> bool:
        """Return whether nothing was ever synchronised to this node."""
        return request.scope is None and not request.dry_run and self._store.newest() is None

    def _empty_trees(self) -> set[str]:
        """Return the trees of which nothing is here, so that nothing has to be compared."""
        return {str(tree.path) for tree in self._trees if not _has_entries(tree.path)}

    def _fresh_databases(self, ready: Ready) -> dict[str, str]:
        """Return the databases that differ from ours, path to digest."""
        fresh = {}
        for path, digest in ready.databases.items():
            known = self._store.entry(os.fsencode(path))
            if known is None or known.digest != digest or not self._spare.is_untouched(known):
                fresh[path] = digest
        return fresh

    def _check_telephony(self, request: Request) -> None:
        """Leave out DAHDI configuration that does not fit this node; everything else goes on."""
        tree, outcome = self._telephony, self._outcome
        if tree is None:
            outcome.telephony = ""
            return
        under = os.fsencode(tree.path)
        removed = [path for path in outcome.removed if tree.holds(path)]
        arrived = {path: self._stages.staged(path) for path in self._store.arrived_below(under)}
        why = refused(self._below, tree.path, arrived, removed, self._vet) if removed or arrived else ""
        if why:
            self._store.unstage(under)
            outcome.removed = [path for path in outcome.removed if not tree.holds(path)]
            outcome.changed = [path for path in outcome.changed if not tree.holds(path)]
            outcome.telephony = why
        elif covers(request.scope, tree):
            outcome.telephony = ""

    # -- deciding and putting in place ----------------------------------------------------------------------

    def _decide(self, request: Request, fresh: dict[str, str]) -> None:
        outcome = self._outcome
        count, size = self._store.arrivals()
        if not count and not outcome.removed:
            self._stages.clean()
            return
        self._progress("putting in place", 0, 0)
        self._stages.flush()
        self._may()
        self._survey.still_healthy()
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
        steps = list(self._steps(set(fresh)))  # `decide` changes what is known
        outcome.generation = self._store.decide(generation, steps, outcome.removed)
        placed = apply.finish(self._store, self._stages)
        outcome.warnings += placed.told()
        outcome.hold(placed.refused, apply.TODO)

    def _steps(self, fresh: set[str]) -> Iterator[PlaceStep]:
        """Yield the steps: removals first, then directories from the top down, then their files."""
        for path in self._outcome.removed:
            if path in self._directories:
                yield PlaceStep(apply.REMOVE_DIRECTORY, path)
            else:
                yield PlaceStep(apply.REMOVE if self._spare.is_spare(path) else apply.SET_ASIDE, path)
        yield from self._room(fresh)
        new = self._new_directories()  # their content comes with them
        for entry in self._store.arrived(directories=True, outside=new):
            verb = apply.MOVE if entry.path in new else apply.MAKE_DIRECTORY
            yield PlaceStep(verb, entry.path, os.fsencode(self._stages.of(entry.path)))
        for entry in self._store.arrived(directories=False, outside=new):
            if self._stages.waits(entry.path):  # otherwise the file is in place already
                verb = apply.MOVE_DATABASE if os.fsdecode(entry.path) in fresh else apply.MOVE
                yield PlaceStep(verb, entry.path, os.fsencode(self._stages.of(entry.path)))

    def _room(self, fresh: set[str]) -> Iterator[PlaceStep]:
        """Yield the steps that make room.

        Moved away are things of another kind where a directory comes, and files that exist nowhere else.
        """
        for entry in self._store.arrived(directories=True):
            if self._below.look(entry.path).kind not in ("", "d"):
                yield PlaceStep(
                    apply.REMOVE if self._spare.is_spare(entry.path) else apply.SET_ASIDE, entry.path
                )
        for entry in self._store.arrived(directories=False):
            if self._stages.waits(entry.path) and not self._spare.is_spare(entry.path, entry):
                yield PlaceStep(apply.SET_ASIDE, entry.path)
                if os.fsdecode(entry.path) in fresh:
                    beside = companions(Path(os.fsdecode(entry.path)))
                    yield from (PlaceStep(apply.SET_ASIDE, os.fsencode(path)) for path in beside)

    def _new_directories(self) -> set[bytes]:
        """Return the directories that are not here and whose whole content is staged.

        For such a directory a single rename is enough.
        """
        found: set[bytes] = set()
        for entry in self._store.arrived(directories=True):
            if lies_in(found, entry.path) or self._below.look(entry.path).kind == "d":
                continue
            if self._stages.count(entry.path) == self._store.count_arrived(entry.path):
                found.add(entry.path)
        return found


def _has_entries(directory: Path) -> bool:
    try:
        return next(os.scandir(directory), None) is not None
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return True  # OTHERn may name a file
