"""The merge after a failover: the peer's newer data comes into ours, and nothing of ours is lost.

See docs/adr/0011-the-way-back.md.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from appliance.core.data_merge import Placing
from appliance.core.text import printable
from appliance.sync import apply
from appliance.sync.errors import OF_THE_DISK
from appliance.sync.fetch import Fetcher
from appliance.sync.file_moves import move, remove
from appliance.sync.mailboxes import FolderRefused, append, box_of
from appliance.sync.merge_plan import BoxPlan, MergePlan, Planner
from appliance.sync.newer_data_mark import takeover_of
from appliance.sync.open_directories import OpenName
from appliance.sync.peer_diff import PeerDiff, skew_warnings, widened
from appliance.sync.store import Conflict, Generation, PlaceStep
from appliance.sync.sync_pass import PassContext, PassResult, Request
from appliance.sync.telephony import refused
from appliance.sync.trees import Care, databases, telephony, trees

_BOTH = "changed on both nodes"
_LINK = "messages belong there, and it is a link here that is not followed"
_LINK_TODO = (
    "Give the link, and what it leads to, to the owner of the directory it is in, or make it a directory."
)


class Merge:
    """A pass that merges what the peer has got since both nodes last had the same data.

    `live`: Asterisk serves on this node.
    """

    def __init__(self, context: PassContext, *, live: bool) -> None:
        self._context = context
        self._live = live
        self._store = context.store
        self._stages = context.stages
        self._survey = PeerDiff(context)
        self._delivery = Fetcher(context)
        self._below = context.stages.below
        self._trees = trees(context.conf)
        self._outcome = PassResult()
        self._conflicts: list[Conflict] = []

    def run(self, request: Request) -> PassResult:
        """Make the pass and return its outcome. The pass may be run again after any failure or kill.

        Raises SyncProblem before anything of ours is changed, except that a live merge may have appended
        messages by then. OSError and sqlite3.Error, which `Session.run` turns into SyncProblem, may also be
        raised while the decided generation is being put in place; the next pass finishes it.
        """
        self._context.may()
        apply.finish(self._store, self._stages)
        self._stages.drop_links()
        request, outcome = widened(self._whole_boxes(request), self._below), self._outcome
        ready = self._survey.prepare(request)
        outcome.skew, outcome.warnings = ready.skew, skew_warnings(ready.skew)
        if not ready.mark:
            return outcome  # the peer has nothing that is missing here
        self._follow_takeover(ready.mark)
        found = self._survey.compare(request, ready, lambda path: self._store.entry(path) is not None)
        plan = Planner(self._context, live=self._live).plan(found, ready)
        outcome.warnings += [*plan.lost, *found.warnings()]
        outcome.held += [*ready.held, *plan.held]
        outcome.hold(found.unread)
        if request.dry_run:
            self._report(plan)
            return outcome
        if not plan.idle:
            self._carry_out(request, plan, found.links)
        # The peer drops its mark only when all that was left out has come. Otherwise the only whole version,
        # which is at the peer, could be overwritten from here.
        waits = [one for one in outcome.held if one.waits]
        if request.scope is None and waits:
            outcome.warnings.append(f"The merge is not finished: {len(waits)} items are held back.")
        elif request.scope is None and not ready.serving and not outcome.left:
            self._context.may()
            outcome.settled = bool(self._context.peer.ask("merged", mark=ready.mark)["settled"])
        return outcome

    def _whole_boxes(self, request: Request) -> Request:
        """Widen the scope of `request` to whole mailboxes.

        A mailbox is merged as a whole or not at all, because messages move from folder to folder.
        """
        top = next((os.fsencode(tree.path) for tree in self._trees if tree.care is Care.VOICEMAIL), None)
        if not request.scope or top is None:
            return request
        inside = top + b"/"
        scope = (
            os.fsdecode(box_of(name, top) if name.startswith(inside) else name)
            for name in map(os.fsencode, request.scope)
        )
        return replace(request, scope=tuple(dict.fromkeys(scope)))

    def _follow_takeover(self, mark: str) -> None:
        """Start over from the peer's record when the mark names a takeover that is not being merged yet.

        Changes are measured against what both nodes had before the peer served, and the peer's record says
        what that was.
        """
        takeover = takeover_of(mark)
        if self._store.takeover() != takeover:
            tops = [tree.path for tree in self._trees] + list(databases(self._context.conf))
            common = itertools.chain.from_iterable(self._context.peer.base(os.fsencode(top)) for top in tops)
            self._store.begin_takeover(takeover, common)

    def _report(self, plan: MergePlan) -> None:
        outcome = self._outcome
        outcome.changed = [path for path in plan.take if path not in plan.directories]
        outcome.changed += [
            os.fsencode(name) for name in plan.databases if os.fsencode(name) not in plan.conflicts
        ]
        outcome.removed, outcome.conflicts = plan.remove, plan.conflicts
        for box in plan.boxes:
            outcome.messages += len(box.mail.added)
            outcome.changed += [path for _, path, _ in box.moves()]

    # -- carrying out ---------------------------------------------------------------------------------------

    def _carry_out(self, request: Request, plan: MergePlan, links: Collection[bytes]) -> None:
        wanted = [*plan.take, *(path for path in plan.conflicts if os.fsdecode(path) not in plan.databases)]
        wanted += [entry.path for box in plan.boxes for entry in box.fetched()]
        self._outcome.left = self._delivery.bring(wanted, plan.databases, links)
        self._outcome.hold(self._delivery.troubled)
        plan.databases = {
            name: digest
            for name, digest in plan.databases.items()
            if self._store.arrival(os.fsencode(name)) is not None
        }
        plan.take = [path for path in plan.take if self._store.arrival(path) is not None]
        plan.conflicts = [path for path in plan.conflicts if self._store.arrival(path) is not None]
        self._check_telephony(plan)
        boxes: list[BoxPlan] = []
        torn: list[BoxPlan] = []
        for box in plan.boxes:
            (boxes if self._is_whole(box) and not self._is_barred(box) else torn).append(box)
        self._leave(torn)
        plan.boxes = boxes
        self._make_ready(plan)
        boxes = plan.boxes
        self._report(plan)
        self._store.stage(itertools.chain(plan.known, *(box.known() for box in boxes)))
        self._decide(request, plan)

    def _is_whole(self, box: BoxPlan) -> bool:
        """Return whether the files that came for `box` are those the plan was made with.

        Asterisk at the peer may have renumbered the mailbox meanwhile.
        """
        for entry in box.fetched():
            arrival = self._store.arrival(entry.path)
            if arrival is None or arrival.digest != entry.digest:
                return False
        return True

    def _is_barred(self, box: BoxPlan) -> bool:
        """Return whether a link of ours that is not followed stands where a folder of `box` has to be.

        Each such link is noted as held back, by name.
        """
        links = {self._below.link_on_way(path) for _, path, _ in box.moves()} - {None}
        self._outcome.hold({link: _LINK for link in links if link}, _LINK_TODO)
        return bool(links)

    def _leave(self, boxes: list[BoxPlan]) -> None:
        """Leave `boxes` to the next pass, and forget the files that have arrived for them.

        Those files are not in place here. Recorded as had by both nodes, they would pass for files that were
        removed here.
        """
        self._outcome.left += len(boxes)
        for box in boxes:
            self._store.unstage_files(entry.path for entry in box.fetched())

    def _check_telephony(self, plan: MergePlan) -> None:
        """Make a conflict of the peer's DAHDI configuration when it does not fit this node.

        Our configuration stays, and the peer's is kept aside.
        """
        tree = telephony(self._context.conf)
        if tree is None:
            return
        taken = [path for path in plan.take if tree.holds(path) and path not in plan.directories]
        removed = [path for path in plan.remove if tree.holds(path)]
        if not taken and not removed:
            return
        arrived = {path: self._source(path) for path in taken}
        why = refused(self._below, tree.path, arrived, removed, self._context.vet)
        if why:
            plan.take = [path for path in plan.take if not tree.holds(path)]
            plan.remove = [path for path in plan.remove if not tree.holds(path)]
            plan.forgotten += removed  # keeping ours settles it, and the next merge does not ask again
            self._keep(taken, why)
            plan.conflicts += taken
            self._outcome.warnings.append(why)

    def _make_ready(self, plan: MergePlan) -> None:
        """Prepare on the stage every file that is to get another name than it came under.

        Nothing in our data has been moved when this is done, except that a live merge appends the new
        messages here.
        """
        for path in plan.conflicts:
            if not self._is_kept(path):
                self._keep([path], plan.barred.get(path, _BOTH))
        for conflict in self._conflicts:
            self._stages.make_ready(self._source(conflict.path), conflict.kept)
        for path in plan.aside:
            self._stages.make_ready(path, self._kept(path, "damaged"))
        if self._live:
            plan.boxes = self._append(plan.boxes)
            return
        for box in plan.boxes:
            for entry, to, ours in box.moves():
                self._stages.make_ready(entry.path if ours else self._source(entry.path), to)

    def _append(self, boxes: list[BoxPlan]) -> list[BoxPlan]:
        """Append the new messages to mailboxes in which Asterisk works, and return the finished `boxes`.

        A kill afterwards does no harm: a message is known by its content, and comes only once. A mailbox with
        a folder that is locked or cannot be written is held back.
        """
        folders = {(box.box, placing.to.folder) for box in boxes for placing in box.mail.added}
        if not folders:
            return boxes
        self._store.begin_appending(box + b"/" + os.fsencode(folder) for box, folder in folders)
        done = [box for box in boxes if self._is_appended(box)]
        self._store.end_appending()
        return done

    def _is_appended(self, box: BoxPlan) -> bool:
        try:
            for placing in box.mail.added:
                self._append_message(box, placing)
        except FolderRefused as refused:
            self._outcome.held.append(refused.held)
        except OSError as problem:
            if problem.errno in OF_THE_DISK:
                raise
            self._outcome.hold({box.box: f"it cannot be written here ({problem.strerror})"}, apply.TODO)
        else:
            return True
        # Recorded as had by both nodes, the messages would pass for removed here. Those that were appended
        # are known by their content when the next merge comes.
        self._store.unstage_files(entry.path for entry in box.fetched())
        return False

    def _append_message(self, box: BoxPlan, placing: Placing) -> None:
        """Append one message.

        Its files are moved into its folder first, since the stage may be on another filesystem.
        """
        path = box.box + b"/" + os.fsencode(placing.to.folder)
        folder = self._below.directory(path, make=True)
        way, incoming = os.fsencode(f"/proc/self/fd/{folder.descriptor}"), {}
        try:
            for ending, entry in box.theirs[placing.source].items():
                self._stages.make_ready(self._source(entry.path), entry.path)
                incoming[ending] = OpenName(folder, apply.INCOMING + os.fsencode(ending))
                move(self._below.at(self._stages.ready(entry.path) + entry.path), incoming[ending])
            sources = {ending: way + b"/" + spot.name for ending, spot in incoming.items()}
            append(Path(os.fsdecode(way)), sources, self._context.clock, self._context.conf.pbx_program)
        except FolderRefused as refused:
            refused.held = replace(refused.held, path=printable(path))
            raise
        finally:
            for spot in incoming.values():
                remove(spot)

    def _keep(self, paths: list[bytes], why: str) -> None:
        now = self._context.clock.wall()
        for path in paths:
            arrival = self._store.arrival(path)
            digest = arrival.digest if arrival is not None else ""
            self._conflicts.append(Conflict(path, now, self._kept(path, digest), why))

    def _kept(self, path: bytes, name: str) -> bytes:
        return self._context.places.kept(path, name)

    def _is_kept(self, path: bytes) -> bool:
        return any(conflict.path == path for conflict in self._conflicts)

    def _source(self, path: bytes) -> bytes:
        """Return where the peer's file is: on the stage, or at `path` itself when ours is the same.

        rsync does not send a file that is in place already.
        """
        staged = self._stages.staged(path)
        return staged if self._stages.waits(path) else path

    def _decide(self, request: Request, plan: MergePlan) -> None:
        outcome = self._outcome
        self._context.progress("putting in place", 0, 0)
        self._stages.flush()
        self._context.may()
        self._survey.still_healthy()
        steps = list(self._steps(plan))
        forgotten = [*plan.forgotten, *(path for box in plan.boxes for path in box.forgotten)]
        if not steps:
            self._store.set_common(forgotten)
            self._stages.clean()
            return
        generation = Generation(
            number=0,
            made=self._context.clock.wall(),
            source=self._context.peer.ssh.host,
            reason=f"merged: {request.reason}",
            changed=len(outcome.changed),
            removed=len(outcome.removed),
            bytes=self._store.arrivals()[1],
            placed=False,
        )
        outcome.generation = self._store.decide(generation, steps, forgotten, self._conflicts)
        placed = apply.finish(self._store, self._stages)
        outcome.warnings += placed.told()
        outcome.hold(placed.refused, apply.TODO)

    def _steps(self, plan: MergePlan) -> Iterator[PlaceStep]:
        for path in plan.remove:
            if path not in plan.directories:
                yield PlaceStep(apply.REMOVE, path)
        for path in sorted((path for path in plan.remove if path in plan.directories), reverse=True):
            yield PlaceStep(apply.REMOVE_DIRECTORY, path)
        yield from self._directory_steps(plan)
        for conflict in self._conflicts:
            yield self._ready_step(conflict.kept)
        for path in plan.aside:
            yield self._ready_step(self._kept(path, "damaged"))
        for path in plan.take:
            if path not in plan.directories and self._stages.waits(path):
                yield PlaceStep(apply.MOVE, path, os.fsencode(self._stages.of(path)))
        for name in plan.databases:
            if not self._is_kept(os.fsencode(name)):
                yield PlaceStep(
                    apply.MOVE_DATABASE, os.fsencode(name), os.fsencode(self._stages.of(os.fsencode(name)))
                )
        if not self._live:
            yield from self._mail_steps(plan)

    def _directory_steps(self, plan: MergePlan) -> Iterator[PlaceStep]:
        for path in sorted(path for path in plan.take if path in plan.directories):
            if path in plan.room:
                yield PlaceStep(apply.SET_ASIDE if plan.room[path] else apply.REMOVE, path)
            yield PlaceStep(apply.MAKE_DIRECTORY, path, os.fsencode(self._stages.of(path)))

    def _mail_steps(self, plan: MergePlan) -> Iterator[PlaceStep]:
        for box in plan.boxes:
            for path in box.vacated():
                yield PlaceStep(apply.REMOVE, path)
            for _, to, _ in box.moves():
                yield self._ready_step(to)

    def _ready_step(self, path: bytes) -> PlaceStep:
        return PlaceStep(apply.MOVE, path, self._stages.ready(path))
