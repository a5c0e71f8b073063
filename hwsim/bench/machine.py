"""The machine and the software versions with which the figures were measured."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from typing import Any


def machine() -> dict[str, Any]:
    """Return cores, kernel, processor architecture, and the load averages now."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def versions() -> dict[str, str]:
    """Return the version of everything that takes part."""
    return {
        "asha": version("asha"),
        "python": platform.python_version(),
        **{name: _package(name) for name in ("heartbeat", "pacemaker", "corosync", "keepalived")},
    }


def _package(name: str) -> str:
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"
