"""The giving side: answers the peer's questions about our data, one JSON object a line.

Our data is only read. Names are sent as JSON strings in which bytes that are not UTF-8 are lone surrogates
(os.fsdecode).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from appliance import __version__
from appliance.config import Conf
from appliance.core.document import parse_object
from appliance.core.errors import AshaError, SyncError
from appliance.host.bounded import TooMuch, read_line
from appliance.host.clock import Clock
from appliance.host.paths import SyncPaths
from appliance.sync.asker_gone import end_when_abandoned
from appliance.sync.databases import PATIENCE, NotCopied, Snapshots, berkeley_beside
from appliance.sync.errors import problems_named
from appliance.sync.newer_data_mark import hand_over, read_mark
from appliance.sync.store import Store
from appliance.sync.trees import TreeEntry, databases, look_anyway, traits_of, trees, why_not_given

Message = dict[str, Any]
_LISTS_KEPT = 8
# Files in one question or answer: large enough to be quick, and small enough to need little memory.
PAGE = 1000
# Bytes of names in one question or answer; in JSON a byte of a name may take six. Two questions are under way
# at once, and ssh must be able to hold both before they are read.
PAGE_BYTES = 128 * 1024
_LONGEST = 1 << 20  # bytes of a question


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """Whether our data may be copied now.

    `health`: why the data must not be copied, "" when it may be. `serving`: this node serves.
    """

    health: str
    serving: bool


class SyncServer:
    """The answering of the peer's questions.

    `standing` is called for the questions `prepare`, `health` and `merged`. `spans` returns a description of
    our DAHDI spans, which the peer compares with its own.
    """

    def __init__(
        self,
        conf: Conf,
        places: SyncPaths,
        clock: Clock,
        standing: Callable[[], SourceHealth],
        spans: Callable[[], Message],
    ) -> None:
        self._conf = conf
        self._places = places
        self._clock = clock
        self._standing = standing
        self._spans = spans
        self._trees = trees(conf)
        self._snapshots = Snapshots(places.outbox, clock)
        self._lists: list[Path] = []
        self._tops = {str(tree.path) for tree in self._trees}
        self._known: set[str] = set()  # directories already checked to be in one of our trees
        self._verbs: Mapping[str, Callable[[Message], Message]] = {
            "prepare": self._prepare,
            "health": lambda request: {"health": self._standing().health},
            "list": self._list,
            "manifest": self._manifest,
            "base": self._base,
            "merged": self._merged,
            "spans": lambda request: self._spans(),
        }

    def serve(self, asked: BinaryIO, answered: BinaryIO) -> None:
        """Answer questions until the peer sends no more.

        The process ends when nobody reads the answers any more.
        """
        end_when_abandoned(answered, self._remove_lists)
        try:
            while line := read_line(asked, _LONGEST, "The other node"):
                answered.write(json.dumps(self._answer(line)).encode() + b"\n")
                answered.flush()
        except TooMuch as problem:
            answered.write(json.dumps({"ok": False, "says": str(problem), "kind": ""}).encode() + b"\n")
        except BrokenPipeError:
            pass  # the link is gone, and so is the asker
        finally:
            self._remove_lists()

    def _remove_lists(self) -> None:
        for path in self._lists:
            path.unlink(missing_ok=True)

    def _answer(self, line: bytes) -> Message:
        try:
            request = parse_object(line)
            verb = self._verbs.get(request["verb"])
            if verb is None:
                raise SyncError(f"There is no verb {request['verb']!r} here (asha {__version__}).")
            return {"ok": True, **verb(request)}
        except AshaError as problem:
            return {"ok": False, "says": str(problem.args[0]), "kind": getattr(problem, "kind_name", "")}
        except OSError as problem:
            return {"ok": False, "says": f"{problem.filename}: {problem.strerror}", "kind": ""}
        except (ValueError, KeyError, TypeError, AttributeError):
            return {"ok": False, "says": "that was no request", "kind": ""}

    def _prepare(self, request: Message) -> Message:
        """Answer with our health, the state of each directory, and a snapshot of each database."""
        standing = self._standing()
        found = []
        for tree in self._trees:
            there = tree.path.is_dir()
            empty = not there or next(os.scandir(tree.path), None) is None
            file = tree.path.is_file() and not tree.path.is_symlink()
            found.append(
                {"key": tree.key, "path": str(tree.path), "there": there, "empty": empty, "file": file}
            )
        scope = request.get("scope")
        return {
            "version": __version__,
            "time": self._clock.wall(),
            "health": standing.health,
            "serving": standing.serving,
            "mark": read_mark(self._places),
            "trees": found,
            **({"databases": [], "held": []} if standing.health else self._databases()),
            "list": str(self._write_list(_listed(path) for path in self._scope(scope))) if scope else "",
            "traits": asdict(traits_of(self._tops.intersection(request.get("traits", ())))),
        }

    def _scope(self, paths: Iterable[str]) -> list[str]:
        """Return the existing directories to look at for `paths`.

        For a directory that is gone its nearest existing parent is returned. Each directory is returned once,
        and none that lies in another.
        """
        found = set()
        for path in paths:
            while not os.path.isdir(path) and path not in self._tops and len(path) > 1:
                path = os.path.dirname(path)  # noqa: PLW2901
            self._check_directory(path)
            found.add(path)
        return sorted(path for path in found if not any(path.startswith(f"{other}/") for other in found))

    def _databases(self) -> Message:
        """Return a snapshot of each database, and the databases of which none can be made now.

        The latter are given as `HeldBack` in JSON.
        """
        found, held, until = [], [], self._clock.now() + PATIENCE
        for path in databases(self._conf):
            try:
                copy = self._snapshots.take(path, until)
            except NotCopied as problem:
                held.append(asdict(problem.held))
            else:
                if copy is not None:
                    found.append({"path": str(path), "digest": copy.digest, "size": copy.size})
        if beside := berkeley_beside(self._conf.astdb):
            held.append(asdict(beside.held))
        return {"databases": found, "held": held}

    def _list(self, request: Message) -> Message:
        """Write a list of files to fetch: `paths` in our directories, and `databases` as last prepared."""
        own = {str(path) for path in databases(self._conf)}
        strange = set(request.get("databases", ())) - own
        if strange:
            raise SyncError(f"{strange.pop()} is no database of this node.")
        lines = [self._checked(path) for path in request["paths"]]
        lines += [f"{self._places.outbox}/./{path.lstrip('/')}" for path in request.get("databases", ())]
        return {"list": str(self._write_list(lines, request.get("list")))}

    def _write_list(self, lines: Iterable[str], more: str | None = None) -> Path:
        """Write `lines` to a new list, or append them to the list `more`, and return the list's path.

        Raises SyncError when `more` is not a list of this session.
        """
        place = next((path for path in self._lists if str(path) == more), None)
        if more and place is None:
            raise SyncError(f"{more} is not a list of this session.")
        if place is None:
            place = self._places.file_list(secrets.token_hex(8))
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lists.append(place)
            while len(self._lists) > _LISTS_KEPT:
                self._lists.pop(0).unlink(missing_ok=True)
        with place.open("ab") as file:
            file.writelines(os.fsencode(line) + b"\0" for line in lines)
        return place

    def _checked(self, path: str) -> str:
        """Return `path` if it lies in one of our directories and no link on the way leads out of it.

        Raises SyncError otherwise.
        """
        parent, _, name = path.rpartition("/")
        if parent not in self._known and path not in self._tops:
            self._check_directory(parent)
        if name in ("", ".", "..") or "\0" in name:
            raise SyncError(f"{path!r} is no full path.")
        return path

    def _check_directory(self, path: str) -> None:
        why = why_not_given(path, self._trees)
        if why:
            raise SyncError(f"{why}.")
        self._known.add(path)

    def _manifest(self, request: Message) -> Message:
        """Answer with the entry of what each of `paths` holds now."""
        return {"entries": [pack(look_anyway(os.fsencode(self._checked(path)))) for path in request["paths"]]}

    def _base(self, request: Message) -> Message:
        """Answer with a page of what both nodes last had at and below `under`, beginning after `after`."""
        under, after = os.fsencode(request["under"]), os.fsencode(request.get("after", ""))
        with problems_named(), contextlib.closing(Store(self._places.store)) as store:
            page: list[list[Any]] = []
            size = 0
            for entry in itertools.islice(store.entries(under, after), PAGE):
                page.append(pack(entry))
                size += len(entry.path)
                if size > PAGE_BYTES:
                    break
            return {"entries": page}

    def _merged(self, request: Message) -> Message:
        """Note that the peer has merged everything we had at `mark`, so that we may take its data again.

        Answers that the merge is not settled when the mark is another by now, or this node serves.
        """
        if read_mark(self._places) != request["mark"] or self._standing().serving:
            return {"settled": False}
        hand_over(self._places)
        return {"settled": True}


def _listed(path: str) -> str:
    """Return the line for `path` in a list of what to compare.

    A plain file, which OTHERn may name, is listed by itself and not by its parent directory. Anything else
    gets a slash at its end. rsync would follow a link that has a slash after it.
    """
    return path if os.path.isfile(path) and not os.path.islink(path) else f"{path}/"


def remove_old_lists(places: SyncPaths) -> None:
    """Remove the lists that killed sessions of the peer's have left here.

    While any list may be in use, all of them stay.
    """
    lists = list(places.passing.glob("list-*"))
    if lists and not _is_any_served():
        for path in lists:
            path.unlink(missing_ok=True)


def _is_any_served() -> bool:
    """Return whether a process on this node answers the peer or sends it files.

    Both kinds of process were started by `asha sync-source`. Any process with the word --server counts.
    """
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_bytes().split(b"\0")
            if b"sync-source" in words or b"--server" in words:
                return True
    return False


def pack(entry: TreeEntry) -> list[Any]:
    """Return `entry` as JSON."""
    name = os.fsdecode(entry.path)
    return [name, entry.kind, entry.size, entry.mtime, entry.digest, entry.trouble]


def unpack(packed: list[Any]) -> TreeEntry:
    """Return the entry that `pack` has made into `packed`."""
    name, kind, size, mtime, digest, trouble = packed
    return TreeEntry(os.fsencode(name), str(kind), int(size), int(mtime), str(digest), str(trouble or ""))
