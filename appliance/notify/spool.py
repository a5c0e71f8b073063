"""The queue on disk: one file for each alert that has not gone out by every way, and how each way is doing."""

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
from appliance.host.statefile import StateFile
from appliance.notify.notice import Notice, pack, unpack

PLACE = Path("/var/lib/asha/notify")
# On a tmpfs: where alerts wait that the disk does not take, first of all the alert that the disk takes nothing.
PASSING = Path("/run/asha/notify")
# More are not kept; the oldest go first.
MOST = 200
_ALERT = ".alert"


@dataclass(frozen=True, slots=True)
class Way:
    """How one way out is doing. `problem`: why the last try failed, "" when it did not; `again`: when it is tried again
    (seconds since the epoch), after `failures` in a row."""

    problem: str = ""
    failures: int = 0
    again: float = 0.0
    delivered: int = 0


@dataclass(frozen=True, slots=True)
class Ways:
    """Every way out that was ever tried, and when the next try is due."""

    by_name: Mapping[str, Way] = field(default_factory=dict)
    next_at: float = 0.0


class Spool:
    """The directory `place`, and `passing` for what `place` does not take.

    Every write is whole or not at all; an unreadable file is set aside, never in the way.
    """

    def __init__(self, place: Path = PLACE, passing: Path | None = None) -> None:
        self.place = place
        self._places = (place, passing or (PASSING if place == PLACE else place / "passing"))
        self.ways_file = StateFile(place / "ways.json", _ways, Ways, "every way out is tried again at once")
        self.memory_file = StateFile(
            place / "memory.json",
            parse_json,
            lambda: None,
            "what stands is told once more, as if it were new",
        )
        self.lock = place / "lock"

    def put(self, notice: Notice) -> list[Notice]:
        """Queue a new alert, or what has become of one; the alerts that had to go for it. Raises OSError."""
        try:
            self._put(notice, self._places[0])
        except OSError:
            self._put(notice, self._places[1])
        return [old for old in self._surplus() if self.remove(old)]

    def remove(self, notice: Notice) -> bool:
        """It has gone out, or is too old. False when it was not there any more. Raises OSError."""
        return sum(self._remove(place / _name(notice)) for place in self._places) > 0

    def waiting(self) -> list[Notice]:
        """What has still to go out, oldest first.

        What lies in a directory that takes no change waits on: that it has gone out could not be noted, and it would
        go out again and again.
        """
        found = {one.id: one for place in self._places if os.access(place, os.W_OK) for one in _read(place)}
        return sorted(found.values(), key=lambda one: (one.at, one.id))

    def is_empty(self) -> bool:
        """Nothing waits. One look at the directories."""
        return not self.count()

    def count(self) -> int:
        """How many wait."""
        return len({path.name for place in self._places for path in _names(place)})

    def ways(self) -> Ways:
        """How the ways out are doing."""
        return self.ways_file.load()

    def keep_ways(self, ways: Ways) -> None:
        """Keep how the ways out are doing. A disk that does not take it keeps no alert from going out."""
        by_name = {name: asdict(way) for name, way in ways.by_name.items()}
        with contextlib.suppress(OSError):
            self.ways_file.write(json.dumps({"by_name": by_name, "next_at": ways.next_at}))

    def memory(self) -> Any:
        """What was kept by `keep_memory`; None when there is nothing of use."""
        return self.memory_file.load()

    def keep_memory(self, document: Any) -> None:
        """Keep what people were told, over the agent's life. Raises OSError."""
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
    # By time, so that the order of the names is that of the alerts.
    return f"{int(notice.at * 1000):015d}-{notice.id}{_ALERT}"


def _names(place: Path) -> list[Path]:
    try:
        return [path for path in place.iterdir() if path.suffix == _ALERT and path.name[0] != "."]
    except OSError:  # none yet; or the agent says what is wrong with the directory (agent/rooms/files.py)
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


def _way(fields: Mapping[str, Any]) -> Way:
    problem, failures = fields["problem"], fields["failures"]
    if not isinstance(problem, str):
        raise ValueError("a problem in it is no text")  # noqa: TRY004 - one exception for every bad file
    return Way(problem, _whole(failures), _real(fields["again"]), _whole(fields["delivered"]))


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a count in it is no number")
    return value


def _real(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a time in it is no number")  # noqa: TRY004 - as for a problem
    return float(value)
