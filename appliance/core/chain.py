"""The hash chain of the journal.

Each entry carries the hash of the entry before it, so that no entry can be changed or lost unnoticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
Entry: TypeAlias = Mapping[str, object]

START = "0" * 64


# The key that marks the first entry behind a spoilt stretch, at which the chain restarts.
AFTER_SPOILT = "after_spoilt"


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place at which the chain does not hold: the line number, from 1, and the reason."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """The result of following the whole chain.

    `named`: the lines at which the writer itself found the part before spoilt (by a crash or a full disk),
    said so, and restarted the chain. `broken`: the first spoilt place that no writer has named; there
    somebody has changed the journal.
    """

    broken: Broken | None
    named: tuple[int, ...] = ()


def digest(previous: str, entry: Entry) -> str:
    """Return the hash of `entry` (without its own `hash`) after `previous`: SHA-256 as 64 hex digits."""
    body = {key: value for key, value in entry.items() if key != "hash"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


def link(previous: str, entry: Entry) -> dict[str, object]:
    """Return `entry` with its `prev` and `hash`, ready to be appended."""
    linked = {**entry, "prev": previous}
    return {**linked, "hash": digest(previous, linked)}


def verify(lines: Iterable[str], first: str | None = None) -> Broken | None:
    """Return the first break of the chain, or None when every line follows from the one before.

    `first` is the expected `prev` of the first line, if it is known.
    """
    return look_through(lines, first).broken


def look_through(lines: Iterable[str], first: str | None = None) -> ChainCheck:
    """Follow the chain through `lines`; `first` is the expected `prev` of the first line, if it is known."""
    previous = first
    spoilt: Broken | None = None
    named: list[int] = []
    for number, line in enumerate(lines, 1):
        entry = _entry(line)
        if isinstance(entry, str):
            spoilt = spoilt or Broken(number, entry)
            continue
        if spoilt is not None or AFTER_SPOILT in entry:
            if AFTER_SPOILT not in entry or entry.get("prev") != START:
                return ChainCheck(spoilt or Broken(number, _MISSING), tuple(named))
            named.append(number)
            spoilt, previous = None, START
        if previous is not None and entry.get("prev") != previous:
            return ChainCheck(Broken(number, _MISSING), tuple(named))
        if entry.get("hash") != digest(str(entry.get("prev")), entry):
            return ChainCheck(Broken(number, "it was changed after it was written"), tuple(named))
        previous = str(entry["hash"])
    return ChainCheck(spoilt, tuple(named))


_MISSING = "an entry before it is missing or was changed"


def _entry(line: str) -> dict[str, object] | str:
    """Return the entry on `line`, or the reason why the line holds none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return "not a whole entry"
    if not isinstance(entry, dict):
        return "not an entry"
    return entry if "hash" in entry else "it was changed after it was written"
