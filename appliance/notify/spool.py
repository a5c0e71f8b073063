"""The queue on disk: one file for each alert that has not gone out by every way, and how each way is doing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from appliance.host.disk import replace_file
from appliance.notify.notice import Notice, pack, unpack

PLACE = Path("/var/lib/asha/notify")
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
    """The directory `place`. Every write is whole or not at all; an unreadable file is set aside, never in the way."""

    def __init__(self, place: Path = PLACE) -> None:
        self.place = place
        self._ways = place / "ways.json"
        self._memory = place / "memory.json"
        self.lock = place / "lock"

    def put(self, notice: Notice) -> list[Notice]:
        """Queue a new alert, or what has become of one; the alerts that had to go for it. Raises OSError."""
        self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self._file(notice), pack(notice), 0o600)
        return [old for old in self._surplus() if self.remove(old)]

    def remove(self, notice: Notice) -> bool:
        """It has gone out, or is too old. False when it was not there any more."""
        try:
            self._file(notice).unlink()
        except FileNotFoundError:
            return False
        return True

    def waiting(self) -> list[Notice]:
        """What has still to go out, oldest first."""
        return list(self._read())

    def is_empty(self) -> bool:
        """Nothing waits. One look at the directory."""
        return not self._names()

    def count(self) -> int:
        """How many wait."""
        return len(self._names())

    def ways(self) -> Ways:
        """How the ways out are doing."""
        try:
            found: dict[str, Any] = json.loads(self._ways.read_bytes())
            ways = {name: Way(**fields) for name, fields in found["by_name"].items()}
            return Ways(ways, float(found["next_at"]))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return Ways()

    def keep_ways(self, ways: Ways) -> None:
        """Raises OSError."""
        by_name = {name: asdict(way) for name, way in ways.by_name.items()}
        replace_file(self._ways, json.dumps({"by_name": by_name, "next_at": ways.next_at}).encode(), 0o600)

    def memory(self) -> Any:
        """What was kept by `keep_memory`; None when there is nothing of use."""
        try:
            return json.loads(self._memory.read_bytes())
        except (OSError, ValueError):
            return None

    def keep_memory(self, document: Any) -> None:
        """Keep what people were told, over the agent's life. Raises OSError."""
        self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self._memory, json.dumps(document).encode(), 0o600)

    def _file(self, notice: Notice) -> Path:
        # By time, so that the order of the names is that of the alerts.
        return self.place / f"{int(notice.at * 1000):015d}-{notice.id}{_ALERT}"

    def _names(self) -> list[Path]:
        try:
            return sorted(
                path for path in self.place.iterdir() if path.suffix == _ALERT and path.name[0] != "."
            )
        except FileNotFoundError:
            return []

    def _read(self) -> Iterator[Notice]:
        for path in self._names():
            try:
                yield unpack(path.read_bytes())
            except FileNotFoundError:
                continue
            except (ValueError, TypeError, KeyError, AttributeError):
                with contextlib.suppress(OSError):
                    path.rename(path.with_suffix(".unreadable"))

    def _surplus(self) -> list[Notice]:
        if len(self._names()) <= MOST:
            return []
        return self.waiting()[:-MOST]
