"""The survey before a pass: asks what the peer has, judges its health, and compares by rsync."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from appliance.core.data_policy import TreeSigns, refusal
from appliance.core.held_back import HeldBack, read_held
from appliance.core.text import printable
from appliance.sync.errors import Fault, SyncProblem, understood
from appliance.sync.open_directories import Below
from appliance.sync.rsync import ItemChange
from appliance.sync.sync_pass import PassContext, Request
from appliance.sync.trees import ALL, Traits, databases, tree_of, trees

_NAMED = 5
# Seconds. The two nodes' clocks being further apart than this is a problem of its own.
_SKEW = 60.0


@dataclass(frozen=True, slots=True)
class Ready:
    """The peer's answer to `prepare`.

    `trees`: the peer's directories. `databases`: path to digest. `listed`: the list, at the peer, of the
    directories of the scope. `mark`: the mark of the peer's service; `serving`: the peer serves now. `skew`:
    seconds by which the peer's clock is ahead of ours. `traits`: the traits of the directories for which they
    were requested. `held`: databases that cannot be copied now.
    """

    trees: list[dict[str, Any]]
    databases: Mapping[str, str]
    listed: Path
    mark: str
    serving: bool
    skew: float
    traits: Traits = ALL
    held: tuple[HeldBack, ...] = ()

    @property
    def directories(self) -> list[str]:
        """The paths of the trees that are directories at the peer."""
        return [tree["path"] for tree in self.trees if tree["there"]]

    @property
    def files(self) -> list[str]:
        """The paths of the trees that are plain files at the peer."""
        return [tree["path"] for tree in self.trees if tree.get("file") is True]


@dataclass(slots=True)
class Differences:
    """The differences found between the peer and this node.

    `changed`: paths that differ at the peer. `gone`: paths that are here and not at the peer. `directories`,
    `links`: which of those are directories, or links, at the peer. `special`: pipes, sockets and devices at
    the peer, which are not synchronised. `unread`: what could not be looked at, on either node, with the
    reason.
    """

    changed: list[bytes] = field(default_factory=list)
    gone: list[bytes] = field(default_factory=list)
    directories: set[bytes] = field(default_factory=set)
    unread: dict[bytes, str] = field(default_factory=dict)
    links: set[bytes] = field(default_factory=set)
    special: list[bytes] = field(default_factory=list)

    def note(self, change: ItemChange) -> bool:
        """Sort `change` in, and return whether it says that a file is gone."""
        if change.kind == "o":
            self.special.append(change.path)
            return False
        if change.kind == "d":
            self.directories.add(change.path)
        if change.kind == "l":
            self.links.add(change.path)
        (self.gone if change.gone else self.changed).append(change.path)
        return change.gone and change.kind != "d"

    def warnings(self) -> list[str]:
        """Return the warning about files that are not synchronised, if there are any."""
        if not self.special:
            return []
        names = ", ".join(printable(path) for path in self.special[:_NAMED])
        more = f" and {len(self.special) - _NAMED} more" if len(self.special) > _NAMED else ""
        return [f"A pipe, a socket or a device is not carried; what is here stays: {names}{more}."]


class PeerDiff:
    """The questions to the peer and the comparison.

    A peer that looks as no healthy node does is refused, with the reason. Every method raises SyncProblem.
    """

    def __init__(self, context: PassContext) -> None:
        self._conf = context.conf
        self._store = context.store
        self._clock = context.clock
        self._peer = context.peer
        self._rsync = context.rsync
        self._progress = context.progress
        self._stages = context.stages
        self._below = context.stages.below
        self._trees = trees(context.conf)

    def prepare(self, request: Request, traits_of: Sequence[str] = ()) -> Ready:
        """Have the peer prepare what `request` needs, and check its health.

        `traits_of`: the directories for which the peer also determines the traits of all files.
        """
        self._progress("asking", 0, 0)
        said = self._peer.ask("prepare", scope=request.scope, traits=list(traits_of))
        own = {str(path) for path in databases(self._conf)}  # other names are ignored
        tops = {str(tree.path) for tree in self._trees}
        with understood(self._peer.ssh.host):
            self._refuse_unhealthy(str(said["health"]))
            ready = Ready(
                trees=[tree for tree in said["trees"] if tree["path"] in tops],
                databases={
                    one["path"]: str(one["digest"]) for one in said["databases"] if one["path"] in own
                },
                listed=Path(said["list"]),
                mark=said["mark"],
                serving=said["serving"],
                skew=float(said["time"]) - self._clock.wall(),
                traits=Traits(**said["traits"]),
                held=tuple(read_held(said.get("held"))),
            )
        if not request.accept_loss:
            self._refuse_if_sick(ready, {})
        self._stages.expect_files(ready.files)
        return replace(ready, held=(*ready.held, *self._lost_databases(ready), *self._missing_others(ready)))

    def still_healthy(self) -> None:
        """Ask for the peer's health again, before what has come is decided."""
        self._refuse_unhealthy(self._peer.ask("health")["health"])

    def compare(
        self,
        request: Request,
        ready: Ready,
        counts: Callable[[bytes], bool],
        leaving: Collection[str] = (),
    ) -> Differences:
        """Compare everything but the directories `leaving`, and return the differences.

        `counts` tells whether a file that is missing at the peer counts as vanished there, and not as one
        that this node has got by itself.
        """
        self._progress("comparing", 0, 0)
        found = Differences()
        whole = [directory for directory in ready.directories if directory not in leaving]
        what = whole if request.scope is None else ready.listed
        if request.scope == ():  # only a database has changed, and no directory
            return found
        parts: list[Sequence[str] | Path] = [what] if what else []
        if request.scope is None and ready.files:
            parts.append(self._peer.file_list([os.fsencode(path) for path in ready.files], []))
        vanished = dict.fromkeys((str(tree.path) for tree in self._trees), 0)
        changes = (self._changes(part, found.unread, deep=request.deep) for part in parts)
        for change in itertools.chain.from_iterable(changes):
            tree = tree_of(change.path, self._trees)
            if tree is None:
                continue
            if found.note(change) and counts(change.path):
                vanished[str(tree.path)] += 1
        if not request.accept_loss:
            self._refuse_if_sick(ready, vanished)
        # rsync reports nothing as gone where it could not look. The code does not rely on that.
        found.gone = [path for path in found.gone if not lies_in(found.unread, path)]
        return found

    def _changes(
        self, what: Sequence[str] | Path, unread: dict[bytes, str], *, deep: bool
    ) -> Iterator[ItemChange]:
        """Yield what differs; for a passage (see `Below`), what differs in the directory behind the link."""
        waiting: list[bytes] = []
        yield from self._outside(self._rsync.compare(what, unread, deep=deep), waiting)
        while waiting:
            path = waiting.pop()
            behind = self._below.directory(path)
            compared = self._rsync.compare_passage(path, behind.descriptor, unread, deep=deep)
            yield from self._outside(compared, waiting)

    def _outside(self, changes: Iterable[ItemChange], passages: list[bytes]) -> Iterator[ItemChange]:
        """Yield those of `changes` that do not lie at or below a passage.

        The passages among them are appended to `passages`.
        """
        inside: set[bytes] = set()
        for change in changes:
            if change.kind == "d" and not change.gone and self._below.is_passage(change.path):
                inside.add(change.path)
                passages.append(change.path)
            elif not inside or not lies_in(inside, change.path):
                yield change

    def _refuse_unhealthy(self, health: str) -> None:
        if health:
            raise self._sick(health)

    def _refuse_if_sick(self, ready: Ready, vanished: Mapping[str, int]) -> None:
        for tree in ready.trees:
            path = tree["path"]
            gone = vanished.get(path, 0)
            if tree["there"] and not tree["empty"] and not gone:
                continue  # the tree is healthy; counting is slow and not needed
            known = self._store.count(os.fsencode(path))
            signs = TreeSigns(tree["key"], path, tree["there"], tree["empty"], known, gone)
            why = refusal(signs, self._conf.sync_max_loss)
            if why:
                raise self._sick(why)

    def _lost_databases(self, ready: Ready) -> Iterator[HeldBack]:
        """Yield databases that the peer had and has not any more: nobody removes one on purpose."""
        named = {*ready.databases, *(one.path for one in ready.held)}
        for path in databases(self._conf):
            name = printable(os.fsencode(path))
            if not named & {str(path), name} and self._store.entry(os.fsencode(path)) is not None:
                yield HeldBack(
                    name, f"it is missing on {self._peer.ssh.host}", "Bring back its last good copy."
                )

    def _missing_others(self, ready: Ready) -> Iterator[HeldBack]:
        """Yield what OTHERn names and the peer does not have.

        Nothing of it is removed here, and the operator has to know.
        """
        for tree in ready.trees:
            if tree["key"].startswith("OTHER") and not tree["there"] and tree.get("file") is not True:
                yield HeldBack(
                    printable(os.fsencode(tree["path"])),
                    f"on {self._peer.ssh.host} it is no directory and no plain file",
                    "Make it there, or take it out of OTHERn on both nodes.",
                    waits=False,
                )

    def _sick(self, why: str) -> SyncProblem:
        return SyncProblem(Fault.SICK_SOURCE, f"Nothing is copied from {self._peer.ssh.host}: {why}.")


def lies_in(places: Collection[bytes], path: bytes) -> bool:
    """Return whether `path` is one of `places` or lies below one."""
    while places and path not in places:
        if path in (b"/", b""):
            return False
        path = os.path.dirname(path)
    return bool(places)


def skew_warnings(skew: float) -> list[str]:
    """Return the warning about clocks that are `skew` seconds apart, if they are too far apart."""
    if abs(skew) <= _SKEW:
        return []
    says = f"The other node's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours."
    return [str(SyncProblem(Fault.CLOCK_SKEW, says))]


def widened(request: Request, below: Below) -> Request:
    """Return `request`, widened to everything when a directory of its scope cannot be reached here yet.

    The directories that lead to it must come first, with their owner and mode, and a link in the way has to
    make room.
    """
    reached = all(below.reaches(os.fsencode(path)) for path in request.scope or ())
    return request if reached else replace(request, scope=None)
