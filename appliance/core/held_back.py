"""The items that a synchronisation pass leaves out because something is wrong with them.

All other items are put in place. An item that is held back is neither lost nor removed: the version in place
here stays, nothing is recorded as in step for it, and every pass tries it again. The item is shown by name,
with the reason and what to do, until it comes across.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from appliance.core.text import printable

# The longest list that is kept: a damaged disk could name every file that there is.
MOST = 100
_LONGEST = 500
_LONGEST_PATH = 4 * 4096  # every byte of the path escaped
_FAR_AWAY = 1e11  # seconds since the epoch, some thousand years


@dataclass(frozen=True, slots=True)
class HeldBack:
    """One item that is held back, with the reason and what to do.

    `path` is fit to be shown (see `printable` in words.py). `since`: wall time of the pass that first held it
    back. `waits`: a merge is not finished while this item is held back. An item that this version never
    carries, such as the database of another program, keeps no merge waiting.
    """

    path: str
    why: str
    todo: str = ""
    since: float = 0.0
    waits: bool = True

    def __str__(self) -> str:
        return printable(f"{self.path} is held back: {self.why}. {self.todo}".strip())


def printed(value: object, longest: int = _LONGEST) -> str:
    """Return the printable part of a text from outside, at most `longest` characters; "" if not a text."""
    text = value if isinstance(value, str) else ""
    return "".join(char for char in text[: 2 * longest] if char.isprintable())[:longest]


def carried_on(
    before: Iterable[HeldBack], found: Iterable[HeldBack], looked_at: Callable[[str], bool], now: float
) -> list[HeldBack]:
    """Return the items held back after a pass at wall time `now` that has `found` some.

    `before`: the items held back until then. `looked_at`: tells whether the pass would have met an item at a
    path.
    """
    known = {one.path: one for one in before}
    held = {path: one for path, one in known.items() if not looked_at(path)}
    for one in found:
        since = known[one.path].since if one.path in known else now
        held[one.path] = dataclasses.replace(one, since=since)
    return [held[path] for path in sorted(held)]


def read_held(given: object) -> list[HeldBack]:
    """Return the items of a list that came as JSON from the peer or the disk; malformed ones are left out."""
    rows = given if isinstance(given, list) else []
    return [
        _item(row) for row in rows[:MOST] if isinstance(row, Mapping) and isinstance(row.get("path"), str)
    ]


def _item(row: Mapping[str, object]) -> HeldBack:
    since = row.get("since")
    return HeldBack(
        path=printed(row["path"], _LONGEST_PATH),
        why=printed(row.get("why")),
        todo=printed(row.get("todo")),
        since=float(since) if isinstance(since, int | float) and 0 <= since < _FAR_AWAY else 0.0,
        waits=row.get("waits") is not False,
    )
