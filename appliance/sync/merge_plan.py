"""The plan of a merge: both nodes' data compared, and decided path by path and mailbox by mailbox."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from appliance.core.data_merge import (
    MOST,
    NOTHING,
    Content,
    MailPlan,
    MergeVerdict,
    Spot,
    judge,
    merge,
    only_added,
    without_removed,
)
from appliance.core.data_policy import TreeSigns, refusal
from appliance.core.held_back import HeldBack, printed
from appliance.core.text import printable
from appliance.sync.databases import NotCopied, Snapshots
from appliance.sync.errors import Fault
from appliance.sync.mailboxes import Parts, mailbox, part_of, place_of, sort_parts
from appliance.sync.peer_diff import Differences, Ready
from appliance.sync.sync_pass import REPAIR, PassContext
from appliance.sync.trees import Care, Tree, TreeEntry, tree_of, trees


@dataclass(frozen=True, slots=True)
class BoxPlan:
    """The plan for one mailbox.

    `mail` says what is to be done, `ours` and `theirs` are the files of both nodes' messages, and `forgotten`
    are the recorded files that the peer does not have any more. `partial`: something in the mailbox is held
    back. Then only the messages that come are recorded as had by both nodes, and the next merge decides about
    the others in the same way as this one.
    """

    box: bytes
    mail: MailPlan
    ours: Parts
    theirs: Parts
    forgotten: tuple[bytes, ...]
    partial: bool = False

    def fetched(self) -> Iterator[TreeEntry]:
        """Yield the peer's files that have to be fetched."""
        for placing in self.mail.added:
            yield from self.theirs[placing.source].values()

    def moves(self) -> Iterator[tuple[TreeEntry, bytes, bool]]:
        """Yield each file that gets a place: its present entry, the place, and whether the file is ours."""
        for placing in self.mail.placings:
            files = (self.ours if placing.ours else self.theirs)[placing.source]
            for ending, entry in files.items():
                yield entry, place_of(self.box, placing.to, ending), placing.ours

    def vacated(self) -> Iterator[bytes]:
        """Yield our files whose place becomes free and is not taken by another file."""
        filled = {path for _, path, _ in self.moves()}
        spots = {placing.to for placing in self.mail.placings} | set(self.mail.vacant)
        for spot in spots:
            for entry in self.ours.get(spot, {}).values():
                if entry.path not in filled:
                    yield entry.path

    def known(self) -> Iterator[TreeEntry]:
        """Yield the peer's files that are dealt with and can be recorded; none in a `partial` plan."""
        for files in () if self.partial else self.theirs.values():
            yield from files.values()


