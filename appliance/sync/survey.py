"""What the peer has, against what is here: asked for, judged for its health, compared by rsync."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from appliance.core.held_back import HeldBack, read_held
from appliance.core.sickness import TreeSigns, refusal
from appliance.core.words import printable
from appliance.sync.below import Below
from appliance.sync.onepass import Means, Request
from appliance.sync.problems import Kind, SyncProblem, understood
from appliance.sync.rsync import Change
from appliance.sync.traits import ALL, Traits
from appliance.sync.trees import databases, tree_of, trees

_NAMED = 5
# Clocks of the two nodes further apart than this are a problem of their own, in seconds.
_SKEW = 60.0


@dataclass(frozen=True, slots=True)
class Ready:
    """The peer's answer: its directories, its databases (path to digest), the `mark` of its service.

    `traits`: of the directories of which they were asked for. `held`: databases of which there is no copy now.
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
        """Those that are there."""
        return [tree["path"] for tree in self.trees if tree["there"]]

    @property
    def files(self) -> list[str]:
        """Those that are plain files."""
        return [tree["path"] for tree in self.trees if tree.get("file") is True]


@dataclass(slots=True)
class Differences:
    """Paths that differ there, and paths that are here and not there; which of them are directories, or links there.

    `special`: pipes, sockets and devices there, which are not carried. `unread`: what could not be looked at, on either
    node, with the reason.
    """

    changed: list[bytes] = field(default_factory=list)
    gone: list[bytes] = field(default_factory=list)
    directories: set[bytes] = field(default_factory=set)
    unread: dict[bytes, str] = field(default_factory=dict)
    links: set[bytes] = field(default_factory=set)
    special: list[bytes] = field(default_factory=list)

    def note(self, change: Change) -> bool:
        """Put `change` where it belongs; whether a file is gone."""
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
        """What there is to say of what is not carried."""
        if not self.special:
            return []
        names = ", ".join(printable(path) for path in self.special[:_NAMED])
        more = f" and {len(self.special) - _NAMED} more" if len(self.special) > _NAMED else ""
        return [f"A pipe, a socket or a device is not carried; what is here stays: {names}{more}."]


class Survey:
    """Every method raises SyncProblem; what a healthy node never looks like is refused by name."""

    def __init__(self, means: Means) -> None:
        self._conf = means.conf
        self._store = means.store
        self._clock = means.clock
        self._peer = means.peer
        self._rsync = means.rsync
        self._progress = means.progress
        self._stages = means.stages
        self._below = means.stages.below
        self._trees = trees(means.conf)

    def prepare(self, request: Request, traits_of: Sequence[str] = ()) -> Ready:
        """Have the peer make ready what is wanted, and look at all that is in the directories `traits_of`."""
        self._progress("asking", 0, 0)
        said = self._peer.ask("prepare", scope=request.scope, traits=list(traits_of))
        own = {str(path) for path in databases(self._conf)}  # what else the peer may name is put nowhere
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
        """Ask again, before what has come is decided."""
        self._refuse_unhealthy(self._peer.ask("health")["health"])

    def compare(
        self,
        request: Request,
        ready: Ready,
        counts: Callable[[bytes], bool],
        leaving: Collection[str] = (),
    ) -> Differences:
        """What differs, in everything but the directories `leaving`.

        `counts`: whether a file that is not there has vanished, and did not come to be here.
        """
        self._progress("comparing", 0, 0)
        found = Differences()
        whole = [directory for directory in ready.directories if directory not in leaving]
        what = whole if request.scope is None else ready.listed
        if request.scope == ():  # only a database has changed
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
        # rsync itself tells of nothing gone where it could not look; that it does is not relied upon.
        found.gone = [path for path in found.gone if not lies_in(found.unread, path)]
        return found

    def _changes(
        self, what: Sequence[str] | Path, unread: dict[bytes, str], *, deep: bool
    ) -> Iterator[Change]:
        """What differs; behind a link of the administrator's, from what it leads to. See `Below`."""
        waiting: list[bytes] = []
        yield from self._outside(self._rsync.compare(what, unread, deep=deep), waiting)
        while waiting:
            path = waiting.pop()
            behind = self._below.directory(path)
            compared = self._rsync.compare_passage(path, behind.descriptor, unread, deep=deep)
            yield from self._outside(compared, waiting)

    def _outside(self, changes: Iterable[Change], passages: list[bytes]) -> Iterator[Change]:
        """Those of `changes` that do not lie at or below a passage; what is one is put to `passages`."""
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
                continue  # in perfect health: counting is slow
            known = self._store.count(os.fsencode(path))
            signs = TreeSigns(tree["key"], path, tree["there"], tree["empty"], known, gone)
            why = refusal(signs, self._conf.sync_max_loss)
            if why:
                raise self._sick(why)

    def _lost_databases(self, ready: Ready) -> Iterator[HeldBack]:
        """Databases that were there and are not: nobody removes one on purpose."""
        named = {*ready.databases, *(one.path for one in ready.held)}
        for path in databases(self._conf):
            name = printable(os.fsencode(path))
            if not named & {str(path), name} and self._store.entry(os.fsencode(path)) is not None:
                yield HeldBack(
                    name, f"it is missing on {self._peer.ssh.host}", "Bring back its last good copy."
                )

    def _missing_others(self, ready: Ready) -> Iterator[HeldBack]:
        """What OTHERn names and the peer does not have: nothing of it is removed here, and somebody has to know."""
        for tree in ready.trees:
            if tree["key"].startswith("OTHER") and not tree["there"] and tree.get("file") is not True:
                yield HeldBack(
                    printable(os.fsencode(tree["path"])),
                    f"on {self._peer.ssh.host} it is no directory and no plain file",
                    "Make it there, or take it out of OTHERn on both nodes.",
                    waits=False,
                )

    def _sick(self, why: str) -> SyncProblem:
        return SyncProblem(Kind.SICK_SOURCE, f"Nothing is copied from {self._peer.ssh.host}: {why}.")


def lies_in(places: Collection[bytes], path: bytes) -> bool:
    """`path` is one of `places`, or lies below one."""
    while places and path not in places:
        if path in (b"/", b""):
            return False
        path = os.path.dirname(path)
    return bool(places)


def skew_warnings(skew: float) -> list[str]:
    """What there is to say of clocks `skew` seconds apart."""
    if abs(skew) <= _SKEW:
        return []
    says = f"The peer's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours."
    return [str(SyncProblem(Kind.CLOCK_SKEW, says))]


def widened(request: Request, below: Below) -> Request:
    """`request`, or one for everything when the way to a directory of its scope is not here yet.

    What leads to it must come first, with its owner and mode; a link in the way has to make way.
    """
    reached = all(below.reaches(os.fsencode(path)) for path in request.scope or ())
    return request if reached else replace(request, scope=None)
