"""A page of the journal, found by kind and by words, and the pages of both nodes merged into one list.

A page goes backwards from a place in the journal. The place is the hash of an entry, not a time: a clock that was set
back makes no entry unreachable and shows none twice. Each page is bounded in three ways: in its entries, in its bytes,
because it travels over ssh (host/process.py keeps 64 KiB of an answer), and in how many entries are looked at for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from appliance.core.errors import UserError
from appliance.core.journal_entry import JournalEntry
from appliance.core.journal_words import in_words

MOST = 100
_LOOKED_AT = 5000
_ROOM = 48_000
# An entry that is longer, in bytes, is shown by what all entries have, and by how long it is.
_LONGEST = 8000
_SEARCH_LENGTH = 100
# Of no use to somebody who reads a page.
_NOT_SHOWN = frozenset({"prev", "at", "evidence"})
_KIND = re.compile(r"[a-z][a-z0-9 _-]{0,39}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class JournalQuery:
    """Which entries are wanted.

    `before`: the hash of an entry; only what was written before it ("": from the newest on). `kind`: only entries of
    that kind ("": of all). `search`: only entries that have these words, in whatever case ("": all).
    """

    before: str = ""
    kind: str = ""
    search: str = ""

    def __post_init__(self) -> None:
        if self.before and not _HASH.fullmatch(self.before):
            raise UserError("That is no place in the journal.")
        if self.kind and not _KIND.fullmatch(self.kind):
            raise UserError("That is no kind of entry.")
        if len(self.search) > _SEARCH_LENGTH:
            raise UserError(f"What is searched for has at most {_SEARCH_LENGTH} characters.")

    def wants(self, entry: JournalEntry) -> bool:
        """Return whether `entry` is of the kind, and has the words."""
        if self.kind and entry.kind != self.kind:
            return False
        return not self.search or self.search.casefold() in f"{entry.kind} {in_words(entry)}".casefold()


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Entries of one node, the newest first, by their fields.

    `last`: the hash of the last entry that was looked at. `more`: older entries were not looked at.
    """

    entries: tuple[Mapping[str, object], ...] = ()
    last: str = ""
    more: bool = False


def page_of(backwards: Iterable[JournalEntry], query: JournalQuery) -> JournalPage:
    """Return the page that `query` asks for, from the entries of a journal, the newest first."""
    found: list[Mapping[str, object]] = []
    left, last = _ROOM, query.before
    for looked, entry in enumerate(_from(query.before, backwards)):
        shown = _shown(entry) if query.wants(entry) else None
        left -= 0 if shown is None else len(json.dumps(shown)) + 2
        if looked == _LOOKED_AT or len(found) == MOST or left < 0:
            return JournalPage(tuple(found), last, more=True)
        last = entry.hash or last
        if shown is not None:
            found.append(shown)
    return JournalPage(tuple(found), last)


def _from(before: str, backwards: Iterable[JournalEntry]) -> Iterator[JournalEntry]:
    """Yield the entries behind the one whose hash is `before`; none when it is no longer in the journal."""
    entries = iter(backwards)
    if before:
        for entry in entries:
            if entry.hash == before:
                break
    return entries


def _shown(entry: JournalEntry) -> Mapping[str, object]:
    shown = {name: value for name, value in entry.fields.items() if name not in _NOT_SHOWN}
    length = len(json.dumps(shown))
    if length <= _LONGEST:
        return shown
    says = f"an entry of {length} bytes: 'asha events' on that node shows it"
    return {"wall": entry.wall, "kind": entry.kind[:40], "hash": entry.hash, "says": says}


@dataclass(frozen=True, slots=True)
class MergedPage:
    """Entries of several nodes, the newest first, each with the name of its node.

    `before`: for each node the place behind which the next page begins. `more`: there is a next page.
    """

    entries: tuple[tuple[str, JournalEntry], ...]
    before: Mapping[str, str]
    more: bool


def merged(pages: Mapping[str, JournalPage], before: Mapping[str, str]) -> MergedPage:
    """Return the entries of `pages`, by node, in one list by the time of day that each node's own clock had.

    Args:
        pages: The page of each node.
        before: Where each of these pages began (`JournalQuery.before`).

    The list ends where the page of a node ends that has more: what is older there is not known yet.
    """
    left = {node: [JournalEntry(fields) for fields in page.entries] for node, page in pages.items()}
    places = {node: before.get(node, "") for node in pages}
    found: list[tuple[str, JournalEntry]] = []
    while not any(not left[node] and page.more for node, page in pages.items()):
        heads = [node for node, entries in left.items() if entries]
        if not heads:
            break
        node = max(heads, key=lambda one: left[one][0].wall)
        entry = left[node].pop(0)
        places[node] = entry.hash or places[node]
        found.append((node, entry))
    places |= {node: page.last for node, page in pages.items() if not left[node]}
    more = any(left.values()) or any(page.more for page in pages.values())
    return MergedPage(tuple(found), places, more)
