"""Queue on disk: one file for each alert that has not gone out by every way, and the state of each way."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from appliance.core.document import parse_json, parse_object
from appliance.host.disk import read_small, replace_file, set_aside
from appliance.host.paths import ALERTS, ALERTS_PASSING
from appliance.host.statefile import StateFile
from appliance.notify.notice import Notice, pack, unpack

# Largest number of alerts kept; the oldest are dropped first.
MOST = 200
_ALERT = ".alert"


@dataclass(frozen=True, slots=True)
class WayState:
    """State of one way out.

    `problem` says why the last try failed, "" when it did not. `again`: when the way is tried again, in epoch
    seconds, after `failures` failures in a row. `delivered` counts the alerts that went out.
    """

    problem: str = ""
    failures: int = 0
    again: float = 0.0
    delivered: int = 0


@dataclass(frozen=True, slots=True)
class Ways:
    """State of every way out that was ever tried, and when the next try is due.

    `next_at` is in epoch seconds, and 0.0 when no time is known.
    """

    by_name: Mapping[str, WayState] = field(default_factory=dict)
    next_at: float = 0.0


class Spool:
    """The queue in the directory `place`, with `passing` for what `place` does not accept.

    A file is written completely or not at all; an unreadable file is set aside, and blocks nothing.
    """

    def __init__(self, place: Path = ALERTS, passing: Path | None = None) -> None:
        self.place = place
        self._places = (place, passing or (ALERTS_PASSING if place == ALERTS else place / "passing"))
        self.ways_file = StateFile(place / "ways.json", _ways, Ways, "every way out is tried again at once")
        self.memory_file = StateFile(
            place / "memory.json",
            parse_json,
            lambda: None,
            "what stands is told once more, as if it were new",
        )
        self.lock = place / "lock"

    def put(self, notice: Notice) -> list[Notice]:
        """Queue a new alert, or store the new state of a queued one; return the alerts dropped to make room.

        Raises OSError.
        """
        try:
            self._put(notice, self._places[0])
        except OSError:
            self._put(notice, self._places[1])
        return [old for old in self._surplus() if self.remove(old)]

    def remove(self, notice: Notice) -> bool:
        """Remove an alert that has gone out or is too old; return False when it was not there.

        Raises OSError.
        """
        return sum(self._remove(place / _name(notice)) for place in self._places) > 0

    def waiting(self) -> list[Notice]:
        """Return the alerts that have still to go out, oldest first.

        An alert in a directory that cannot be changed is left out: its delivery could not be recorded, and it
        would go out again and again.
        """
        found = {one.id: one for place in self._places if os.access(place, os.W_OK) for one in _read(place)}
        return sorted(found.values(), key=lambda one: (one.at, one.id))

    def is_empty(self) -> bool:
        """Return whether nothing waits, which takes one look at the directories."""
        return not self.count()

    def count(self) -> int:
        """Return how many alerts wait."""
        return len({path.name for place in self._places for path in _names(place)})

    def ways(self) -> Ways:
        """Return the state of the ways out."""
        return self.ways_file.load()

    def keep_ways(self, ways: Ways) -> None:
        """Store the state of the ways out.

        A disk that does not accept it does not stop alerts from going out.
        """
        by_name = {name: asdict(way) for name, way in ways.by_name.items()}
        with contextlib.suppress(OSError):
            self.ways_file.write(json.dumps({"by_name": by_name, "next_at": ways.next_at}))

    def memory(self) -> Any:
        """Return what `keep_memory` has stored, or None when there is nothing usable."""
        return self.memory_file.load()

    def keep_memory(self, document: Any) -> None:
        """Store what people were told, so that it outlives the agent. Raises OSError."""
        self.memory_file.write(json.dumps(document))

    @staticmethod
    def _put(notice: Notice, place: Path) -> None:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(place / _name(notice), pack(notice), 0o600)

    @staticmethod
    def _remove(path: Path) -> bool:
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _surplus(self) -> list[Notice]:
        return self.waiting()[:-MOST] if self.count() > MOST else []


def _name(notice: Notice) -> str:
    # The time comes first, so that the order of the names is that of the alerts.
    return f"{int(notice.at * 1000):015d}-{notice.id}{_ALERT}"


def _names(place: Path) -> list[Path]:
    try:
        return [path for path in place.iterdir() if path.suffix == _ALERT and path.name[0] != "."]
    except OSError:  # no directory yet, or a bad one: appliance/agent/components/file_troubles.py reports it
        return []


def _read(place: Path) -> Iterator[Notice]:
    for path in _names(place):
        try:
            content = read_small(path)
            if content is not None:
                yield unpack(content)
        except (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
            set_aside(path)


def _ways(content: bytes) -> Ways:
    found = parse_object(content)
    return Ways({name: _way(fields) for name, fields in found["by_name"].items()}, _real(found["next_at"]))


def _way(fields: Mapping[str, Any]) -> WayState:
    problem, failures = fields["problem"], fields["failures"]
    if not isinstance(problem, str):
        raise ValueError("a problem in it is no text")  # noqa: TRY004 - one exception for every bad file
    return WayState(problem, _whole(failures), _real(fields["again"]), _whole(fields["delivered"]))


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a count in it is no number")
    return value


def _real(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a time in it is no number")  # noqa: TRY004 - as for a problem
    return float(value)
