"""Installation of the resource script where Heartbeat looks for it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from appliance.cluster.heartbeat.files import write_if_changed

RESOURCE_NAME = "asha"


def resource_script(command: Sequence[str | Path]) -> str:
    """Return the text of resource.d/asha.

    The script replaces itself by `command` at once, with Heartbeat's words as further arguments.
    """
    words = shlex.join(str(word) for word in command)
    return (
        "#!/bin/sh\n"
        "# Heartbeat's resource asha: [args...] start|stop|status. Written by asha; edits are lost.\n"
        f'exec {words} "$@"\n'
    )


def install_resource_script(resource_dir: Path, command: Sequence[str | Path]) -> bool:
    """Write resource.d/asha; return True when it changed. Raises HostError."""
    return write_if_changed(resource_dir / RESOURCE_NAME, resource_script(command), 0o755)


def missing_resources(resource_dir: Path) -> tuple[str, ...]:
    """Return the scripts named in asha's haresources line that are missing.

    Heartbeat does not report missing scripts itself.
    """
    names = ("IPaddr2", RESOURCE_NAME)
    return tuple(name for name in names if not (resource_dir / name).is_file())
