"""The record, kept over reboots, of what the conf file and SARK last agreed on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from appliance.core.document import parse_object
from appliance.host.statefile import StateFile

MEMORY = Path("/var/lib/asha/sark.json")


def memory_file(path: Path = MEMORY) -> StateFile[dict[str, str]]:
    """Return the state file at `path`: by key, the value that both sides had."""
    return StateFile(
        path, _parse, dict, "the conf file and SARK are compared as if they met for the first time"
    )


def read_agreed(path: Path) -> dict[str, str]:
    """Return, by key, the value that both sides had.

    Returns an empty dict when nothing can be read: both sides are then compared as if for the first time.
    """
    return memory_file(path).load()


def write_agreed(path: Path, agreed: Mapping[str, str]) -> None:
    """Write `agreed` to the file at `path`. Raises OSError."""
    memory_file(path).write(json.dumps({"agreed": agreed}, indent=1) + "\n")


def _parse(content: bytes) -> dict[str, str]:
    return {str(key): _text(value) for key, value in parse_object(content)["agreed"].items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a value in it is no text")  # noqa: TRY004 - one exception for every bad text
    return value
