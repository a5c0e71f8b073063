"""The note of a change from one cluster engine to the other, as it is kept on file."""

from __future__ import annotations

from pathlib import Path

from appliance.core.as_json import read_as
from appliance.core.document import parse_object
from appliance.core.engine_change import TITLES, EngineChange
from appliance.host.statefile import StateFile


def change_file(path: Path) -> StateFile[EngineChange | None]:
    """Return the state file at `path`, which holds the last change of the engine, or the one under way."""
    return StateFile(path, _parse, lambda: None, "no change of the cluster engine is known to be under way")


def _parse(content: bytes) -> EngineChange:
    change = read_as(EngineChange, parse_object(content))
    if not {change.to, change.back} <= TITLES.keys():
        raise ValueError("it names an engine that asha does not know")
    return change
