"""The ledger of what was written, and the account: nothing lost, nothing twice."""

from __future__ import annotations

import enum
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwsim.pbxdata import Item, Items, Kind


class Era(enum.Enum):
    """The place and time of a change."""

    HOME = "at home"
    UNSENT = "unsent on the primary"
    AWAY = "on the secondary"


@dataclass(frozen=True, slots=True)
class Row:
    """The account of one kind of data.

    `changes`: how many in each era; `expected`: how many items must be there in the end.
    """

    kind: Kind
    changes: dict[Era, int]
    expected: int
    on_primary: int
    on_secondary: int
    lost: tuple[str, ...]
    twice: tuple[str, ...]

    def figures(self) -> dict[str, Any]:
        """Return the figures for machines."""
        return {
            "kind": self.kind.value,
            "changes": {era.value: count for era, count in self.changes.items()},
            "expected": self.expected,
            "on_primary": self.on_primary,
            "on_secondary": self.on_secondary,
            "lost": list(self.lost),
            "twice": list(self.twice),
        }


class Ledger:
    """The ledger, kept by the writer; `found` is what was there before the first change."""

    def __init__(self, found: Items) -> None:
        self._contents = {(item.kind, item.name): item.content for item in found}
        self._changes: Counter[tuple[Kind, Era]] = Counter()

    @property
    def expected(self) -> Items:
        """The items that must be on both nodes, once."""
        return Items(Item(kind, name, content) for (kind, name), content in self._contents.items())

    def wrote(self, era: Era, item: Item) -> None:
        """Record an item that is new, or has new content."""
        self._contents[item.kind, item.name] = item.content
        self._count(era, item)

    def moved(self, era: Era, before: Item, after: Item) -> None:
        """Record that an item is in another place now."""
        del self._contents[before.kind, before.name]
        self.wrote(era, after)

    def removed(self, era: Era, item: Item) -> None:
        """Record that an item was deleted, and must not come back."""
        del self._contents[item.kind, item.name]
        self._count(era, item)

    def set_aside(self, era: Era, item: Item) -> None:
        """Record an item that was written, but whose place another version is to take."""
        self._count(era, item)

    def account(self, primary: Items, secondary: Items) -> list[Row]:
        """Return the account of what was found on the two nodes."""
        return [self._row(kind, _of(kind, primary), _of(kind, secondary)) for kind in Kind]

    def _row(self, kind: Kind, primary: Items, secondary: Items) -> Row:
        expected = _of(kind, self.expected)
        sides = {"primary": primary, "secondary": secondary}
        return Row(
            kind=kind,
            changes={era: self._changes[kind, era] for era in Era},
            expected=expected.total(),
            on_primary=(expected & primary).total(),
            on_secondary=(expected & secondary).total(),
            lost=_named({side: expected - found for side, found in sides.items()}),
            twice=_named({side: found - expected for side, found in sides.items()}),
        )

    def _count(self, era: Era, item: Item) -> None:
        self._changes[item.kind, era] += 1


@dataclass(frozen=True, slots=True)
class Lag:
    """The `seconds` from a change until it was on the other node.

    The change is made at once, or by a program that is started at that time.
    """

    what: Item
    seconds: float

    @property
    def words(self) -> str:
        """The changed item in a few words."""
        name = Path(self.what.name).name
        return name if self.what.kind in (Kind.CONF, Kind.GREETING) else f"{self.what.kind.value} {name}"


@dataclass(frozen=True, slots=True)
class Lags:
    """The lags of one direction, at least one."""

    lags: tuple[Lag, ...]

    @property
    def seconds(self) -> list[float]:
        """The lag of each change, in order."""
        return [lag.seconds for lag in self.lags]

    def words(self) -> str:
        """Return smallest, median and largest lag, and their number."""
        low, middle, high = min(self.seconds), statistics.median(self.seconds), max(self.seconds)
        return f"min {low:.2f} s, median {middle:.2f} s, max {high:.2f} s (n={len(self.seconds)})"

    def figures(self) -> dict[str, Any]:
        """Return the figures for machines, in seconds."""
        return {
            "n": len(self.seconds),
            "min": round(min(self.seconds), 4),
            "median": round(statistics.median(self.seconds), 4),
            "max": round(max(self.seconds), 4),
            "each": [{"what": lag.words, "seconds": round(lag.seconds, 4)} for lag in self.lags],
        }


def faults(rows: Sequence[Row]) -> list[str]:
    """Return what is lost or there too often, in sentences; empty when the account is even."""
    lost = [f"lost: {name}" for row in rows for name in row.lost]
    return lost + [f"twice, back or strange: {name}" for row in rows for name in row.twice]


def _of(kind: Kind, items: Items) -> Items:
    return Items({item: count for item, count in items.items() if item.kind is kind})


def _named(sides: dict[str, Items]) -> tuple[str, ...]:
    """Return each item once, with the sides on which it was found."""
    where: dict[Item, list[str]] = {}
    for side, items in sides.items():
        for item in items:
            where.setdefault(item, []).append(side)
    return tuple(
        f"{item.name} ({' and '.join(names)})" for item, names in sorted(where.items(), key=_by_name)
    )


def _by_name(pair: tuple[Item, list[str]]) -> tuple[str, str]:
    item, _ = pair
    return item.name, item.content