@dataclass(slots=True)
class MergePlan:
    """The decisions of one merge.

    `take`: the peer's version becomes ours. `remove`: our version is removed. `conflicts`: the peer's version
    is kept aside. `aside`: our version is kept aside, because it is damaged. `boxes`: the plans for the
    mailboxes. `databases`: the databases to fetch, path to digest. `directories`: which of the paths are
    directories.

    `barred`: conflicts because a link of ours is in the way, each with a sentence about it. `room`: files and
    links of ours where the peer's directory comes; the value says whether they are set aside, because they
    exist nowhere else.

    `known` and `forgotten`: changes of the peer's that need no action but are recorded. `lost`: sentences
    about files of ours that have vanished. `held`: what is left alone because something is wrong with it, and
    why.
    """

    take: list[bytes] = field(default_factory=list)
    remove: list[bytes] = field(default_factory=list)
    conflicts: list[bytes] = field(default_factory=list)
    barred: dict[bytes, str] = field(default_factory=dict)
    room: dict[bytes, bool] = field(default_factory=dict)
    aside: list[bytes] = field(default_factory=list)
    boxes: list[BoxPlan] = field(default_factory=list)
    databases: dict[str, str] = field(default_factory=dict)
    known: list[TreeEntry] = field(default_factory=list)
    forgotten: list[bytes] = field(default_factory=list)
    directories: set[bytes] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    held: list[HeldBack] = field(default_factory=list)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do and nothing to record."""
        work = (
            self.take,
            self.remove,
            self.conflicts,
            self.boxes,
            self.databases,
            self.known,
            self.forgotten,
        )
        return not any(work)


class Planner:
    """The comparison and decision, which change nothing. `live`: Asterisk serves on this node."""

    def __init__(self, context: PassContext, *, live: bool) -> None:
        self._conf = context.conf
        self._store = context.store
        self._below = context.stages.below
        self._peer = context.peer
        self._live = live
        self._trees = trees(context.conf)
        self._mail = next(
            (os.fsencode(tree.path) for tree in self._trees if tree.care is Care.VOICEMAIL), None
        )
        self._snapshots = Snapshots(context.places.outbox, context.clock)
        self._troubled: set[bytes] = set()
        self._unread: Mapping[bytes, str] = {}
        self._plan = MergePlan()
        self._lost: set[Tree] = set()

    def plan(self, found: Differences, ready: Ready) -> MergePlan:
        """Decide what to do about the differences `found`. Raises SyncProblem, OSError."""
        self._unread = found.unread
        theirs = self._look_there(found.changed)
        gone = {path for path in found.gone if path in found.directories}
        self._plan.directories = {path for path, entry in theirs.items() if entry.kind == "d"} | gone
        self._notice_loss(theirs)
        boxes: set[bytes] = set()
        for path in (*found.changed, *found.gone):
            part = self._part(path)
            if part is not None:
                boxes.add(part)
            elif path in self._troubled:
                pass
            elif path in self._plan.directories:
                self._directory(path, theirs.get(path))
            else:
                self._file(path, theirs.get(path))
        self._make_room(theirs)
        gone = set(found.gone)
        for box in sorted(boxes):
            self._box(box, theirs, gone)
        for name, digest in ready.databases.items():
            self._database(name, digest)
        return self._plan

    def _hold_back(self, path: bytes, why: str, todo: str = REPAIR) -> None:
        self._troubled.add(path)
        self._plan.held.append(HeldBack(printable(path), why, todo))

    def _part(self, path: bytes) -> bytes | None:
        """Return the mailbox of the message file `path`, or None for any other file."""
        if self._mail is None or not path.startswith(self._mail + b"/"):
            return None
        part = part_of(path, self._mail)
        return part.box if part is not None else None

    def _look_there(self, paths: Iterable[bytes]) -> dict[bytes, TreeEntry]:
        found = {}
        for page in self._peer.manifest(paths):
            for entry in page:
                if entry.trouble:
                    self._hold_back(entry.path, f"{printed(entry.trouble)} there")
                elif entry.kind in ("f", "l", "d"):
                    found[entry.path] = entry
        return found

    # -- our own loss -------------------------------------------------------------------------------------

    def _notice_loss(self, theirs: Mapping[bytes, TreeEntry]) -> None:
        """Note the trees of ours from which suspiciously many files have vanished.

        A disk that was replaced or restored has removed nothing on purpose, so what is missing there is
        brought back.
        """
        missing = dict.fromkeys(self._trees, 0)
        for path, entry in theirs.items():
            tree = tree_of(path, self._trees)
            if (
                tree is not None
                and entry.kind != "d"
                and self._below.stat(path) is None
                and self._store.entry(path)
            ):
                missing[tree] += 1
        for tree, count in missing.items():
            there = tree.path.is_dir()
            signs = TreeSigns(
                key=tree.key,
                path=str(tree.path),
                there=there,
                empty=not there or next(os.scandir(tree.path), None) is None,
                known=self._store.count(os.fsencode(tree.path)),
                gone=count,
            )
            if count and refusal(signs, self._conf.sync_max_loss):
                self._lost.add(tree)
                self._plan.lost.append(
                    f"{count} files of {tree.path} have vanished here, and are brought back"
                )

    def _is_lost(self, path: bytes) -> bool:
        return tree_of(path, self._lost) is not None

    # -- files and directories ----------------------------------------------------------------------------

    def _file(self, path: bytes, there: TreeEntry | None) -> None:
        ours = self._below.look_anyway(path)
        if ours.trouble and ours.kind == "o":
            self._hold_back(path, f"{ours.trouble} here")
            return
        theirs = there.same_as if there is not None else NOTHING
        known = self._store.entry(path)
        base = known.same_as if known is not None else NOTHING
        if ours.kind == "" and self._is_lost(path):
            base = NOTHING
        verdict = judge(base, ours.same_as, theirs)
        if self._below.is_passage(path):  # the link stays, and the files behind it are decided by themselves
            verdict = {MergeVerdict.TAKE: MergeVerdict.CONFLICT, MergeVerdict.REMOVE: MergeVerdict.KEEP}.get(
                verdict, verdict
            )
        self._carry(path, verdict, there)

    def _carry(self, path: bytes, verdict: MergeVerdict, there: TreeEntry | None) -> None:
        match verdict:
            case MergeVerdict.TAKE:
                self._plan.take.append(path)
            case MergeVerdict.CONFLICT:
                self._plan.conflicts.append(path)
            case MergeVerdict.REMOVE:
                self._plan.remove.append(path)
                self._plan.forgotten.append(path)
            case MergeVerdict.KEEP if there is None and self._store.entry(path) is not None:
                self._plan.forgotten.append(path)
            case _:
                pass

    def _directory(self, path: bytes, there: TreeEntry | None) -> None:
        here, known = self._below.stat(path) is not None, self._store.entry(path) is not None
        if there is not None and (here or not known or self._is_lost(path)):
            self._plan.take.append(path)
        elif there is None and known:
            self._plan.remove.append(path)  # only if nothing of ours is in the directory
            self._plan.forgotten.append(path)

    def _make_room(self, theirs: Mapping[bytes, TreeEntry]) -> None:
        """Decide about files and links of ours where the peer has a directory."""
        plan = self._plan
        for path in [path for path in plan.take if path in plan.directories]:
            ours = self._below.look(path)
            if ours.kind in ("", "d"):
                continue
            known = self._store.entry(path)
            base = known.same_as if known is not None else NOTHING
            wanted = {one for one in plan.take if one.startswith(path + b"/")}
            brings = any(
                one in wanted or self._part(one) for one in theirs if self._is_file_in(path, theirs[one])
            )
            if ours.same_as == base or ours.kind == "o":
                plan.room[path] = False  # the peer has replaced by a directory what both nodes had
            elif ours.kind == "l":
                self._leave_link(path, wanted)
            elif theirs[path].same_as == base and not brings:  # only this node has changed it
                plan.take = [one for one in plan.take if one != path and one not in wanted]
            else:
                plan.room[path] = True

    def _is_file_in(self, directory: bytes, entry: TreeEntry) -> bool:
        return entry.kind != "d" and entry.path.startswith(directory + b"/")

    def _leave_link(self, path: bytes, wanted: set[bytes]) -> None:
        """Leave a link of ours in place that the peer has not sent and that is not followed.

        The peer's files that belong behind the link become conflicts.
        """
        plan = self._plan
        why = f"{printable(path)} is a link here, to what is not its owner's, and is not followed"
        plan.take = [one for one in plan.take if one != path and one not in wanted]
        files = sorted(wanted - plan.directories)
        plan.conflicts += files
        plan.barred.update(dict.fromkeys(files, why))

    # -- voicemail ----------------------------------------------------------------------------------------

    def _box(self, box: bytes, theirs: Mapping[bytes, TreeEntry], gone: set[bytes]) -> None:
        top = self._mail or b""
        try:
            ours = sort_parts(self._own_files(box), top)
        except OSError as problem:
            self._hold_back(
                box, f"{printable(problem.filename or box)} in it cannot be read here ({problem.strerror})"
            )
            return
        damaged = {spot for path in self._troubled if (spot := self._spot(box, path)) is not None}
        same = (
            entry
            for files in ours.values()
            for entry in files.values()
            if entry.path not in gone and entry.path not in theirs
        )
        changed = (entry for path, entry in theirs.items() if path.startswith(box + b"/"))
        there = sort_parts((*same, *changed), top)
        there = {spot: files for spot, files in there.items() if spot not in damaged}
        known = list(self._store.entries(box))
        base = mailbox(sort_parts(known, top))
        if self._is_lost(box):
            have = set(mailbox(ours).values())
            base = {spot: message for spot, message in base.items() if message in have}
        paths = {entry.path for files in there.values() for entry in files.values()}
        forgotten = tuple(one.path for one in known if self._part(one.path) and one.path not in paths)
        unclear = bool(damaged) or any(path == box or path.startswith(box + b"/") for path in self._unread)
        if unclear:
            # Nobody knows which message a damaged file was, so no message may pass for removed.
            base = without_removed(base, mailbox(there))
        mail = merge(base, mailbox(ours), mailbox(there))
        if self._live:
            # While somebody listens, Asterisk knows messages by their numbers, so no message may be moved
            # meanwhile.
            mail = only_added(mail, mailbox(ours))
        for folder in mail.full:
            self._plan.held.append(_full(box, folder))
        partial = unclear or bool(mail.full)
        self._plan.boxes.append(BoxPlan(box, mail, ours, there, () if partial else forgotten, partial))

    def _own_files(self, box: bytes) -> Iterator[TreeEntry]:
        for path in self._below.files(box):
            if part_of(path, self._mail or b""):
                yield self._below.look(path)

    def _spot(self, box: bytes, path: bytes) -> Spot | None:
        part = part_of(path, self._mail or b"")
        return part.spot if part is not None and part.box == box else None

    # -- databases ----------------------------------------------------------------------------------------

    def _database(self, name: str, digest: str) -> None:
        path = os.fsencode(name)
        known = self._store.entry(path)
        base: Content = known.same_as if known is not None else NOTHING
        theirs: Content = ("f", digest)
        if theirs == base and self._below.stat(path) is not None:
            return
        # Nobody removes a database on purpose: when it is missing here, it was lost.
        ours = self._own_database(path)
        if ours is None:
            return
        base = NOTHING if ours == NOTHING else base
        verdict = judge(base, ours, theirs)
        if name == str(self._conf.astdb):
            # Asterisk writes astdb all the time, wherever it runs: the version of the node that served last
            # is right.
            verdict = MergeVerdict.KEEP if self._live else MergeVerdict.TAKE
        elif self._live and verdict is MergeVerdict.TAKE and ours != theirs:
            verdict = MergeVerdict.CONFLICT  # the database is in use, and only its own program may change it
        if verdict is MergeVerdict.KEEP or ours == theirs:
            self._plan.known.append(TreeEntry(path, "f", digest=digest))
        else:
            self._plan.databases[name] = digest
            if verdict is MergeVerdict.CONFLICT:
                self._plan.conflicts.append(path)

    def _own_database(self, path: bytes) -> Content | None:
        """Return our version of a database as it is now.

        A damaged database is no version: the peer's is taken, and ours is kept aside. Returns None when our
        version cannot be known; the database is then held back.
        """
        snapshot = None
        try:
            snapshot = self._snapshots.take(Path(os.fsdecode(path)))
        except NotCopied as problem:
            if problem.kind is not Fault.DAMAGED_DATABASE:
                held = problem.held
                self._plan.held.append(replace(held, why=f"{held.why}; that is the one here"))
                return None
            self._plan.aside.append(path)
            self._plan.lost.append(f"{problem} Ours is kept aside, and the other node's taken.")
        return ("f", snapshot.digest) if snapshot is not None else NOTHING


def _full(box: bytes, folder: str) -> HeldBack:
    why = f"with what the other node has got it would hold more than {MOST} messages, which Asterisk cannot number"
    path = box + b"/" + os.fsencode(folder)
    return HeldBack(printable(path), why, "Have messages in it deleted on either node; the others come then.")
