"""Put the resource script where Heartbeat looks for it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from appliance.cluster.heartbeat.files import write_if_changed

RESOURCE_NAME = "asha"


def resource_script(command: Sequence[str | Path]) -> str:
    """The text of resource.d/asha: it becomes `command` at once, with Heartbeat's words behind."""
    words = shlex.join(str(word) for word in command)
    return (
        "#!/bin/sh\n"
        "# Heartbeat's resource asha: [args...] start|stop|status. Written by asha; edits are lost.\n"
        f'exec {words} "$@"\n'
    )


def install_resource_script(resource_dir: Path, command: Sequence[str | Path]) -> bool:
    """Write resource.d/asha; True when it changed. Raises HostError."""
    return write_if_changed(resource_dir / RESOURCE_NAME, resource_script(command), 0o755)


def missing_resources(resource_dir: Path) -> tuple[str, ...]:
    """Scripts our haresources line names that are not there. Heartbeat does not report them itself."""
    names = ("IPaddr2", RESOURCE_NAME)
    return tuple(name for name in names if not (resource_dir / name).is_file())
