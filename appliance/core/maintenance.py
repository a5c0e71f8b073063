"""Maintenance: for a limited time, never for good, the watchdog of one node does not act."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from appliance.core.alerts import one_line
from appliance.core.errors import UserError
from appliance.core.status import MaintenanceStatus

SHORTEST = 60.0
LONGEST = 86400.0
USUAL = 3600.0
# A clock that was set back by more than this since the beginning says nothing of how long it has lasted; seconds.
SET_BACK = 300.0
_NAME_LENGTH = 160
_WHY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A maintenance from `began` to `until`, both in seconds since the epoch; who asked for it, and why."""

    began: float
    until: float
    by: str
    why: str = ""

    def left(self, wall: float) -> float:
        """Return the seconds that are left at `wall` (epoch seconds); 0 when the maintenance is over.

        The result is never more than the maintenance was to last.
        """
        if wall < self.began - SET_BACK:
            return 0.0
        return max(0.0, min(self.until - wall, self.lasts))

    @property
    def lasts(self) -> float:
        """The duration that was asked for, in seconds."""
        return min(self.until - self.began, LONGEST)


def begin(seconds: float, by: str, why: str, wall: float) -> Maintenance:
    """Return a maintenance that begins at `wall` (epoch seconds) and lasts `seconds`.

    Raises UserError when that would be too short to be of use, or too long.
    """
    if not SHORTEST <= seconds <= LONGEST:
        raise UserError(
            f"Maintenance lasts from {SHORTEST:.0f} s to {LONGEST / 3600:.0f} h.",
            todo="It ends on its own, so that it cannot be forgotten; it may be given again.",
        )
    return Maintenance(wall, wall + seconds, one_line(by, _NAME_LENGTH), one_line(why, _WHY_LENGTH))


def pack(given: Maintenance) -> dict[str, Any]:
    """Return the maintenance as JSON."""
    return asdict(given)


def unpack(document: Any) -> Maintenance:
    """Return the maintenance that `pack` wrote. Raises ValueError for anything else."""
    try:
        numbers = (float(document["began"]), float(document["until"]))
        found = Maintenance(*numbers, str(document["by"]), str(document["why"]))
    except (KeyError, TypeError, AttributeError):
        raise ValueError("it holds no maintenance") from None
    if not 0 < found.until - found.began <= LONGEST:
        raise ValueError("it lasts for no time that can be given")
    return found


def problem(lasting: MaintenanceStatus) -> str:
    """Return what people read while it lasts."""
    why = f": {lasting.why}" if lasting.why else ""
    left = max(1, round(lasting.left / 60))
    return (
        f"maintenance for {left} min more (by {lasting.by}{why}): this node neither hands over nor restarts "
        "Asterisk automatically. 'asha maintenance off' ends it"
    )
