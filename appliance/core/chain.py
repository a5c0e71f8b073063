"""The journal's hash chain: each entry carries the hash of the one before, so that none can be changed or lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
Entry: TypeAlias = Mapping[str, object]

START = "0" * 64


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place at which the chain does not hold: line number from 1, and why."""

    line: int
    why: str


def digest(previous: str, entry: Entry) -> str:
    """Hash of `entry` (without its own `hash`) after `previous`, as 64 hex digits of SHA-256."""
    body = {key: value for key, value in entry.items() if key != "hash"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


def link(previous: str, entry: Entry) -> dict[str, object]:
    """`entry` with its `prev` and `hash`, ready to be appended."""
    linked = {**entry, "prev": previous}
    return {**linked, "hash": digest(previous, linked)}


def verify(lines: Iterable[str], first: str | None = None) -> Broken | None:
    """None when every line follows from the one before. `first` is the expected start, if it is known."""
    previous = first
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except ValueError:
            return Broken(number, "not a whole entry")
        if not isinstance(entry, dict):
            return Broken(number, "not an entry")
        if previous is not None and entry.get("prev") != previous:
            return Broken(number, "an entry before it is missing or was changed")
        if entry.get("hash") != digest(str(entry.get("prev")), entry):
            return Broken(number, "it was changed after it was written")
        previous = str(entry["hash"])
    return None
