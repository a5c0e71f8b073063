"""One pass: what differs at the peer is fetched, verified and put in place, all of it or nothing."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from appliance.core.words import printable
from appliance.sync import place
from appliance.sync.delivery import Delivery
from appliance.sync.entry import Entry
from appliance.sync.mailboxes import stem_of
from appliance.sync.onepass import Means, Outcome, Request
from appliance.sync.spare import Spare
from appliance.sync.state import read_state
from appliance.sync.store import Generation, Step
from appliance.sync.survey import Differences, Ready, Survey, lies_in, skew_warnings, widened
from appliance.sync.telephony import refused
from appliance.sync.trees import companions, covers, telephony, trees


class Pull:
    """A pass that makes what is here equal to what the peer has."""

    def __init__(self, means: Means) -> None:
        self._store = means.store
        self._peer = means.peer
        self._may = means.may
        self._vet = means.vet
        self._stages = means.stages
        self._clock = means.clock
        self._progress = means.progress
        self._survey = Survey(means)
        self._delivery = Delivery(means)
        self._below = means.stages.below
        self._spare = Spare(means)
        self._trees = trees(means.conf)
        self._telephony = telephony(means.conf)
        self._places = means.places
        self._mail = os.fsencode(means.conf.voicemail)
        self._directories: set[bytes] = set()
        self._outcome = Outcome()

    def run(self, request: Request) -> Outcome:
        """Do it. Raises SyncProblem, and then nothing here has changed."""
        self._may()
        place.finish(self._store, self._stages)
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
                self._store.arrive(self._links_of_both(found, empty))
            wanted = self._likely(found.changed) + unverified
            outcome.left = self._delivery.bring(wanted, fresh, found.links)
            self._hold_back(fresh)
            self._check_telephony(request)
            self._decide(request, fresh)
            if request.scope is None and not outcome.left and not outcome.held:
                self._spare.all_is_fetched()
        return outcome

    def _links_of_both(self, found: Differences, empty: Collection[str]) -> Iterator[Entry]:
        """Links that were the same on both nodes before anything was synchronised: the peer has sent them as well."""
        differing = {*found.changed, *found.gone}
        for tree in self._trees:
            if str(tree.path) not in empty and tree.path.is_dir():
                for path in self._below.links(os.fsencode(tree.path)):
                    if path not in differing:
                        yield self._below.look(path)

    def _likely(self, changed: list[bytes]) -> list[bytes]:
        """`changed` without what was held back and still is: it need not come to be thrown away again."""
        held = {one.path for one in read_state(self._places.state).held}
        suspects = [path for path in changed if printable(path) in held] if held else []
        still = self._delivery.in_trouble(suspects)
        return [path for path in changed if path not in still]

    def _hold_back(self, fresh: dict[str, str]) -> None:
        """What did not arrive because something is wrong with it is neither put in place nor removed.

        A voicemail message is held back with all its files: a recording would get another caller's name.
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
        self._store.send_back_files(parted)
        for path in parted:
            self._stages.discard(path)
        held = {*troubled, *parted}
        outcome.changed = [path for path in outcome.changed if path not in held]
        outcome.removed = [path for path in outcome.removed if stem_of(path, self._mail) not in stems]
        for path in troubled:
            fresh.pop(os.fsdecode(path), None)

    def _is_first(self, request: Request) -> bool:
        """Nothing was ever synchronised."""
        return request.scope is None and not request.dry_run and self._store.newest() is None

    def _empty_trees(self) -> set[str]:
        """Those of which nothing is here: there is nothing to be compared."""
        return {str(tree.path) for tree in self._trees if not _has_entries(tree.path)}

    def _fresh_databases(self, ready: Ready) -> dict[str, str]:
        """Databases that differ from ours, with their digests."""
        fresh = {}
        for path, digest in ready.databases.items():
            known = self._store.entry(os.fsencode(path))
            if known is None or known.digest != digest or not self._spare.is_untouched(known):
                fresh[path] = digest
        return fresh

    def _check_telephony(self, request: Request) -> None:
        """DAHDI configuration that does not fit this node is left out; everything else goes on."""
        tree, outcome = self._telephony, self._outcome
        if tree is None:
            outcome.telephony = ""
            return
        under = os.fsencode(tree.path)
        removed = [path for path in outcome.removed if tree.holds(path)]
        arrived = {path: self._stages.staged(path) for path in self._store.arrived_below(under)}
        why = refused(self._below, tree.path, arrived, removed, self._vet) if removed or arrived else ""
        if why:
            self._store.send_back(under)
            outcome.removed = [path for path in outcome.removed if not tree.holds(path)]
            outcome.changed = [path for path in outcome.changed if not tree.holds(path)]
            outcome.telephony = why
        elif covers(request.scope, tree):
            outcome.telephony = ""

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
        steps = list(self._steps(set(fresh)))  # made before they are decided: deciding changes what is known
        outcome.generation = self._store.decide(generation, steps, outcome.removed)
        placed = place.finish(self._store, self._stages)
        outcome.warnings += placed.told()
        outcome.hold(placed.refused, place.TODO)

    def _steps(self, fresh: set[str]) -> Iterator[Step]:
        """Removing first, then directories from the top down, then what goes in them."""
        for path in self._outcome.removed:
            if path in self._directories:
                yield Step(place.REMOVE_DIRECTORY, path)
            else:
                yield Step(place.REMOVE if self._spare.is_spare(path) else place.SET_ASIDE, path)
        yield from self._room(fresh)
        new = self._new_directories()  # what is in them comes with them
        for entry in self._store.arrived(directories=True, outside=new):
            verb = place.MOVE if entry.path in new else place.MAKE_DIRECTORY
            yield Step(verb, entry.path, os.fsencode(self._stages.of(entry.path)))
        for entry in self._store.arrived(directories=False, outside=new):
            if self._stages.waits(entry.path):  # else it is in place already
                verb = place.MOVE_DATABASE if os.fsdecode(entry.path) in fresh else place.MOVE
                yield Step(verb, entry.path, os.fsencode(self._stages.of(entry.path)))

    def _room(self, fresh: set[str]) -> Iterator[Step]:
        """What makes way: another kind of thing where a directory comes, and what is nowhere else."""
        for entry in self._store.arrived(directories=True):
            if self._below.look(entry.path).kind not in ("", "d"):
                yield Step(place.REMOVE if self._spare.is_spare(entry.path) else place.SET_ASIDE, entry.path)
        for entry in self._store.arrived(directories=False):
            if self._stages.waits(entry.path) and not self._spare.is_spare(entry.path, entry):
                yield Step(place.SET_ASIDE, entry.path)
                if os.fsdecode(entry.path) in fresh:
                    beside = companions(Path(os.fsdecode(entry.path)))
                    yield from (Step(place.SET_ASIDE, os.fsencode(path)) for path in beside)

    def _new_directories(self) -> set[bytes]:
        """Those that are not here, and wait with everything that has arrived for them: one rename does."""
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
        return True  # a file that OTHERn names
