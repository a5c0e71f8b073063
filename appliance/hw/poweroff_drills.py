"""The file of the drills in which the primary is switched off with its relay energised."""

from __future__ import annotations

from pathlib import Path

from appliance.core.as_json import read_as
from appliance.core.document import parse_object
from appliance.core.poweroff_drill import PoweroffDrills, Way
from appliance.host.statefile import StateFile


def drills_file(path: Path) -> StateFile[PoweroffDrills]:
    """Return the state file at `path`, which holds what was seen of the relay at a poweroff."""
    return StateFile(path, _parse, PoweroffDrills, "what was seen of the relay at a poweroff is not known")


def drill_lock(path: Path) -> Path:
    """Return the lock held by the drill whose notes are at `path`, and by the process that guards it."""
    return path.with_suffix(".lock")


def _parse(content: bytes) -> PoweroffDrills:
    found = read_as(PoweroffDrills, parse_object(content))
    if found.under_way is not None:
        Way(found.under_way.way)
    return found
