"""What the conf file and SARK last agreed on; survives reboots."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from appliance.host.disk import replace_file

MEMORY = Path("/var/lib/asha/sark.json")


def read_agreed(path: Path) -> dict[str, str]:
    """By key, the value both had; empty when nothing can be read: the two then meet for the first time."""
    try:
        return {str(key): str(value) for key, value in json.loads(path.read_bytes())["agreed"].items()}
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return {}


def write_agreed(path: Path, agreed: Mapping[str, str]) -> None:
    """Keep it. Raises OSError."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    replace_file(path, json.dumps({"agreed": agreed}, indent=1) + "\n", 0o600)
